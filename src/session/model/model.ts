import type { Op } from '../../state/op'
import { Tree } from '../../state/tree'
import { Fifo } from './fifo'
import { Roster } from './roster'
import type { ChildBegin, Emission, Finished, PointType, RecordedError } from './record'

/**
 * A session as the fold of its records: plain data, no promise, no clock, no callback. `reduce` owns it and is
 * the only code that changes it. Executions hold their ledger; the log holds what a rollback must apply again.
 */
export interface Model {
  seq: number
  /** Names this line of history, so that its idempotency keys and ask ids never collide with those of another. */
  lineage: string
  readonly tree: Tree
  /** The version of the state: the record that has changed it last. */
  changed: number
  /** The session that this one was forked from, and at which record. */
  parent: Parent | undefined
  /** The flow state of a sub-flow: private to it. That of a session is stored apart. */
  flow: Tree | undefined
  run: Run | undefined
  paused: boolean
  nextEvent: number
  nextExec: number
  nextScope: number
  /** Deliveries that wait, by step. */
  readonly queues: Map<string, Fifo<Delivery>>
  /** Steps at work, by execution, in the order they were taken. */
  readonly execs: Roster<Execution>
  /** What `collect` keeps, by step and buffer name. */
  readonly buffers: Map<string, CollectedEvent[]>
  readonly scopes: Map<number, Scope>
  /** Scopes in which nothing is open any more. */
  readonly ripe: Set<number>
  /** Open points that an event answers, by the type of the event, oldest first. */
  readonly waits: Map<string, Map<Point, Waiting>>
  /** Writes since the oldest uncommitted one, in order. Empty while nothing is uncommitted. */
  log: LogEntry[]
  /** Types of the run's events that nobody took. */
  unconsumed: string[]
  /** The events sent by the newest record. If the journal ends there, a stop event among them has yet to end the run. */
  latest: readonly Emission[]
  /** Up to which of their operations the other tabs were heard; the tabs that were heard last are at the end. */
  readonly heard: Map<string, number>
}

export interface Parent {
  readonly id: string
  readonly seq: number
}

export interface Run {
  readonly id: string
  /** Step executions so far. */
  steps: number
  /** Milliseconds at work up to the newest record that says so; only when the run has a limit. */
  worked?: number
  end: Omit<Finished, 'kind'> | undefined
  /** The newest asks that were answered, in order. */
  pages: readonly Page[]
  /** Answers that somebody went back from, in the order of their pages. */
  kept: readonly Page[]
}

/** An ask that was answered: a page of a wizard. */
export interface Page {
  /** The number of the record that answered it. */
  readonly seq: number
  /** Not in what an earlier version has stored. */
  readonly exec?: number
  readonly step: string
  readonly key: string
  readonly event: CollectedEvent | undefined
  readonly value?: unknown
}

/** An event in a step's queue; for a gathering step with everything that was gathered. */
export type Delivery = Emission & { readonly members?: readonly Emission[] }

/** An event as it is kept: without data, when it has none. */
export interface CollectedEvent {
  readonly type: string
  readonly data?: unknown
}

/** A step at work on its events: what it did so far, so that it can be run again from its top. */
export interface Execution {
  readonly id: number
  /** The record that took it. */
  readonly seq: number
  readonly step: string
  readonly events: readonly Emission[]
  /** The fan-out and branch that it belongs to, and how often its events have been recovered from a failed step. */
  readonly scope: number | undefined
  readonly branch: number | undefined
  readonly rescues: number
  readonly at: number
  /** The attempt that is running or waits to run; from 1. */
  attempt: number
  /** How often in a row it was cut off without progress. */
  interruptions: number
  /** When the next attempt is due; `undefined` while one runs. */
  retryAt: number | undefined
  /** The state when it was taken, and its version: what a re-run reads before its first entry. */
  readonly root: unknown
  readonly version: number
  entries: readonly Entry[]
  /** How many of `entries` are committed. */
  committed: number
  /** How often it has committed: an older number in the log is a committed write. */
  span: number
  /** Whether there are uncommitted writes of it in the log. */
  dirty: boolean
  points: Ledger
}

/** The points of an execution by key, and the open ones apart, so that nobody searches thousands of points for them. */
export class Ledger extends Map<string, Point> {
  readonly open: Set<Point> = new Set()
}

