import { useContext } from 'react'
import { HookError } from '../errors'
import type { Session } from '../session/session'
import type { Exact, Keys, Next, Path, Read, Write } from '../state/path-types'
import { handleOf, type StateStore } from '../state/store'
import type { AnyWorkflow, StateOf } from '../workflow/shape'
import { nearest, PlaceContext, type Place } from './place'
import type { Registered } from './register'
import { useSelected, type Selection } from './selected'
import { useSnapshot, type Source } from './snapshot'

/** Writes the value at the hook's path: the value, or a function of the previous one. Always the same function. */
export type Setter<R, W> = (next: Next<R, W>) => void

export type StateAndSetter<T, P> = readonly [value: Read<T, P>, set: Setter<Read<T, P>, Write<T, P>>]
export type SelectedAndSetter<T, P, U> = readonly [value: U, set: Setter<Read<T, P>, Write<T, P>>]

/** `useWorkflowState` for one state; `Before` is what stands before the path. */
export interface UseState<T> {
  <const P extends Path<T> | Keys>(path: Exact<T, P>): StateAndSetter<T, P>
  <const P extends Path<T> | Keys, U>(
    path: Exact<T, P>,
    options: Selection<Read<T, P>, U>,
  ): SelectedAndSetter<T, P, U>
}

/**
 * The value at a path of the state and its setter, like `useState`. The component renders again only when that
 * value has changed.
 *
 * ```ts
 * const [note, setNote] = useWorkflowState('note')                       // nearest provider
 * const [note, setNote] = useWorkflowState(checkout, 'note')             // nearest provider of that workflow, typed
 * const [note, setNote] = useWorkflowState(session, 'note')              // or a store of createStore
 * const [count] = useWorkflowState('items', { select: (it) => it.length })
 * ```
 *
 * @throws HookError without a provider; PathError for a bad path
 */
export function useWorkflowState<const P extends Path<StateOf<Registered>> | Keys>(
  path: Exact<StateOf<Registered>, P>,
): StateAndSetter<StateOf<Registered>, P>
export function useWorkflowState<const P extends Path<StateOf<Registered>> | Keys, U>(
  path: Exact<StateOf<Registered>, P>,
  options: Selection<Read<StateOf<Registered>, P>, U>,
): SelectedAndSetter<StateOf<Registered>, P, U>
export function useWorkflowState<W extends AnyWorkflow, const P extends Path<StateOf<W>> | Keys>(
  from: W | Session<W>,
  path: Exact<StateOf<W>, P>,
): StateAndSetter<StateOf<W>, P>
export function useWorkflowState<W extends AnyWorkflow, const P extends Path<StateOf<W>> | Keys, U>(
  from: W | Session<W>,
  path: Exact<StateOf<W>, P>,
  options: Selection<Read<StateOf<W>, P>, U>,
): SelectedAndSetter<StateOf<W>, P, U>
export function useWorkflowState<T, const P extends Path<T> | Keys>(
  store: StateStore<T>,
  path: Exact<T, P>,
): StateAndSetter<T, P>
export function useWorkflowState<T, const P extends Path<T> | Keys, U>(
  store: StateStore<T>,
  path: Exact<T, P>,
  options: Selection<Read<T, P>, U>,
): SelectedAndSetter<T, P, U>
export function useWorkflowState(first: unknown, second?: unknown, third?: unknown): never {
  const place = useContext(PlaceContext)
  const bare = isPath(first)
  const cell = bare ? cellAt(storeOf(place, undefined), first) : cellAt(storeOf(place, first), second)
  const selection = (bare ? second : third) as Selection<unknown, unknown> | undefined
  // Whether a call selects never changes, so the order of hooks does not either.
  // oxlint-disable-next-line react/rules-of-hooks
  const value = selection ? useSelected(cell, selection) : useSnapshot(cell, cell.get)
  return [value, cell.set] as never
}

interface Cell extends Source<unknown> {
  readonly set: (next: unknown) => void
}

const cells = new WeakMap<object, Cell>()

/** What components need of one path: the same object for all of them. */
function cellAt(store: StateStore<unknown>, path: unknown): Cell {
  if (!isPath(path)) throw new HookError(hook, order)
  const handle = handleOf(store, path)
  let cell = cells.get(handle)
  if (cell === undefined) {
    cell = { ...handle, set: (next) => store.set(path, next) }
    cells.set(handle, cell)
  }
  return cell
}

function storeOf(place: Place | undefined, from: unknown): StateStore<unknown> {
  if (from === undefined) return nearest(place, hook, undefined).state
  if (typeof from !== 'object' || from === null) throw new HookError(hook, order)
  if ('state' in from) return (from as Session<AnyWorkflow>).state
  if ('steps' in from) return nearest(place, hook, from as unknown as AnyWorkflow).state
  return from as StateStore<unknown>
}

const hook = 'useWorkflowState'
const order =
  'takes (path), (workflow, path), (session, path) or (store, path), and last { select, compare }; a path is a text or a list of keys'

function isPath(value: unknown): value is string | Keys {
  return typeof value === 'string' || Array.isArray(value)
}
