import type { StepDefinition } from '../../workflow/step'
import type { WorkflowEvent } from '../../workflow/event'
import type { Execution, PointResult } from '../model/model'
import type { PointType } from '../model/record'

/** An attempt, as far as the others need it. */
export interface LiveAttempt {
  readonly exec: Execution
  readonly step: StepDefinition
  /** How many answers and events it waits for, a sub-flow that rests among them. */
  readonly waitsFor: number
  abort(reason: Error): void
  /** Resolves when it is over, or waits for somebody. */
  readonly settled: Promise<void>
  readonly replay: {
    readonly turns: {
      /** A point has its result. */
      settled(key: string): void
    }
  }
  readonly points: {
    /** Whether an open wait takes the event; `undefined` when the step has not run up to it yet. */
    fits(key: string, event: WorkflowEvent): boolean | undefined
    isArmed(key: string): boolean | undefined
    readonly log: {
      /** Ends a point. */
      done(key: string, type: PointType, result: Pick<PointResult, 'value' | 'error'>): void
    }
  }
}
