import type { Ask } from './ask'
import type { Args, WorkflowEvent } from './event'

/** The types of a workflow that stay put while steps are added: one argument instead of five. */
export interface Shape<State = unknown, Flow = unknown, Input = unknown, Result = unknown, Res = unknown> {
  readonly state: State
  readonly flow: Flow
  readonly input: Input
  readonly result: Result
  readonly resources: Res
}

/** Any workflow, for code that takes one. Its types are in the phantom `~types`. */
export interface AnyWorkflow {
  readonly name: string
  readonly '~types'?: {
    readonly shape: Shape
    readonly steps: string
    readonly asks: Ask
    readonly events: WorkflowEvent
  }
}

export type Of<W extends AnyWorkflow> = NonNullable<W['~types']>
/**
 * The types of a workflow as a step's context takes them, for a handler or a helper by itself:
 * `StepContext<ShapeOf<typeof checkout>, ReturnType<typeof Ordered>, never, ReturnType<typeof Priced>>`.
 */
export type ShapeOf<W extends AnyWorkflow> = Of<W>['shape']
/** The state of a workflow's sessions. */
export type StateOf<W extends AnyWorkflow> = Of<W>['shape']['state']
/** What all sessions of a workflow share. */
export type FlowStateOf<W extends AnyWorkflow> = Of<W>['shape']['flow']
export type StartArgs<W extends AnyWorkflow> = Args<Of<W>['shape']['input']>
/** What a run of a workflow resolves with. */
export type ResultOf<W extends AnyWorkflow> = Of<W>['shape']['result']
/** The resources that a workflow declares, by key. */
export type ResourcesOf<W extends AnyWorkflow> = Of<W>['shape']['resources']
