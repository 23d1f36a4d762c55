import type { AskType } from './ask'
import type { AnyEvent, EventOf, EventType, WorkflowEvent } from './event'
import type { Join, On } from './join'
import type { Retry } from './retry'
import type { StepContext } from './step-context'
import type { AnyMapping } from './mapping'
import type { AnyWorkflow, Shape } from './shape'

/** What a handler may give back: an event, an array of them (a fan-out), or nothing. */
export type Outcome<E> = E | readonly E[] | undefined | void

/** What a step may emit. With nothing declared, the compiler's complaint says what to do, and not `never`. */
export type Emitted<Em extends readonly EventType[]> = Em extends readonly []
  ? WorkflowEvent<"declare it in the step's `emits`", never>
  : EventOf<Em[number]>

export interface StepOptions<O, Em extends readonly EventType[], As extends readonly AskType[]> {
  /** What starts it: an event, a list of events, `allOf(A, B)` or `gather(A)`. */
  readonly on: O
  /** What it may return or `ctx.send`. Default: nothing. */
  readonly emits?: Em
  /** What it may ask. Default: nothing. */
  readonly asks?: As
  /** How many of it may run at once. One that waits for its next attempt does not count. Default 4. */
  readonly workers?: number | undefined
  /** Default: a failure is final. */
  readonly retry?: Retry | undefined
  /** Milliseconds of work an attempt may take; asks, waits, sleeps and storage do not count. Default: no limit. */
  readonly timeout?: number | undefined
  /** The step that takes over when this one has failed for good. It accepts `StepFailed`. */
  readonly catchError?: string | undefined
  /** How many times one line of events may be recovered. Default: the workflow's `recoveries`, or 1. */
  readonly recoveries?: number | undefined
}

/** A step as the engine sees it. */
export interface StepDefinition {
  readonly name: string
  readonly join: Join
  readonly on: readonly AnyEvent[]
  readonly emits: readonly AnyEvent[]
  readonly asks: readonly AnyEvent[]
  readonly workers: number
  readonly retry: Retry | undefined
  readonly timeout: number | undefined
  readonly catchError: string | undefined
  readonly recoveries: number | undefined
  /** The workflow that this step is, with what enters and what comes back. */
  readonly subflow: (AnyMapping & { readonly workflow: AnyWorkflow }) | undefined
  readonly handler: (ctx: StepContext<Shape, unknown, unknown, unknown>, event: unknown) => unknown
}

/** A step's options and handler in the form the engine uses. */
export function makeStep(
  name: string,
  options: StepOptions<On, readonly EventType[], readonly AskType[]>,
  on: { readonly join: Join; readonly events: readonly EventType[] },
  handler: StepDefinition['handler'],
  subflow?: StepDefinition['subflow'],
): StepDefinition {
  return Object.freeze({
    name,
    join: on.join,
    on: [...(on.events as readonly AnyEvent[])],
    emits: listOf(options.emits),
    asks: listOf(options.asks),
    workers: options.workers ?? 4,
    retry: options.retry ?? undefined,
    timeout: options.timeout ?? undefined,
    catchError: options.catchError,
    recoveries: options.recoveries ?? undefined,
    subflow,
    handler,
  })
}

/** Callers without types may give one event. */
function listOf(given: readonly EventType[] | undefined): AnyEvent[] {
  return (Array.isArray(given) ? [...given] : given == null ? [] : [given]) as AnyEvent[]
}
