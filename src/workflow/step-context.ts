import type { Exact, Item, Keys, Next, Path, Read, Write } from '../state/path-types'
import type { StateStore } from '../state/store'
import type { MayAsk, ReplyTo } from './ask'
import type { DataOf, EventOf, EventType, WorkflowEvent } from './event'
import type { AnyWorkflow, Of, ResultOf, Shape } from './shape'
import type { Mapping } from './subflow'

/**
 * The session's state as a step sees it. The same methods as {@link StateStore}, but every write is a promise:
 * it may wait while another step's `edit` is open. Writes show at once and belong to the step's attempt until
 * its next commit point (`once`, `ask`, `waitFor`, `sleep`, `commit`, its end); a failure takes them out again.
 */
export interface StepStore<T> extends Pick<StateStore<T>, 'get' | 'has' | 'subscribe'> {
  set<const P extends Path<T> | Keys>(path: Exact<T, P>, value: Next<Read<T, P>, Write<T, P>>): Promise<void>
  append<const P extends Path<T> | Keys>(path: Exact<T, P>, item: Item<Write<T, P>>): Promise<void>
  delete<const P extends Path<T> | Keys>(
    path: undefined extends Read<T, P> ? Exact<T, P> : 'the schema requires this key',
  ): Promise<void>
  /**
   * Changes a draft; all of it lands at once, or nothing when it throws. One edit at a time in a session: each
   * sees what the one before it did.
   *
   * While an asynchronous recipe is open, the step's context takes no other call: whoever makes it might be inside.
   * Branches of one step (`Promise.all`) that call `edit` at once take turns; one that comes later must await its promise.
   *
   * @throws NestedEditError for writes, `once`, `ask`, `waitFor`, `sleep` and `commit` while its recipe is open
   */
  edit(recipe: (draft: T) => void | Promise<void>): Promise<void>
  replace(state: T): Promise<void>
  reset(): Promise<void>
}

/**
 * What to do about an effect whose outcome is unknown: run it again with the same key, ask somebody
 * (`OutcomeUnknown`), or fail the step.
 */
export type UnknownOutcome = 'rerun' | 'ask' | 'fail'

/** What a step's handler works with. */
export interface StepContext<S extends Shape, Emit, Asks, Ev> {
  /** What started the step: the same as the handler's second argument. */
  readonly event: Ev
  /** From 1. An interrupted attempt is not counted. */
  readonly attempt: number
  /** Aborted when the attempt is over before its time: cancel, timeout, a finished run, a closed session. */
  readonly signal: AbortSignal
  readonly sessionId: string
  readonly runId: string
  /** The step's name. */
  readonly step: string
  readonly state: StepStore<S['state']>
  /**
   * What all sessions of the workflow share. A write is an effect: it shows at once and for everybody, stays when the
   * step fails, and is made once however often the step is run again. Reads see what is there now: a step that goes
   * one way or the other because of one keeps it in `once`.
   */
  readonly flowState: StepStore<S['flow']>
  /** The resources that are there. An asynchronous factory shows as its shared promise. */
  readonly resources: S['resources']
  /**
   * Asks somebody outside and waits for the reply, through reloads. The event must be in the step's `asks`.
   * With `timeout` (ms, counted from the first time it was asked) it rejects with TimeoutError; a retry of the step that
   * failed with it asks anew.
   */
  ask<E extends MayAsk<Asks>>(event: E, options?: { timeout?: number }): Promise<ReplyTo<Asks, E['type']>>
  /** Emits an event at the step's next commit point or end. */
  send(event: Emit): void
  /**
   * Runs `effect` once: its result is recorded before it is returned, and a re-run returns the record. When the
   * page dies in the middle it runs again with the *same* idempotency key. Keys are per execution of the step. A
   * re-run does not call `effect`, so it neither writes, sends nor asks: it returns what is written after it. `stream` is free.
   */
  once<T>(
    key: string,
    effect: (idempotencyKey: string) => T | Promise<T>,
    options?: { onUnknownOutcome?: UnknownOutcome },
  ): Promise<T>
  /** Waits for an event from outside or from another step. `emit` is sent when the wait opens. */
  waitFor<F extends EventType>(
    event: F,
    options?: { where?: (event: EventOf<F>) => boolean; timeout?: number; emit?: Emit },
  ): Promise<EventOf<F>>
  /**
   * Runs another workflow as a part of this step and resolves with its result, or with what `writeBack.value` makes of
   * it. It has a state of its own, persists with this session, asks through it, and ends with it. Rejects as `run` does;
   * then nothing is written back.
   *
   * ```ts
   * const { orderId } = await ctx.subflow(payment, { capture: { input: { total: 'state.total' } } })
   * ```
   */
  subflow<W extends AnyWorkflow>(
    workflow: W,
    mapping?: Mapping<DataOf<Ev>, S, Of<W>['shape']> & { readonly writeBack?: { readonly value?: never } },
  ): Promise<ResultOf<W>>
  subflow<W extends AnyWorkflow>(
    workflow: W,
    mapping: Mapping<DataOf<Ev>, S, Of<W>['shape']>,
  ): Promise<unknown>
  /** Sleeps until a time that is fixed when it begins, and survives reloads. Milliseconds. */
  sleep(ms: number): Promise<void>
  /** A commit point by hand: what the step wrote and sent up to here stays. */
  commit(): Promise<void>
  /** Shows an event to listeners of `session.events()` now. Not stored. */
  stream(event: WorkflowEvent): void
  /** Shows how far the run is: 0 to 1. Not stored. */
  progress(fraction: number, label?: string): void
  /**
   * Keeps the event and returns the expected ones in the expected order once all are there, else `undefined`.
   * What is over is kept for the next batch. Buffers are per step and `buffer` name, and survive reloads.
   */
  collect<const L extends readonly EventType[]>(
    event: WorkflowEvent,
    expected: L,
    options?: { buffer?: string },
  ): Promise<{ [K in keyof L]: EventOf<L[K]> } | undefined>
  /** @throws MissingResourceError naming the key and those that are there */
  requireResource<K extends keyof S['resources']>(key: K): NonNullable<S['resources'][K]>
  getResource<K extends keyof S['resources'], F = undefined>(
    key: K,
    fallback?: F,
  ): Exclude<S['resources'][K], undefined> | F
  setResource<K extends keyof S['resources']>(key: K, value: S['resources'][K]): void
  deleteResource<K extends keyof S['resources']>(key: K): void
}
