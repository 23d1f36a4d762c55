import type { AnyStore, StateStore } from '../state/store'
import type { OpenAsk, Opened } from '../workflow/ask'
import type { WorkflowEvent } from '../workflow/event'
import type { GivenResources } from '../workflow/resource'
import type {
  AnyWorkflow,
  FlowStateOf,
  Of,
  ResourcesOf,
  ResultOf,
  StartArgs,
  StateOf,
} from '../workflow/shape'
import type { Persistence } from '../storage/persistence'
import type { HistoryEntry } from './model/history-entry'
import type { Orphan } from './orphans'
import type { DueRetry } from './retries'
import type { Status } from './model/status'
import type { EventsOptions } from './stream'

/**
 * How far a run is: what a step said last with `ctx.progress`. Otherwise the answered asks, divided by all that were
 * opened or can still be reached on this branch.
 */
export interface Progress {
  /** 0 to 1. */
  readonly fraction: number
  readonly label?: string
}

/** Whether this session was there before, for a "pick up where you left off" banner. */
export type Resumed =
  | { readonly found: false }
  | {
      readonly found: true
      /**
       * `reload`: the page was reloaded; `return`: it was left and came back later; `crash`: it was cut off at work;
       * `other-tab`: another tab executes it.
       */
      readonly reason: 'reload' | 'return' | 'crash' | 'other-tab'
      /** Milliseconds since 1970. */
      readonly savedAt: number
    }

/**
 * What this tab is to a session.
 *
 * - `leader`: it executes the session, and stores what happens.
 * - `follower`: another tab executes the session. This tab shows everything, and hands what is done here to that tab.
 * - `reader`: it only shows what it has. The session is still loading or could not be loaded, or somebody else writes it
 *   now and this tab cannot take part.
 */
export type Role = 'leader' | 'follower' | 'reader'

/**
 * Where an event is to go. Without it, the event goes to every step that accepts it and to the oldest wait for it: those
 * of the workflow, else those of the first sub-flow at work where somebody takes it.
 */
export interface Target<Steps extends string = string> {
  /** A step that accepts the event, or a step that is a sub-flow: then the event goes to what is at work in it. */
  readonly step?: Steps | undefined
  /** The id of an open ask: the event is its reply. */
  readonly ask?: string | undefined
}

/**
 * One durable instance of a workflow: its state, queues and waits. It outlives runs, reloads and crashes. Its
 * methods can be taken off it (`const { run, send } = session`), but a spread copies none of them: they are inherited,
 * like those of a class.
 */
