import type { Keys } from '../state/path-types'
import { cellOf, type PlainStore, type Show } from '../state/store'
import type { AnyWorkflow } from '../workflow/shape'
import type { Session } from '../session/session'
import { has, misuse, PlaceContext, sessionOf } from './place'
import { useContext } from './react'
import { useSelected, type Selection } from './selected'
import { useSnapshot } from './snapshot'

/** What the hook that is being called shows. React asks for the beginning before that call returns, or never. */
let shown: Show

/** One function for all: one for each render was a seventh of the time in which 10,000 components render. */
const beginning = (): unknown => shown(null)

/**
 * The value at a path and its setter, for the hooks of state and of flow state: `(path, options?)` of the nearest
 * provider's session, or with a workflow, a session or a store before the path.
 */
export function useStored(
  hook: string,
  pick: (session: Session<AnyWorkflow>) => PlainStore<unknown>,
  first: unknown,
  second: unknown,
  third: unknown,
): never {
  const place = useContext(PlaceContext)
  // Mostly it is this one, and a page may have thousands of components.
  const near = place && first === place.workflow
  const bare = !near && isPath(first)
  const path = bare ? first : second
  if (!isPath(path)) throw misuse(hook)
  const selection = selectionOf(hook, bare ? second : third)
  const store = near
    ? pick(place.session)
    : !bare && has(first, 'append')
      ? (first as PlainStore<unknown>)
      : pick(sessionOf(place, hook, bare ? undefined : first))
  const { show, set } = cellOf(store, path)
  // A session may be loaded by the time that a page takes over what a server has sent, or a late part of it.
  shown = show
  // oxlint-disable-next-line react/rules-of-hooks -- whether a call selects never changes, so the order of hooks does not
  const value = selection ? useSelected(show, beginning, selection) : useSnapshot(show, show, beginning)
  return [value, set] as never
}

function isPath(value: unknown): value is string | Keys {
  return typeof value === 'string' || Array.isArray(value)
}

function selectionOf(hook: string, value: unknown): Selection<unknown, unknown> | undefined {
  if (value === undefined) return undefined
  if (has(value, 'select') && typeof (value as Selection<unknown, unknown>).select === 'function')
    return value as Selection<unknown, unknown>
  throw misuse(hook)
}
