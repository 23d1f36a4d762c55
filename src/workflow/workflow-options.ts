import type { Resource } from './resource'
import type { UnknownOutcome } from './step-context'
import type { Check } from './validate'

/** Makes the state of one version from that of the version before. */
// oxlint-disable-next-line typescript/no-explicit-any -- what an older version has stored has no type here
export type Migration = (state: any) => unknown

/** What defines a workflow, besides its steps. */
export interface WorkflowOptions<S, F, In, Out, R, Ev, Private extends string = string> {
  /** Names its sessions in storage: keep it for ever. */
  readonly name: string
  /** A whole number from 1. Raise it with every change for which stored sessions must be migrated. */
  readonly version: number
  /** Starts a run: `session.run(data)`. */
  readonly start: In
  /** Ends a run: its data is the result. */
  readonly stop: Out
  /** The schema of the state. Its output must be valid input again. Without it the state is untyped. */
  readonly state?: S
  /** The schema of what all sessions of this workflow share. */
  readonly flowState?: F
  /** What steps need from outside; see {@link resource}. */
  readonly resources?: { [K in keyof R]: Resource<R[K]> }
  /** Events that only `session.send` brings. Replies of asks are known anyway. */
  readonly events?: Ev
  /** Milliseconds of work a run may take; while all of it waits, time does not count. Default: no limit. */
  readonly timeout?: number | undefined
  /** Step executions a run may take. Default 10,000. */
  readonly maxSteps?: number | undefined
  /**
   * How many records a session keeps for `history()`, `back()`, `rewind()` and `fork()`: at least so many, at most twice as
   * many. Of writes in a row that have set more than ten thousand fields, the older ones become one record. With 0 it keeps
   * none, and there is no way back. Default 500.
   */
  readonly history?: number | undefined
  /** The step that takes over when any other has failed for good. */
  readonly catchError?: string | undefined
  /** How many times one line of events may be recovered, unless its step says otherwise. Default 1. */
  readonly recoveries?: number | undefined
  /** What to do about a `once` that was cut off between its intent and its result. Default `'rerun'`. */
  readonly onUnknownOutcome?: UnknownOutcome | undefined
  /**
   * Migrations by the version that they lead to. Each gets a copy of the state of the version before, and returns the
   * state of its own version, or a promise of it. They run in order when an older session is opened, and the schema
   * checks the last result. What is stored stays until that result is stored.
   */
  readonly migrations?: Readonly<Record<number, Migration>> | undefined
  /** The new names of renamed steps, by the old names that stored sessions know. */
  readonly renamedSteps?: Readonly<Record<string, string>> | undefined
  /**
   * Paths of the state that are never stored, exported or sent to another tab: card numbers, passwords. After a reload
   * they are back at their default, or absent. A step sees what was typed in the tab that executes it. They lead into no
   * list. Only the state has them: an event, such as a reply, and a result of `once` are stored whole.
   */
  readonly private?: readonly Private[] | undefined
  /** The checks of `validate` to leave out. */
  readonly skip?: readonly Check[] | undefined
}
