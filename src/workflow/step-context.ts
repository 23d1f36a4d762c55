import type { Exact, Item, Keys, Next, Path, Read, Write } from '../state/path-types'
import type { StateStore } from '../state/store'
import type { MayAsk, ReplyTo } from './ask'
import type { DataOf, EventOf, EventType, WorkflowEvent } from './event'
import type { AnyWorkflow, Of, ResultOf, Shape } from './shape'
import type { Mapping } from './subflow'

/**
 * The session's state as a step sees it. It has the methods of {@link StateStore} without `batch`, but every write returns a
 * promise: it may wait while another step's `edit` is open. Writes show at once and belong to the step's attempt until its
 * next commit point (`once`, `ask`, `waitFor`, `sleep`, `collect`, `subflow`, `commit`, its end); a failure takes them out again.
 */
export interface StepStore<T> extends Pick<StateStore<T>, 'get' | 'has' | 'subscribe'> {
  /** Replaces the value at a path, never merges. Missing parents are created. `undefined` deletes. */
  set<const P extends Path<T> | Keys>(path: Exact<T, P>, value: Next<Read<T, P>, Write<T, P>>): Promise<void>
  /** Adds an item to a list, or text to a text. */
  append<const P extends Path<T> | Keys>(path: Exact<T, P>, item: Item<Write<T, P>>): Promise<void>
  /** Removes a key, or an item of a list. */
  delete<const P extends Path<T> | Keys>(
    path: undefined extends Read<T, P> ? Exact<T, P> : 'the schema requires this key',
  ): Promise<void>
  /**
   * Changes a draft; all changes land at once, or none when the recipe throws. A session has one edit at a time: each
   * sees what the one before it did.
   *
   * While an asynchronous recipe is open, the step can neither write nor come to a commit point, because the call might
   * come from inside the recipe. Branches of one step (`Promise.all`) that call `edit` at once take turns; a later call must
   * first await the promise of that edit.
   *
   * @throws NestedEditError for a write or a commit point while its recipe is open
   */
  edit(recipe: (draft: T) => void | Promise<void>): Promise<void>
  /** Replaces the whole state. */
  replace(state: T): Promise<void>
  /** Back to the state at the beginning, as `reset` of {@link StateStore}. */
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
  /** Aborted when the attempt ends early: cancel, timeout, a finished run, a closed session. */
  readonly signal: AbortSignal
  readonly sessionId: string
  readonly runId: string
  /** The step's name. */
  readonly step: string
  readonly state: StepStore<S['state']>
  /**
   * What all sessions of the workflow share. A write is an effect: it shows at once and for everybody, stays when the
   * step fails, and is made once, however often the step runs again. Reads see the current value: when a step's way depends
   * on one, read it inside `once`.
   */
  readonly flowState: StepStore<S['flow']>
  /** The resources that are there. An asynchronous factory shows as its shared promise. */
  readonly resources: S['resources']
  /**
   * Asks somebody outside and waits for the reply, through reloads. The event must be in the step's `asks`. After `timeout`
   * ms, counted from the first time it was asked, it rejects with TimeoutError. When the step fails with that error, a
   * retry asks anew.
   */
  ask<E extends MayAsk<Asks>>(
    event: E,
    options?: { timeout?: number | undefined },
  ): Promise<ReplyTo<Asks, E['type']>>
  /** Emits an event at the step's next commit point or end. */
  send(event: Emit): void
  /**
   * Runs `effect` once: its result is recorded before it is returned, and a re-run returns the record. When the page dies
   * in the middle, `effect` runs again with the *same* idempotency key. Keys belong to one execution of the step: there a
   * second `once` of the same key gives the first one's result, so in a loop each needs its own.
   *
   * A re-run that finds the record does not call `effect`. So `effect` must not write, send or ask: return what is to be
   * written, and write it afterwards. It may `stream`. What it throws is recorded as well: a re-run gets an Error with the
   * same name, message and code. `onUnknownOutcome` is by default the workflow's.
   */
  once<T>(
    key: string,
    effect: (idempotencyKey: string) => T | Promise<T>,
    options?: { onUnknownOutcome?: UnknownOutcome | undefined },
  ): Promise<T>
  /**
   * Waits for an event from outside or from another step, one that `where` accepts. `timeout` is as with `ask`; `emit` is sent
   * when the wait opens.
   */
  waitFor<F extends EventType>(
    event: F,
    options?: {
      where?: ((event: EventOf<F>) => boolean) | undefined
      timeout?: number | undefined
      emit?: Emit | undefined
    },
  ): Promise<EventOf<F>>
  /**
   * Runs another workflow as a part of this step and resolves with its result, or with what `writeBack.value` makes of
   * it. The child has a state of its own, and persists with this session, asks through it and ends with it: the step's
   * `asks` name what the child asks, too. Rejects as `run` does; then nothing is written back.
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
  /** Sleeps for `ms` milliseconds. The end is fixed when the sleep begins, and survives reloads. */
  sleep(ms: number): Promise<void>
  /** A commit point by hand: what the step has written and sent so far stays. */
  commit(): Promise<void>
  /** Shows an event to the listeners of `session.events()` at once. It is not stored. */
  stream(event: WorkflowEvent): void
  /**
   * Says how far the whole run is, 0 to 1, in place of the share of answered asks: until another run, `back()` or a reload,
   * because it is not stored. How far one upload is, say with `stream`.
   */
  progress(fraction: number, label?: string): void
  /**
   * Keeps an event that the step accepts. Returns the expected events in the expected order once all are there, else
   * `undefined`. Surplus events are kept for the next batch. Each step has a buffer for each `buffer` name; buffers survive
   * reloads.
   */
  collect<const L extends readonly EventType[]>(
    event: WorkflowEvent,
    expected: L,
    options?: { buffer?: string | undefined },
  ): Promise<{ [K in keyof L]: EventOf<L[K]> } | undefined>
  /**
   * The resource.
   *
   * @throws MissingResourceError that names the key, and the keys that are there
   */
  requireResource<K extends keyof S['resources']>(key: K): NonNullable<S['resources'][K]>
  /** The resource, or the fallback when it is missing. */
  getResource<K extends keyof S['resources'], F = undefined>(
    key: K,
    fallback?: F,
  ): Exclude<S['resources'][K], undefined> | F
  /** Puts a resource into the session's layer. */
  setResource<K extends keyof S['resources']>(key: K, value: S['resources'][K]): void
  /** Takes a resource out of the session's layer; that of the workflow shows again. */
  deleteResource<K extends keyof S['resources']>(key: K): void
}
