import type { Exact, Keys, Path, Read } from '../state/path-types'
import type { AnyWorkflow, FlowStateOf } from '../workflow/shape'
import type { Session } from '../session/session'
import type { Registered } from './register'
import type { Selection } from './selected'
import { useStored } from './stored'
import type { SelectedAndSetter, StateAndSetter } from './use-workflow-state'

/**
 * The value at a path of the flow state, which all sessions of the workflow share in all tabs, and its setter. It follows
 * the rules of {@link useWorkflowState}.
 *
 * ```ts
 * const [opened, setOpened] = useFlowState('opened')              // of the nearest provider's workflow
 * const [opened, setOpened] = useFlowState(checkout, 'opened')    // nearest provider of that workflow, typed
 * const [opened, setOpened] = useFlowState(session, 'opened')
 * setOpened((it) => it + 1)                                       // no tab's increment is lost
 * ```
 *
 * @throws HookError without a provider; PathError for a bad path
 */
export function useFlowState<const P extends Path<FlowStateOf<Registered>> | Keys>(
  path: Exact<FlowStateOf<Registered>, P>,
): StateAndSetter<FlowStateOf<Registered>, P>
export function useFlowState<const P extends Path<FlowStateOf<Registered>> | Keys, U>(
  path: Exact<FlowStateOf<Registered>, P>,
  options: Selection<Read<FlowStateOf<Registered>, P>, U>,
): SelectedAndSetter<FlowStateOf<Registered>, P, U>
export function useFlowState<W extends AnyWorkflow, const P extends Path<FlowStateOf<W>> | Keys>(
  from: W | Session<W>,
  path: Exact<FlowStateOf<W>, P>,
): StateAndSetter<FlowStateOf<W>, P>
export function useFlowState<W extends AnyWorkflow, const P extends Path<FlowStateOf<W>> | Keys, U>(
  from: W | Session<W>,
  path: Exact<FlowStateOf<W>, P>,
  options: Selection<Read<FlowStateOf<W>, P>, U>,
): SelectedAndSetter<FlowStateOf<W>, P, U>
export function useFlowState(first: unknown, second?: unknown, third?: unknown): never {
  return useStored('useFlowState', (it) => it.flowState, first, second, third)
}
