import type { Op } from '../../state/op'
import type { SavedPast } from './saved-model'

/**
 * What happens to a session, as it is journaled: small, plain, frozen JSON. A session is the fold of its
 * records; nothing else changes it. `decisions/0001-record-model.md` says why each kind is as it is.
 */
export type SessionRecord = Stamp & RecordBody

/** The place of a record in the session, from 1 without gaps, and the time on the writer's clock (ms). */
export interface Stamp {
  readonly seq: number
  readonly at: number
  /** The tab that asked the writer for this, and which of its operations it is, from 1. */
  readonly by?: string
  readonly n?: number
}

/**
 * What is to become a record. The kinds that are recorded most come with room for their stamp, because an object that grows
 * costs as much as its fold.
 */
export type Unstamped = RecordBody & Partial<Stamp>

/** A record as it is inside another one. */
export function bodyOf({ seq: _seq, at: _at, ...body }: Unstamped): RecordBody {
  return body
}

/** An event on its way, with everything decided: who takes it, and which open wait it answers. */
export interface Emission {
  /** Unique in the session, in order of emission. */
  readonly id: number
  readonly type: string
  readonly data?: unknown
  /** The steps that it is delivered to. Recorded, so that changed code folds old records as before. */
  readonly to: readonly string[]
  /** The gathering steps that it is kept for until its scope closes. */
  readonly gather?: readonly string[]
  /** The fan-out it descends from, and the place of its branch in it. */
  readonly scope?: number
  readonly branch?: number
  /** The wait of a running step that it answers. */
  readonly answers?: PointRef
  /** How often its line of events has been recovered from a failed step. */
  readonly rescues?: number
}

/** A recorded point of a running step. */
export interface PointRef {
  readonly exec: number
  readonly key: string
}

/** An error in the form that survives a reload. */
export interface RecordedError {
  readonly name: string
  readonly message: string
  readonly code?: string
}

/** What a sub-flow begins with: the child's workflow, its input, and its first state and flow state. */
export interface ChildBegin {
  readonly workflow: string
  readonly version: number
  readonly input?: unknown
  readonly state: unknown
  readonly flow: unknown
  /** The paths of its state that are kept nowhere. */
  readonly private?: readonly string[]
}

export type PointType = 'once' | 'ask' | 'wait' | 'sleep' | 'commit' | 'subflow'

/** A point is opened: an effect is about to begin, somebody is asked, a wait or sleep begins. */
export interface PointOpened {
  readonly kind: 'opened'
  readonly exec: number
  readonly key: string
  readonly type: PointType
  /** subflow: what the child begins with. */
  readonly child?: ChildBegin
  /** ask: the event that asks. */
  readonly event?: { readonly type: string; readonly data?: unknown }
  /** ask, wait: the type of the event that answers it. */
  readonly reply?: string
  /** wait: a predicate decides. After a reload it is known when the step has run up to here. */
  readonly where?: true
  /** ask, wait, sleep: when it ends by itself; milliseconds since 1970. */
  readonly deadline?: number
  /** What the step sent since its last commit point. */
  readonly sends?: readonly Emission[]
  /** How long the run has been at work, where it has a limit; milliseconds. */
  readonly worked?: number
}

/** A point is done by the step itself: an effect has a result, a sleep is over, a commit was asked for. */
export interface PointDone {
  readonly kind: 'done'
  readonly exec: number
  readonly key: string
  readonly type: PointType
  readonly value?: unknown
  readonly error?: RecordedError
  readonly sends?: readonly Emission[]
}

export interface Finished {
  readonly kind: 'finished'
  readonly status: 'completed' | 'failed' | 'cancelled' | 'stalled'
  readonly result?: unknown
  readonly error?: RecordedError & {
    readonly step?: string
    readonly event?: unknown
    readonly attempts?: number
  }
  readonly reason?: string
  /** stalled: the types of the events that nobody took. */
  readonly unconsumed?: readonly string[]
  /** failed: the execution that `retry()` runs again. */
  readonly exec?: number
}

