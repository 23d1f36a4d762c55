import type { Resource } from './resource'
import type { UnknownOutcome } from './step-context'
import type { Check } from './validate'

/** Makes the state of a version of that of the version before. */
// oxlint-disable-next-line typescript/no-explicit-any -- what an older version has stored has no type here
export type Migration = (state: any) => unknown

/** What a workflow is defined by, besides its steps. */
export interface WorkflowOptions<S, F, In, Out, R, Ev, Private extends string = string> {
  /** Names its sessions in storage: keep it for ever. */
  readonly name: string
  /** A whole number from 1; raise it with every change that stored sessions must be migrated for. */
  readonly version: number
  /** Starts a run: `session.run(data)`. */
  readonly start: In
  /** Ends a run: its data is the result. */
  readonly stop: Out
  /** The schema of the state; its output must be valid input again. Without it the state is untyped. */
  readonly state?: S
  /** The schema of what all sessions of this workflow share. */
  readonly flowState?: F
  /** What steps need from outside; see {@link resource}. */
  readonly resources?: { [K in keyof R]: Resource<R[K]> }
  /** Events that only `session.send` brings. Replies of asks are known anyway. */
  readonly events?: Ev
  /** Milliseconds of work a run may take; waiting for people does not count. Default: no limit. */
  readonly timeout?: number
  /** Step executions a run may take. Default 10,000. */
  readonly maxSteps?: number
  /**
   * Records that a session keeps for `history()`, `back()`, `rewind()` and `fork()`: at least so many, at most twice.
   * Default 500; 0 keeps none, then there is no way back.
   */
  readonly history?: number
  /** The step that takes over when any other has failed for good. */
  readonly catchError?: string
  /** How many times one line of events may be recovered, where its step says nothing else. Default 1. */
  readonly recoveries?: number
  /** What to do about a `once` that was cut off between its intent and its result. Default `'rerun'`. */
  readonly onUnknownOutcome?: UnknownOutcome
  /**
   * What makes a version of the one before it, by its number: each gets a copy of the stored state and answers with
   * the state of its version, or a promise of it. They run in order when an older session is opened; the schema
   * judges the last one. What is stored stays until the result is stored.
   */
  readonly migrations?: Readonly<Record<number, Migration>>
  /** The new names of steps that stored sessions know by an old one. */
  readonly renamedSteps?: Readonly<Record<string, string>>
  /**
   * Paths of the state that are never stored, exported or sent to another tab: card numbers, passwords. After a reload
   * they are back at their default, or absent.
   */
  readonly private?: readonly Private[]
  /** Checks of `validate` to leave out. */
  readonly skip?: readonly Check[]
}
