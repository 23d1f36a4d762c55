import { createElement, type ReactElement } from 'react'
import type { AnyWorkflow, StateOf } from '../workflow/shape'
import type { SessionOptions } from './opened'
import { WorkflowProvider, type WorkflowProviderProps } from './provider'
import { useResourceOf, type UseResource } from './use-resource'
import { useWorkflow, type UseWorkflow } from './use-workflow'
import { useWorkflowState, type UseState } from './use-workflow-state'

/** The hooks and the provider of one workflow, typed. */
export interface WorkflowHooks<W extends AnyWorkflow> {
  readonly WorkflowProvider: (props: WorkflowProviderProps<W>) => ReactElement | null
  readonly useWorkflow: (options?: SessionOptions<W>) => UseWorkflow<W>
  readonly useWorkflowState: UseState<StateOf<W>>
  readonly useResource: UseResource<W>
}

/**
 * The hooks for one workflow: every path, event and resource is typed, with nothing to annotate. They find the
 * nearest provider of that workflow, past providers of others.
 *
 * ```ts
 * export const { WorkflowProvider, useWorkflow, useWorkflowState, useResource } = createWorkflowHooks(checkout)
 * ```
 */
export function createWorkflowHooks<W extends AnyWorkflow>(workflow: W): WorkflowHooks<W> {
  const state = useWorkflowState as unknown as (...args: readonly unknown[]) => unknown
  return {
    WorkflowProvider: (props) => createElement(WorkflowProvider<W>, { ...props, workflow }),
    useWorkflow: (options) => useWorkflow(workflow, options as never),
    useWorkflowState: ((...args: readonly unknown[]) => state(workflow, ...args)) as never,
    useResource: ((...args: readonly unknown[]) => useResourceOf(workflow, args)) as never,
  }
}
