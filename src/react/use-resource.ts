import { MissingResourceError } from '../errors'
import type { AnyWorkflow, ResourcesOf } from '../workflow/shape'
import { misuse, useSession } from './place'
import type { Registered } from './register'
import { useSnapshot } from './snapshot'

/** The keys of the declared resources; any text when the workflow is not known. */
export type ResourceKey<W extends AnyWorkflow> =
  unknown extends ResourcesOf<W> ? string : keyof ResourcesOf<W> & string

/** The type of a resource that is there. */
export type ResourceAt<W extends AnyWorkflow, K> = K extends keyof ResourcesOf<W>
  ? NonNullable<ResourcesOf<W>[K]>
  : unknown

/** `useResource`, typed by a workflow. */
export interface UseResource<W extends AnyWorkflow> {
  /** A client that was given to the session. Throws a MissingResourceError when it is missing and there is no fallback. */
  <K extends ResourceKey<W>>(key: K): ResourceAt<W, K>
  <K extends ResourceKey<W>, F>(key: K, fallback: F): ResourceAt<W, K> | F
}

/**
 * A resource of the nearest provider's session. The component renders again when the resource is replaced.
 *
 * ```ts
 * const payments = useResource('payments')
 * const log = useResource('log', console)
 * ```
 *
 * @throws MissingResourceError when it is missing and no fallback is given; HookError without a provider
 */
export const useResource: UseResource<Registered> = (...args: readonly unknown[]) =>
  useResourceOf(undefined, args) as never

export function useResourceOf(workflow: AnyWorkflow | undefined, args: readonly unknown[]): unknown {
  const [key, fallback] = args
  if (typeof key !== 'string') throw misuse('useResource')
  const session = useSession('useResource', workflow)
  const get = (): unknown => {
    const resources = session.resources as Readonly<Record<string, unknown>>
    return Object.hasOwn(resources, key) ? resources[key] : missing
  }
  const value = useSnapshot(session.subscribeResources, get, get)
  if (value !== missing) return value
  if (args.length > 1) return fallback
  throw new MissingResourceError(key, Object.keys(session.resources as object))
}

const missing = Symbol('missing')
