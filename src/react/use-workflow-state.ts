import type { Exact, Keys, Next, Path, Read, Write } from '../state/path-types'
import type { PlainStore } from '../state/store'
import type { AnyWorkflow, StateOf } from '../workflow/shape'
import type { Session } from '../session/session'
import type { Registered } from './register'
import type { Selection } from './selected'
import { useStored } from './stored'

/** Writes the value at the hook's path. Takes the value, or a function of the previous one. Always the same function. */
export type Setter<R, W> = (next: Next<R, W>) => void

export type StateAndSetter<T, P> = readonly [value: Read<T, P>, set: Setter<Read<T, P>, Write<T, P>>]
export type SelectedAndSetter<T, P, U> = readonly [value: U, set: Setter<Read<T, P>, Write<T, P>>]

/** `useWorkflowState` of one workflow, whose state is `T`. */
export interface UseWorkflowState<T> {
  /**
   * The value at a path and its setter, like `useState`. The component renders again only when that value has changed, or,
   * with `{ select }`, when what it selects has.
   */
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
 * const [note, setNote] = useWorkflowState(session, 'note')              // or any store
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
export function useWorkflowState<T, const P extends Path<T> | Keys>(
  store: PlainStore<T>,
  path: Exact<T, P>,
): StateAndSetter<T, P>
export function useWorkflowState<T, const P extends Path<T> | Keys, U>(
  store: PlainStore<T>,
  path: Exact<T, P>,
  options: Selection<Read<T, P>, U>,
): SelectedAndSetter<T, P, U>
// Last, because TypeScript 7 tells of the last overload only: a wrong path is named, not that a workflow is no store.
export function useWorkflowState<W extends AnyWorkflow, const P extends Path<StateOf<W>> | Keys>(
  from: W | Session<W>,
  path: Exact<StateOf<W>, P>,
): StateAndSetter<StateOf<W>, P>
export function useWorkflowState<W extends AnyWorkflow, const P extends Path<StateOf<W>> | Keys, U>(
  from: W | Session<W>,
  path: Exact<StateOf<W>, P>,
  options: Selection<Read<StateOf<W>, P>, U>,
): SelectedAndSetter<StateOf<W>, P, U>
export function useWorkflowState(first: unknown, second?: unknown, third?: unknown): never {
  return useStored('useWorkflowState', (it) => it.state, first, second, third)
}