export type RecordBody =
  | { readonly kind: 'started'; readonly run: string; readonly event: Emission }
  | { readonly kind: 'sent'; readonly event: Emission }
  | {
      readonly kind: 'taken'
      readonly exec: number
      readonly step: string
      readonly events: readonly number[]
      /** As with a point. */
      readonly worked?: number
    }
  /** A write: by a step's attempt, uncommitted until its next point; without `exec`, by somebody outside. */
  | { readonly kind: 'wrote'; readonly exec?: number; readonly ops: readonly Op[] }
  /** A step read after others had written: a re-run sees this version at its `reads`-th read. */
  | { readonly kind: 'saw'; readonly exec: number; readonly reads: number }
  | PointOpened
  | PointDone
  /**
   * A step's write to flow state was made. For a sub-flow, whose flow state is a part of this journal, it has the operations.
   * Commits nothing, and stays however the attempt ends.
   */
  | { readonly kind: 'flowWrote'; readonly exec: number; readonly key: string; readonly ops?: readonly Op[] }
  /** Something has happened in a sub-flow: a record of its own, kept in its parent's journal. */
  | {
      readonly kind: 'child'
      readonly exec: number
      readonly key: string
      readonly record: RecordBody
      readonly private?: readonly string[]
    }
  /** Somebody outside, or the clock, answered an ask or a wait. Commits nothing. */
  | {
      readonly kind: 'answered'
      readonly exec: number
      readonly key: string
      readonly value?: unknown
      readonly timeout?: true
    }
  | {
      readonly kind: 'collected'
      readonly exec: number
      readonly key: string
      readonly step: string
      readonly buffer: string
      readonly event: { readonly type: string; readonly data?: unknown }
      /** The expected types, when all are there: they leave the buffer as this point's value. */
      readonly batch?: readonly string[]
      readonly sends?: readonly Emission[]
    }
  /** An attempt failed and is rolled back; without `retryAt` for good. */
  | {
      readonly kind: 'attemptFailed'
      readonly exec: number
      readonly attempt: number
      readonly error: RecordedError
      readonly retryAt?: number
      /** The effects and waits that this failure came from: the next attempt begins them again. */
      readonly again?: readonly string[]
    }
  /** Executions that a crash or a reload cut off; what they had not committed is rolled back. */
  | {
      readonly kind: 'interrupted'
      readonly execs: readonly number[]
      /** They are about to run again: towards the limit of a crash loop. */
      readonly counts?: true
    }
  | {
      readonly kind: 'ended'
      readonly exec: number
      /** What it sent since its last commit point, then what it returned. */
      readonly emits: readonly Emission[]
      /** The scope that a returned array opened. */
      readonly opens?: number
    }
  /** A scope is closed: its gathering steps get what was kept for them. */
  | {
      readonly kind: 'gathered'
      readonly scope: number
      readonly to: readonly { id: number; step: string }[]
    }
  | Finished
  /** A failed run goes on with the step that failed; with a number that none has yet when its own limit ended it. */
  | { readonly kind: 'retried'; readonly exec: number }
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' }
  /**
   * The session is again as it was after the record `to`, under another lineage. `past` is the model of then, with its state
   * as operations from the present state. With `back` a page was re-opened: answers are kept, nothing is paused.
   */
  | {
      readonly kind: 'rewound'
      readonly to: number
      readonly lineage: string
      readonly past: SavedPast
      readonly back?: true
    }
  /** Everything starts over, with this state. */
  | { readonly kind: 'reset'; readonly state: unknown; readonly lineage: string }
  /** Newer code has changed the state's shape: its version, and the state as its migrations made it. */
  | {
      readonly kind: 'migrated'
      readonly version: number
      readonly state: unknown
      /** sub-flow: the same of the state that it began with. */
      readonly first?: unknown
      /** sub-flow: the new names of its steps, after the old ones. A session's are renamed in what is read (decision 11). */
      readonly names?: readonly (readonly [string, string])[]
    }
  /** The first record of a session: its state, and the name of this line of its history. */
  | { readonly kind: 'created'; readonly state: unknown; readonly lineage: string }

/**
 * What events inherit from their branch of a fan-out and from the steps that have failed before them. A branch without a fan-out
 * says that they come from an outermost one that had nothing.
 */
export function lineOf(
  { scope, branch }: { readonly scope: number | undefined; readonly branch: number | undefined },
  rescues: number = 0,
): Pick<Emission, 'scope' | 'branch' | 'rescues'> | undefined {
  const line =
    scope !== undefined ? { scope, branch: branch ?? 0 } : branch === undefined ? undefined : { branch }
  return rescues > 0 ? { ...line, rescues } : line
}

/** The events that a record puts on their way. */
export function emitted(record: SessionRecord): readonly Emission[] {
  switch (record.kind) {
    case 'ended':
      return record.emits
    case 'sent':
    case 'started':
      return [record.event]
    case 'opened':
    case 'done':
    case 'collected':
      return record.sends ?? none
    default:
      return none
  }
}

const none: readonly Emission[] = []