/**
 * What an execution did, in order. A re-run reads the last `root` before it with the execution's own writes since:
 * an entry has one only when somebody else has written since the entry before it, so that a step which writes
 * thousands of times keeps operations and no states. `old` is a write or a send of older code, which is done. Such a write
 * is in the migrated state, and its operations, which have another shape, are gone.
 */
export type Entry = { readonly version: number; readonly root?: unknown } & (
  | { readonly kind: 'wrote'; readonly ops: readonly Op[]; readonly since: number; readonly old?: true }
  | { readonly kind: 'sent'; readonly event: CollectedEvent; readonly old?: true }
  | { readonly kind: 'saw'; readonly reads: number }
  /** `opened` and `flow`: what the step does itself. `done` and `answered`: what comes to it, which has to wait for its turn. */
  | { readonly kind: 'opened' | 'flow' | 'done' | 'answered'; readonly key: string }
)

export interface Point {
  readonly key: string
  readonly type: PointType | 'collect' | 'flow'
  readonly seq: number
  readonly event: CollectedEvent | undefined
  readonly reply: string | undefined
  readonly where: boolean
  readonly deadline: number | undefined
  /** subflow: what it began with, in the shape of its version, and the child itself until it has completed. */
  begin?: ChildBegin
  child?: Model | undefined
  /** How it ended; `undefined` while it is open. */
  result: PointResult | undefined
  /** The attempt failed with it, so every page knows what became of it: the next attempt begins it again. */
  again?: true
}

/** A point that waits, and whose it is. */
export interface Waiting {
  readonly exec: Execution
  readonly point: Point
}

export interface PointResult {
  readonly value?: unknown
  readonly error?: RecordedError
  readonly timeout?: true
}

/** A fan-out: open until every branch has ended. */
export interface Scope {
  readonly id: number
  /** The scope and branch that the fan-out itself belongs to. */
  readonly parent: number | undefined
  readonly branch: number | undefined
  /** The step that opened it. */
  readonly step: string
  /** Deliveries, executions and inner scopes that are not at their end. */
  open: number
  readonly gathered: Map<string, Emission[]>
  /** The gathering steps that have run in fan-outs inside this one: they are not its own. */
  passed?: readonly string[]
}

export interface LogEntry {
  /** The execution that wrote it; uncommitted as long as that is in this span. `undefined`: somebody outside. */
  readonly exec: number | undefined
  readonly span?: number
  readonly ops: readonly Op[]
  /** The state before it: for the first in the log, and for later ones where it is known. */
  readonly before?: unknown
}

export function createModel(state: unknown, lineage: string, tree: Tree = new Tree(state)): Model {
  return {
    seq: 0,
    lineage,
    tree,
    changed: 0,
    parent: undefined,
    flow: undefined,
    run: undefined,
    paused: false,
    nextEvent: 1,
    nextExec: 1,
    nextScope: 1,
    queues: new Map(),
    execs: new Roster(),
    buffers: new Map(),
    scopes: new Map(),
    ripe: new Set(),
    waits: new Map(),
    log: [],
    unconsumed: [],
    latest: [],
    heard: new Map(),
  }
}

/** Whether a run is going on. */
export function goesOn({ run }: Model): boolean {
  return run !== undefined && run.end === undefined
}

/** An event in the form in which it is kept. */
export function bare({ type, data }: CollectedEvent): CollectedEvent {
  return data === undefined ? { type } : { type, data }
}

/** Whether a write in the log may still be taken out again. */
export function isOpenWrite(model: Model, { exec, span }: LogEntry): boolean {
  return exec !== undefined && model.execs.get(exec)?.span === span
}

/** Whether the log has writes that stay. */
export function hasStaying(model: Model): boolean {
  for (const it of model.log) if (!isOpenWrite(model, it)) return true
  return false
}

/** The name of a step's buffer. No two steps and buffers share a name, whatever they are called. */
export function bufferName(step: string, buffer: string): string {
  return `${step.length}/${step}/${buffer}`
}

/** The step of a buffer with this name. */
export function stepOf(name: string): string {
  const start = name.indexOf('/') + 1
  return name.slice(start, start + parseInt(name))
}

/** Whether a point waits for somebody or something outside the step. */
export function isWait(point: Point): boolean {
  return point.type === 'ask' || point.type === 'wait' || point.type === 'sleep'
}