export interface Session<W extends AnyWorkflow> {
  /** What it was opened by: `engine.open(workflow, { id })`. */
  readonly id: string
  readonly workflow: W
  /**
   * Resolves once it is loaded. Rejects with a LoadError, with a StorageError when storage cannot be read, or with a
   * StateValidationError when a new session lacks what its schema requires (`initialState`).
   */
  readonly ready: Promise<void>
  /** What it is doing. `subscribe` tells when it changes. */
  readonly status: Status
  /** The open asks, oldest first. The same array until one comes or goes. */
  readonly asks: readonly Opened<Of<W>['asks']>[]
  /** Steps that have failed and wait for their next attempt. The same array until one comes or goes. */
  readonly retries: readonly DueRetry[]
  /** The stop event's data, once the run is completed. */
  readonly result: ResultOf<W> | undefined
  /** Why it failed, was cancelled, stalled or could not be loaded. */
  readonly error: Error | undefined
  /** How far the run is; `undefined` when nothing says so. */
  readonly progress: Progress | undefined
  /** How far what happens is stored. */
  readonly persistence: Persistence
  /** What this tab is to it. */
  readonly role: Role
  /** Whether it was there before this page opened it. */
  readonly resumed: Resumed
  /** The session that this one was forked from, and at which record. */
  readonly parent: { readonly id: string; readonly seq: number } | undefined
  /** Work for steps that the workflow no longer has. It is kept, and not done. */
  readonly orphans: readonly Orphan[]
  /**
   * Declared resources that nobody has given: while there are any, no step starts. Those of a sub-flow at work are among
   * them, until its `capture` or its workflow's layer brings them.
   */
  readonly missingResources: readonly string[]
  /** Its data, by path. Writes show at once, and are stored a moment later. A `reader` and a closed session take none. */
  readonly state: StateStore<StateOf<W>>
  /** What all sessions of the workflow share; the same store as `engine.flow(workflow).state`. */
  readonly flowState: StateStore<FlowStateOf<W>>
  /** The resources that are there. Read-only. */
  readonly resources: ResourcesOf<W>
  /**
   * Runs the workflow; resolves with the stop event's data. When a run is interrupted or going on, it is carried on and
   * the input is ignored. When it is finished or has failed, a new run starts with the state kept.
   *
   * Rejects with EventValidationError for a bad input; with StepError, StalledError, StepLimitError, TimeoutError (the
   * workflow's `timeout`) or CrashLoopError when the run fails; with CancelledError, or SessionClosedError; with LoadError
   * when the session cannot be loaded; with ReadOnlyError or StaleEpochError when this tab may not write it.
   */
  readonly run: (...input: StartArgs<W>) => Promise<ResultOf<W>>
  /**
   * Brings an event from outside. Resolves with true once it is recorded, with false when nobody takes it.
   *
   * @throws UnknownEventError, UnknownStepError, EventNotAcceptedError, EventValidationError at the call
   */
  readonly send: (event: Of<W>['events'], to?: Target<Of<W>['steps']>) => Promise<boolean>
  /**
   * Answers an ask. Resolves with false when it is not open any more. Rejects with SessionStateError when it is an ask of a
   * `ctx.subflow` whose step has not run since a reload, as in a paused session: only that step knows what it asks for.
   *
   * @throws EventValidationError at the call, when the reply's schema refuses the data; then the ask stays open
   */
  readonly reply: (ask: string, data: unknown) => Promise<boolean>
  /**
   * Runs the failed step again; resolves as `run` does. A run that went past its own `timeout` or `maxSteps` goes on, and has both
   * anew. Rejects with SessionStateError when the run has not failed.
   */
  readonly retry: () => Promise<ResultOf<W>>
  /** Ends the run. Uncommitted work of its steps is taken out; a reload does not start it again. */
  readonly cancel: (reason?: string) => void
  /** Lets running steps end and starts no other. May come before `run`. */
  readonly pause: () => void
  /** Ends a pause, by `pause()`, `rewind()` or `autoResume: false`. */
  readonly resume: () => void
  /**
   * Pauses the session, if it is not paused, and lets one more step start. Waits until that step ends or waits itself.
   * Resolves with whether the run goes on.
   */
  readonly step: () => Promise<boolean>
  /**
   * Starts everything over, with the state that a new session would begin with now: the schema's defaults, and the
   * `initialState` of this `open`. (The `initialState` of an earlier page is kept nowhere, and may have an older shape.)
   */
  readonly reset: () => void
  /**
   * What has happened, oldest first, frozen: as much as the workflow's `history` option keeps. Everything before that is
   * one entry of type `snapshot`.
   */
  readonly history: () => readonly HistoryEntry[]
  /**
   * Re-opens the ask of this run that was answered last, for a wizard's Back. What was typed since stays, what steps
   * made of the answer goes, and later answers are kept for `forward`. Validates nothing. Returns false when there is no
   * such ask, when it is no longer in the history or is from an older version, and once the run is completed or cancelled.
   */
  readonly back: () => boolean
  /**
   * Answers the open ask with the answer that somebody went back from, if it asks the same. Returns false when there is none.
   */
  readonly forward: () => boolean
  /**
   * Takes the session back to what it was after that record of its history, and pauses it until `resume()`. A pending
   * `run` goes on; it rejects with CancelledError if its run had not begun then.
   *
   * @throws HistoryError when the history has no such record, or a migration stands between
   */
  readonly rewind: (seq: number) => void
  /**
   * Makes another session from this one, as it was after that record of its history or, without `seq`, as it is. The copy
   * has its own state, keys and asks, and this session's resources. Both live on. Default id: this one's with a random end.
   *
   * Rejects with HistoryError for a bad record, SessionStateError for an id that exists, StorageError when storage takes no
   * copy, TimeoutError when it does not answer.
   */
  readonly fork: (seq?: number, id?: string) => Promise<Session<W>>
  /**
   * What the session shows from now on: streamed events, asks, and last how the run ended. That is the stop event, or an
   * event of type `failed`, `cancelled` or `stalled` with the reason as its data.
   *
   * ```ts
   * for await (const { type, data } of session.events()) console.log(type, data)
   * ```
   */
  readonly events: (options?: EventsOptions) => AsyncIterableIterator<WorkflowEvent>
  /** Calls `listener` when anything but the state has changed. */
  readonly subscribe: (listener: () => void) => () => void
  /** Merges resources by key into the session's layer; a run that was waiting for them goes on. */
  readonly setResources: (resources: GivenResources<ResourcesOf<W>>) => void
  /** Takes a resource out of the session's layer; the workflow's shows again. */
  readonly deleteResource: (key: keyof ResourcesOf<W> & string) => void
  /** Calls `listener` when a resource has come, gone or changed. */
  readonly subscribeResources: (listener: () => void) => () => void
  /** Resolves when everything so far is durable; rejects with the storage's error. */
  readonly flush: () => Promise<void>
  /**
   * Makes this tab the one that executes the session: for when the other tab hangs, or this one only reads. Resolves when
   * this tab executes; the other one follows (without Web Locks: only reads) when it wakes up. Rejects as `ready` does.
   */
  readonly takeOver: () => Promise<void>
  /**
   * The whole session as plain JSON, without private paths.
   *
   * @throws SessionStateError while it is loading; what `ready` rejected with, when it could not be loaded; SerializationError
   *   when it holds more than JSON
   */
  readonly toJSON: () => unknown
  /**
   * Flushes, then closes the session. A pending `run` rejects with SessionClosedError; a later `open` carries on. Rejects as
   * `flush` does when storage takes nothing; the session is closed all the same.
   */
  readonly close: () => Promise<void>
}

/** What a session of any workflow has in another form. Methods, because these take every function that takes less. */
interface Untyped {
  readonly asks: readonly (Omit<OpenAsk, 'reply'> & { reply(data?: unknown): Promise<boolean> })[]
  readonly state: AnyStore
  readonly flowState: AnyStore
  run(input?: unknown): Promise<unknown>
  send(event: WorkflowEvent, to?: Target): Promise<boolean>
  setResources(resources: object): void
  deleteResource(key: string): void
  fork(seq?: number, id?: string): Promise<AnySession>
}

/**
 * A session of any workflow, for code that takes several: a badge, a list, a `Map`. What is read is unknown, and what is
 * written, sent or answered is checked when it runs.
 *
 * ```ts
 * const saveAll = (sessions: readonly AnySession[]) => Promise.all(sessions.map((it) => it.flush()))
 * ```
 */
export interface AnySession extends Omit<Session<AnyWorkflow>, keyof Untyped>, Untyped {}
