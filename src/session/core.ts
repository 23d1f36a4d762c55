import { mend } from '../state/mend'
import type { Op } from '../state/op'
import { share } from '../state/sharing'
import type { Remake } from '../state/early-writes'
import type { StepDefinition } from '../workflow/step'
import type { Definition } from '../workflow/workflow'
import type { Durability } from '../storage/storage'
import { Attempts } from './attempts'
import { Deadlines, type Due } from './deadlines'
import { joinOps } from './model/field-edit'
import { History } from './model/history'
import { hasStaying, type Execution, type Model, type Point, type Waiting } from './model/model'
import type { Journaling } from './journaling'
import type { Nested } from './nested'
import { heedStop, levelsIn, type Level } from './level'
import { asksOf, askIn, type AskedPoint } from './open-asks'
import type { CoreOptions } from './core-options'
import { bodyOf, type RecordBody, type SessionRecord, type Unstamped } from './model/record'
import { reasonOf } from './reasons'
import { leavesStop, reduce } from './model/reduce'
import type { Remote } from './followers/remote'

/**
 * What the live parts of a session share: its model, its one way to append, and how events find their way.
 * Promises, timers and predicates live here and in the attempts, never in the model.
 */
export class Core implements Level {
  readonly options: CoreOptions
  readonly definition: Definition
  /** Another one once the session was read, and with each leader. */
  model: Model
  /** That of the model. */
  history!: History
  /** Where records go, once the session has been read and as long as they are recorded here. A sub-flow's go to its parent. */
  journal: Journaling | undefined
  /** Writes made before the session was read, in a form that can be made again on top of what is found. */
  early: Remake[] | undefined
  readonly attempts: Attempts = new Attempts()
  /** The sub-flows at work, by point. */
  readonly children: Map<Point, Nested> = new Map()
  /** It is the outermost of the workflows at work in it. */
  readonly path: readonly Waiting[] = none
  /**
   * Effects in flight, by execution and name: a retry joins them. One that never settles goes with its execution. Made when this
   * page begins to execute the session: nothing is recorded any more of what it had begun before somebody else did.
   */
  inFlight!: WeakMap<Execution, Map<string, Promise<unknown>>>
  /** Why the session takes no more calls. After `'crashed'` nothing settles any more. */
  closed: Error | 'closed' | 'crashed' | undefined
  readonly deadlines: Deadlines
  /** Whether the scheduler must look through the whole model for work, as after a load. */
  unsurveyed = true
  /** When everything was last stored; 0 once something recorded after that has to wait. */
  storedAt = 0
  /** What the run fails with, while that is recorded: another tab may go on with it. */
  cause: Error | undefined
  /** The tab that executes the session, when this one does not: then nothing is recorded here. */
  remote: Remote | undefined
  /** The operation of another tab that is being done: the first record of it carries its name. */
  origin: Required<Pick<SessionRecord, 'by' | 'n'>> | undefined
  /** Told of every record as it was folded; `more` was joined to the one before. */
  announce: ((record: SessionRecord, more: boolean) => void) | undefined
  /** Set by the scheduler: starts what can start; says whether anything may start; notes that a step by hand was made. */
  wake!: () => void
  active!: () => boolean
  stepped!: () => void
  /** Whether steps may run in this page: its resources are there, and it is its turn. */
  ready!: () => boolean
  /** How long the run has been at work, when that has a limit. Recorded with what steps begin, for the next page. */
  worked: (() => number) | undefined
  /** The newest record when it is a field edit: the next edit may still join it. */
  #openWrite: (SessionRecord & { kind: 'wrote'; ops: Op[] }) | undefined

  constructor(options: CoreOptions) {
    this.options = options
    this.definition = options.definition
    this.model = options.model
    this.recall()
    this.deadlines = new Deadlines(options.clock, (due) => this.#isOpen(due))
  }

  /** What comes is the history of another model; that is as long as nothing of it is known. */
  recall(history: History = new History(this.definition.options.history)): void {
    this.history = history
    history.stored = () => this.journal?.stored ?? 0
  }

  /** The one way to change the session. */
  append(body: Unstamped, durability: Durability = 'strict'): void {
    const { within } = this.options
    if (this.remote || (this.closed !== undefined && !within?.outlives(body))) return
    if (this.worked && (body.kind === 'taken' || body.kind === 'opened'))
      body = { ...bodyOf(body), worked: this.worked() } as RecordBody
    // What was stored for a rollback has no private values.
    const { kind } = body
    const rollsBack = kind === 'attemptFailed' || kind === 'interrupted' || kind === 'finished'
    const rebases = rollsBack && (hasStaying(this.model) || !this.options.privacy.none)
    if (within) within.append(body, durability)
    else {
      const record = this.#stamp(body)
      this.#openWrite = undefined
      this.history.fold(this.model, record)
      this.journal?.push(record, durability)
      this.told(record)
    }
    if (rebases) this.mend()
  }

  /** Does what follows from a folded record. */
  told(record: SessionRecord): void {
    const { kind } = record
    if (kind === 'retried' || kind === 'reset' || kind === 'rewound') this.unsurveyed = true
    if (kind === 'opened' && record.deadline !== undefined)
      this.#wait({ at: record.deadline, exec: record.exec, key: record.key })
    if (kind === 'attemptFailed' && record.retryAt !== undefined)
      this.#wait({ at: record.retryAt, exec: record.exec })
    if (kind === 'child') this.storedAt = 0
    this.#tell(record, record)
    if (kind === 'child') {
      const { seq, at, exec, key } = record
      this.nested(exec, key)?.told({ seq, at, ...record.record })
    }
    if (!this.model.paused || !leavesStop(record)) heedStop(this, record.at)
  }

  #wait(due: Due): void {
    this.storedAt = 0
    this.deadlines.add(due)
  }

