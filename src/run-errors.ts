import { DogearError } from './errors'
import { wordsOf } from './words'

/** A run ended because a step failed for good. The same object as `session.error`. */
export class StepError extends DogearError {
  override readonly name = 'StepError'
  readonly code = 'STEP_FAILED'
  declare readonly step: string
  /** The event or events that the step was working on. */
  declare readonly event: unknown
  /** How many times it was tried. */
  declare readonly attempts: number
  constructor(step: string, event: unknown, attempts: number, cause: unknown) {
    super(
      `step "${step}" failed after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${wordsOf(cause)}`,
      { cause },
    )
    this.step = step
    this.event = event
    this.attempts = attempts
  }
}

/** A run was ended by `cancel()`, or lost its place in a `reset()` or `rewind()`. */
export class CancelledError extends DogearError {
  override readonly name = 'CancelledError'
  readonly code = 'CANCELLED'
  declare readonly reason: string | undefined
  constructor(reason?: string) {
    super(reason === undefined ? 'the run was cancelled' : `the run was cancelled: ${reason}`)
    this.reason = reason
  }
}

/** Nothing is left to do and no stop event came. */
export class StalledError extends DogearError {
  override readonly name = 'StalledError'
  readonly code = 'STALLED'
  /** The types of the events that nobody took, in order. */
  declare readonly unconsumed: readonly string[]
  constructor(unconsumed: readonly string[]) {
    super(
      'the run has nothing left to do and no stop event came' +
        (unconsumed.length > 0
          ? `; nobody took ${unconsumed.map((it) => `"${it}"`).join(', ')}`
          : '; did a step return nothing?'),
    )
    this.unconsumed = unconsumed
  }
}

/** An effect was cut off with an unknown outcome, and `onUnknownOutcome: 'fail'` says not to run it again by itself. */
export class OutcomeUnknownError extends DogearError {
  override readonly name = 'OutcomeUnknownError'
  readonly code = 'OUTCOME_UNKNOWN'
  /** The key of the effect in its step. */
  declare readonly key: string
  constructor(key: string) {
    super(
      `the outcome of once("${key}") is unknown: it was cut off (onUnknownOutcome: "fail"); retry() runs it again with the same key`,
    )
    this.key = key
  }
}

/** A run went past `maxSteps` step executions: most likely an endless cycle. */
export class StepLimitError extends DogearError {
  override readonly name = 'StepLimitError'
  readonly code = 'STEP_LIMIT'
  declare readonly limit: number
  constructor(limit: number) {
    super(`the run passed ${limit} step executions; is there a cycle without an end? (maxSteps)`)
    this.limit = limit
  }
}

/** One execution was cut off ten times in a row without getting anywhere. */
export class CrashLoopError extends DogearError {
  override readonly name = 'CrashLoopError'
  readonly code = 'CRASH_LOOP'
  declare readonly step: string
  declare readonly interruptions: number
  constructor(step: string, interruptions: number) {
    super(`step "${step}" was interrupted ${interruptions} times in a row; does it crash the page?`)
    this.step = step
    this.interruptions = interruptions
  }
}
