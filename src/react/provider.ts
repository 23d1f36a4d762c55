import type { ReactElement, ReactNode } from 'react'
import { HookError } from '../errors'
import type { AnyWorkflow } from '../workflow/shape'
import { optionsOf, useOpened, type Opened, type Phase, type SessionOptions } from './opened'
import { has, PlaceContext } from './place'
import { createElement, useContext, useMemo } from './react'
import { useTabName } from './use-tab-name'

/** Which session is opened, as for `engine.open`, and what is shown until it is there. */
export interface WorkflowProviderProps<W extends AnyWorkflow> extends SessionOptions<W> {
  /** Shown until the session is loaded. Default: nothing. */
  readonly fallback?: ReactNode
  /**
   * Shown when the session could not be loaded. `retry` reads it once more; a LoadError has other ways out. Default: the
   * error goes to the nearest error boundary, which gets it again until somebody calls the error's `retry()`.
   */
  readonly errorFallback?: ((error: Error, retry: () => void) => ReactNode) | undefined
  /**
   * `tab` gives each tab a session of its own, which survives a reload of the tab and is not shared by a duplicate of it.
   * The fallback shows until the tab is known. Default: all tabs share one session.
   */
  readonly scope?: 'tab' | undefined
  /** Renders the children at once, also on a server, with the initial state and the status `loading`. */
  readonly ssr?: boolean | undefined
  /** Lets the nearest Suspense boundary wait, in place of `fallback`. */
  readonly suspense?: boolean | undefined
  readonly children?: ReactNode
}

/**
 * Opens a session for the components below it, which mount when the session is loaded. A new `id` opens another session,
 * behind the fallback. Unmounting leaves the session open.
 *
 * ```tsx
 * <WorkflowProvider workflow={checkout} id="cart-42" resources={{ payments }} fallback={<Spinner />}>
 *   <Checkout />
 * </WorkflowProvider>
 * ```
 *
 * @throws HookError without a workflow; WorkflowError for a wrong one; ArgumentError for a wrong option; without
 *   `errorFallback` what the session's `ready` rejects with
 */
export function WorkflowProvider<W extends AnyWorkflow>(
  props: WorkflowProviderProps<W> & { readonly workflow: W },
): ReactElement | null {
  if (!has(props.workflow, 'steps'))
    throw new HookError(
      'WorkflowProvider',
      'its `workflow` is not what defineWorkflow() returns; do two modules import each other?',
    )
  const above = useContext(PlaceContext)
  const tab = useTabName(props.scope === 'tab')
  const id = props.id ?? props.workflow.name
  const [opened, phase] = useOpened(tab === undefined ? tab : { ...props, id: id + tab })
  const place = useMemo(
    () => opened && { ...opened, workflow: opened.session.workflow, above },
    [opened, above],
  )
  if (!opened) return (props.fallback as ReactElement | undefined) ?? null
  const instead = inPlaceOfChildren(props, phase, opened)
  if (instead !== undefined) return instead as ReactElement | null
  // With a key, no component carries what it holds from one session over to another.
  return createElement(PlaceContext.Provider, { key: opened.key, value: place }, props.children)
}

/** What is shown while there is no session to show; never undefined, which React 17 refuses. */
function inPlaceOfChildren(
  props: WorkflowProviderProps<AnyWorkflow> & { readonly workflow: AnyWorkflow },
  phase: Phase,
  { session, engine }: Opened,
): ReactNode {
  const { fallback = null, errorFallback, ssr, suspense } = props
  // A refused session that was closed, and that nobody opens for this one, would show an empty one.
  if (phase === 'error' || (phase === 'closed' && session.status === 'error')) {
    const error = session.error as Error
    const retry = (): void => void engine.session(props.workflow, optionsOf(props, session.id))
    if (errorFallback) return errorFallback(error, retry) ?? null
    throw error
  }
  if (ssr || phase === 'open' || phase === 'closed') return undefined
  // A server could wait for ever, and what it sent stays until the page has taken over.
  if (suspense && phase === 'loading') throw session.ready
  return fallback
}
