import type { ReactElement } from 'react'
import type { AnyWorkflow, FlowStateOf, StateOf } from '../workflow/shape'
import type { SessionOptions } from './opened'
import { has } from './place'
import { WorkflowProvider, type WorkflowProviderProps } from './provider'
import { createElement } from './react'
import { useFlowState } from './use-flow-state'
import { usePersistence, type Persistence } from './use-persistence'
import { useResourceOf, type UseResource } from './use-resource'
import { useSessions, type SessionsOptions, type UseSessions } from './use-sessions'
import { useWorkflow, type UseWorkflow } from './use-workflow'
import { useEventsOf, type UseWorkflowEvents } from './use-workflow-events'
import { useWorkflowState, type UseWorkflowState } from './use-workflow-state'
import { useWorkflowUrl, type WorkflowUrlOptions } from './use-workflow-url'

/** The provider and the hooks of one workflow, typed; see the bare hooks of the same names. */
export interface WorkflowHooks<W extends AnyWorkflow> {
  /** Opens a session for the components below it, which mount when it is loaded. */
  readonly WorkflowProvider: (props: WorkflowProviderProps<W>) => ReactElement | null
  /** What the session of the nearest provider is doing, and its actions; with options, a session without a provider. */
  readonly useWorkflow: (options?: SessionOptions<W>) => UseWorkflow<W>
  readonly useWorkflowState: UseWorkflowState<StateOf<W>>
  readonly useFlowState: UseWorkflowState<FlowStateOf<W>>
  readonly useResource: UseResource<W>
  readonly useWorkflowEvents: UseWorkflowEvents<W>
  /** How far changes are saved, for a "saved" badge. */
  readonly usePersistence: () => Persistence
  /** The stored sessions, for a list to pick from. They are read when the component mounts, and by `refresh()`. */
  readonly useSessions: (options?: SessionsOptions) => UseSessions
  /** Keeps the page of a wizard in the URL, so that the browser's Back and Forward turn its pages. */
  readonly useWorkflowUrl: (options?: WorkflowUrlOptions) => void
}

/**
 * The hooks for one workflow: every path, event and resource is typed, with nothing to annotate. They find the nearest
 * provider of that workflow, past the providers of others. For one workflow they are always the same, so a module of
 * components that a hot reload loads again keeps its provider and the components below it.
 *
 * Call it and `defineWorkflow` outside of components: what is defined in a render is another workflow in the next one, so that
 * all below its provider would mount anew each time.
 *
 * ```ts
 * export const { WorkflowProvider, useWorkflow, useWorkflowState, useResource } = createWorkflowHooks(checkout)
 * ```
 */
export function createWorkflowHooks<W extends AnyWorkflow>(workflow: W): WorkflowHooks<W> {
  const known = made.get(workflow) as WorkflowHooks<W> | undefined
  const hooks = known ?? make(workflow)
  // If it is no workflow, the provider throws.
  if (has(workflow, 'steps')) made.set(workflow, hooks)
  return hooks
}

const made = new WeakMap<AnyWorkflow, unknown>()

function make<W extends AnyWorkflow>(workflow: W): WorkflowHooks<W> {
  const useState = useWorkflowState as (...args: readonly unknown[]) => never
  const useFlow = useFlowState as (...args: readonly unknown[]) => never
  return {
    WorkflowProvider: (props) => createElement(WorkflowProvider<W>, { ...props, workflow }),
    useWorkflow: (options) => useWorkflow(workflow, options),
    useWorkflowState: (path: unknown, options?: unknown) => useState(workflow, path, options),
    useFlowState: (path: unknown, options?: unknown) => useFlow(workflow, path, options),
    useResource: (...args: readonly unknown[]) => useResourceOf(workflow, args) as never,
    useWorkflowEvents: (...args: readonly unknown[]) => useEventsOf(workflow, args),
    usePersistence: () => usePersistence(workflow),
    useSessions: (options) => useSessions(workflow, options),
    useWorkflowUrl: (options) => useWorkflowUrl(workflow, options),
  }
}