  #isOpen({ at, was = at, exec: id, key }: Due): boolean {
    const exec = this.model.execs.get(id)
    if (key === undefined) return exec?.retryAt === was && !this.attempts.has(id)
    const point = exec?.points.get(key)
    return point?.deadline === was && point.result === undefined
  }

  /** Others' writes were applied to a state for which they were not checked: mends what no longer passes the schema. */
  mend(): void {
    const ops = mend(this.options.writer.schema, this.model.tree.root())
    if (ops.length > 0) this.append({ kind: 'wrote', ops })
  }

  /**
   * A write from outside. Field edits in a row become one record, until something else happens or it is stored. `shown`: the
   * state before it, when another tab has made it.
   */
  write(ops: readonly Op[], shown?: unknown): void {
    if (this.closed !== undefined) throw reasonOf(this)
    if (this.remote) return this.remote.write(ops)
    if (this.journal === undefined) {
      this.model.tree.apply(ops)
      this.model.tree.flush()
      return
    }
    const open = this.#openWrite
    const more = open !== undefined && this.isJoining && open.by === this.origin?.by
    let folded: SessionRecord
    if (more) {
      // Written out: a copy of the open one takes as long as folding it.
      folded = { seq: open.seq, at: open.at, kind: 'wrote', ops }
      if (this.origin) {
        Object.assign(open, this.origin)
        Object.assign(folded, this.origin)
        this.origin = undefined
      }
      joinOps(open.ops, ops)
    } else {
      folded = this.#stamp({ kind: 'wrote', ops })
      // Its own list, which later edits may still change; what was folded stays as it was.
      this.#openWrite = { ...folded, ops: [...ops] } as typeof open & object
    }
    const record = this.#openWrite as SessionRecord
    if (more) reduce(this.model, folded)
    else this.history.fold(this.model, folded, record)
    if (shown !== undefined) share(this.model.tree, shown)
    this.journal.push(record, 'relaxed')
    this.#tell(record, folded, more)
  }

  /** Whether a field edit would join the newest record. */
  get isJoining(): boolean {
    return this.#openWrite !== undefined && this.journal?.isOpen?.(this.#openWrite) === true
  }

  /** Resolves when that record, or the newest but field edits, is durable, or storage has failed: trouble there never stops a flow. */
  durable(seq?: number): Promise<void> {
    return (this.options.within ?? this.journal)?.durable?.(seq) ?? Promise.resolve()
  }

  /** Folds what another tab has recorded. */
  adopt(record: SessionRecord): void {
    this.history.fold(this.model, record)
    this.options.onRecord(record)
  }

  #stamp(body: RecordBody): SessionRecord {
    if (this.model.seq === 0) this.#create()
    const { origin } = this
    this.origin = undefined
    // Completed in place: it is the caller's own literal, and a copy costs as much as folding it.
    const record = body as RecordBody & { seq: number; at: number }
    record.seq = this.model.seq + 1
    record.at ||= this.options.clock.now()
    return origin ? Object.assign(record, origin) : record
  }

  /** Only now is there something to keep: a page that was merely looked at leaves nothing in storage. */
  #create(): void {
    const { lineage, tree } = this.model
    // With what is private and was typed here while this tab followed another one.
    const state = tree.root()
    const first: SessionRecord = { seq: 1, at: this.options.clock.now(), kind: 'created', state, lineage }
    this.history.fold(this.model, first)
    this.journal?.push(first, 'relaxed')
    this.announce?.(first, false)
  }

  #tell(record: SessionRecord, folded: SessionRecord, more = false): void {
    this.announce?.(folded, more)
    this.options.onRecord(record)
    // Last, because a listener may record something itself.
    if (this.model.tree.pending) this.model.tree.flush()
  }

  step(name: string): StepDefinition | undefined {
    return this.definition.stepsByName.get(name)
  }

  /** Ends what is over by now, also where its timer is late: the page may just have woken, or have gone back to the end. */
  expire(): void {
    heedStop(this)
    if (this.deadlines.due) this.wake()
  }

  /** The sub-flow at work at a point. */
  nested(exec: number, key: string): Nested | undefined {
    return this.children.get(this.model.execs.get(exec)?.points.get(key) as Point)
  }

  /** Declared resources that nobody has given to the sub-flows at work. */
  get lacking(): string[] {
    return [...this.children.values()].flatMap((it) => it.missing)
  }

  /** The workflows at work here: the session's own, then the sub-flows in it. */
  get levels(): Iterable<Level> {
    return levelsIn(this)
  }

  /** The open asks, those of sub-flows too, oldest first. */
  openAsks(): AskedPoint[] {
    return [...this.levels].flatMap(asksOf).sort((a, b) => a.point.seq - b.point.seq)
  }

  /** The open ask with this id. */
  openAsk(id: string | undefined): AskedPoint | undefined {
    const line = `${this.prefix}/`
    if (typeof id !== 'string' || !id.startsWith(line)) return undefined
    return askIn(this, id.slice(line.length))
  }

  /** The same on every try and in every tab; another one after a rewind, a fork or a reset. */
  key(exec: number, key: string): string {
    return `${this.prefix}/${exec}/${key}`
  }

  /** What its keys begin with. */
  get prefix(): string {
    const { within, id } = this.options
    return within?.prefix ?? `${id}/${this.model.lineage}`
  }
}

const none: readonly never[] = Object.freeze([])
