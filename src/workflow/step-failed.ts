import type { Schema } from '../state/standard-schema'
import { defineEvent, type EventFactory } from './event'

/** What a recovery step is told of the step that failed. */
export interface StepFailure {
  readonly step: string
  /** The event, or events, it was working on. */
  readonly event: unknown
  readonly error: { readonly name: string; readonly message: string }
  /** How many times it was tried. */
  readonly attempts: number
}

const anything: Schema<StepFailure> = {
  '~standard': { version: 1, vendor: 'dogear', validate: (value) => ({ value: value as StepFailure }) },
}

/** Sent to the step that `catchError` names, in place of failing the run. Accept it with `on: StepFailed`. */
export const StepFailed: EventFactory<
  'stepFailed',
  StepFailure,
  StepFailure,
  undefined,
  Schema<StepFailure>
> = /* @__PURE__ */ defineEvent('stepFailed', anything)

/** Whether an event type is the one that reports a failed step. */
export function isStepFailed(type: string): boolean {
  return type === 'stepFailed'
}
