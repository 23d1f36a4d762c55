import type { Schema } from '../state/standard-schema'
import { anything, defineEvent, type EventFactory } from './event'

/** What a recovery step learns about the step that failed. */
export interface StepFailure {
  readonly step: string
  /** The event, or events, it was working on. */
  readonly event: unknown
  readonly error: { readonly name: string; readonly message: string }
  /** How many times it was tried. */
  readonly attempts: number
}

/** Its type. */
export const STEP_FAILED = 'stepFailed'

/** Goes to the step that `catchError` names, in place of failing the run. Accept it with `on: StepFailed`. */
export const StepFailed: EventFactory<
  typeof STEP_FAILED,
  StepFailure,
  StepFailure,
  undefined,
  Schema<StepFailure>
> = /* @__PURE__ */ defineEvent(STEP_FAILED, anything as Schema<StepFailure>)
