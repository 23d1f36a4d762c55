import { nextTask } from '../clock'
import { SessionClosedError } from '../errors'
import type { WorkflowEvent } from '../workflow/event'
import { Announcer } from './announcer'
import { catchUp, endSoonIfOver } from './catch-up'
import { nest } from './child'
import { Core } from './core'
import type { CoreOptions } from './core-options'
import { Gate, quiet } from './gate'
import { goesOn, type Model } from './model/model'
import type { Journaling } from './journaling'
import { Meanwhile } from './meanwhile'
import type { Leading } from './followers/leading'
import { Outcome } from './outcome'
import type { SessionRecord } from './model/record'
import { Permit } from './permit'
import { complete, elsewhere, replaced } from './reasons'
import type { Running } from './runs'
import { restoreSession, type SavedSession } from './model/saved-session'
import { Scheduler } from './scheduler'
import { settle } from './settle'
import type { Remote } from './followers/remote'
import type { Progress, Resumed } from './session'
import { Standing } from './standing'
import { Streams } from './stream'

export type LiveOptions = Omit<CoreOptions, 'onRecord' | 'onStream' | 'onProgress' | 'onChange' | 'nest'> & {
  /** Called once, when the session is closed. */
  readonly onClose: () => void
  /** Makes this page the leader. */
  readonly takeOver: () => Promise<void>
}

const fresh: Resumed = Object.freeze({ found: false })

/** A session at work: the core with its scheduler, its promises, and what it shows. */
export class LiveSession extends Standing implements Running {
  readonly core: Core
  readonly #options: LiveOptions
  readonly gate: Gate
  readonly permit: Permit
  readonly outcome: Outcome
  readonly streams: Streams = new Streams()
  readonly #leave: () => void
  readonly scheduler: Scheduler
  readonly #announcer: Announcer
  /** Settles when the session is closed; `undefined` until somebody closes it. */
  closing: Promise<void> | undefined
  /** The earlier session of this id, while it is being closed: this one does not end before that one. */
  after: Promise<void> | undefined
  /** What other tabs are told, while this one executes and there may be others. */
  leading: Leading | undefined
  progress: Progress | undefined
  resumed: Resumed = fresh

  constructor(options: LiveOptions) {
    super()
    this.#announcer = new Announcer(options.report)
    this.#options = options
    this.gate = new Gate(options.id)
    // Completed in place: it is this session's own, and a copy would be a large one.
    const own: CoreOptions = Object.assign(options, {
      nest,
      onRecord: (record: SessionRecord) => this.#afterRecord(record),
      onStream: (event: WorkflowEvent) => {
        this.streams.push(event)
        this.leading?.stream(event)
      },
      onChange: () => this.changed(),
      onProgress: (progress: Progress) => {
        this.progress = Object.freeze(progress)
        this.changed()
      },
    })
    const core = (this.core = new Core(own))
    core.early = []
    this.permit = new Permit(this.core)
    this.core.ready = () => this.gate.phase === 'open' && !core.remote && this.permit.granted()
    this.scheduler = new Scheduler(this.core)
    this.outcome = new Outcome(this.core)
    this.#leave = options.resources.subscribe(() => {
      if (this.gate.phase !== 'open') return
      this.changed()
      this.scheduler.run()
    })
  }

  /** The session was read: early writes go on top of it, and interrupted work goes on. */
  attach(model: Model, journal: Journaling, resumed: Resumed, autoResume: boolean): void {
    const { core } = this
    const { early = [] } = core
    const told = catchUp(this, core.remote !== undefined)
    // The session begun in memory gives way to the stored one.
    this.scheduler.stop(replaced)
    core.unsurveyed = true
    core.storedAt = resumed.found ? resumed.savedAt : 0
    core.early = core.remote = core.closed = undefined
    core.inFlight = new WeakMap()
    core.model = model
    core.journal = journal
    this.gate.unfence()
    this.gate.open()
    if (!this.resumed.found) this.resumed = Object.freeze(resumed)
    told()
    for (const again of early) core.write(again())
    if (early.length > 0) core.mend()
    if (journal instanceof Meanwhile) core.early = early
    if (model.tree.pending) model.tree.flush()
    this.permit.unclaimed = journal.unclaimed === true
    this.permit.begin(!autoResume && goesOn(this.core.model))
    if (!this.permit.unclaimed) this.begin()
    this.changed()
  }

  /** Work may begin, and whoever waits for the session goes on. */
  begin(): void {
    this.permit.unclaimed = false
    this.gate.admit()
    endSoonIfOver(this)
    // In a task of its own: a `run()` right after `open()` joins the interrupted run, however fast that ends.
    if (goesOn(this.core.model)) nextTask(() => this.scheduler.run())
  }

  /** Nothing was stored: what happened in memory is the session, and this journal keeps it from here on. */
  keep(journal: Journaling): void {
    this.core.early = undefined
    this.core.journal = journal
    this.changed()
  }

  /** Whether what was read is still awaited. */
  get mayAttach(): boolean {
    const { phase } = this.gate
    const { closed, early, remote } = this.core
    if (phase === 'closed' || closed === 'crashed') return false
    return early !== undefined || remote !== undefined || closed !== undefined
  }

  /**
   * Another tab executes the session: nothing runs here any more, and what is done here, early writes first, is asked of that
   * tab. `admit` opens the session when this tab has all that the other one has.
   */
  follow(remote: Remote): void {
    const { core } = this
    // What was written while storage was silent is part of the session already.
    const early = (core.journal ? undefined : core.early) ?? []
    core.early = undefined
    core.remote = remote
    core.journal?.abandon(elsewhere)
    core.journal = undefined
    this.scheduler.stop(elsewhere)
    core.options.writer.openEdits.steps = undefined
    catchUp(this, false)()
    for (const again of early) core.write(again())
    // What was read is shown now: a leader that hangs may be long in saying more.
    core.model.tree.flush()
    this.changed()
  }

  /** Takes the leader's model, which may hold more than was heard since the last one. */
  adopt(saved: SavedSession): void {
    const { core } = this
    const told = catchUp(this, this.gate.phase === 'open')
    core.recall()
    core.model = restoreSession(saved, core.options.clock.now(), core.model.tree, core.history)
    told()
  }

  admit(resumed: Resumed): void {
    if (this.gate.phase === 'loading' || this.gate.phase === 'error') {
      this.gate.open()
      this.resumed = Object.freeze(resumed)
    }
    this.gate.admit()
    endSoonIfOver(this)
    this.changed()
  }

  takeOver(): Promise<void> {
    return this.gate.phase === 'loading' ? this.ready.then(() => this.takeOver()) : this.#options.takeOver()
  }

  /** The session is read once more, after it could not be. */
  reload(): void {
    if (this.gate.reload()) this.changed()
  }

  /** The session could not be read. Nothing is ever written; a later `attach` may still bring it. */
  refuse(error: Error): void {
    this.gate.refuse(error)
    this.changed()
  }

  /**
   * Another writer has taken the session over: this page only shows what it has. Nothing runs here any more, least of all an
   * effect, and whoever waits for the run gets the error.
   */
  fence(error: Error): void {
    if (!this.gate.fence(error)) return
    this.core.closed = error
    this.scheduler.stop(error)
    this.outcome.reject(error)
    this.changed()
  }

  /** Like a killed page: nothing lands, nothing settles any more. */
  crash(): void {
    this.core.closed = 'crashed'
    this.core.journal?.abandon()
    this.scheduler.stop('crashed')
    this.#leave()
    this.#options.onClose()
  }

  async flush(): Promise<void> {
    if (this.gate.phase === 'loading') await this.ready
    const { remote, journal } = this.core
    // A closed session is told nothing any more; closing it flushes.
    const follows = remote && !this.gate.error
    const flushed = follows ? (this.closing ?? remote.call('flush')) : journal?.flush()
    if (flushed === undefined) throw this.error ?? new SessionClosedError(this.#options.id)
    await Promise.all([flushed, this.#options.flow.flush?.()])
  }

  close(): Promise<void> {
    return (this.closing ??= quiet(this.#shut()))
  }

  async #shut(): Promise<void> {
    const { phase } = this.gate
    // Mostly nobody waits for anything, and an error costs much.
    const error = this.isAwaited ? new SessionClosedError(this.#options.id) : complete
    this.gate.close(error)
    this.core.closed = 'closed'
    this.scheduler.stop(error)
    this.outcome.reject(error)
    this.streams.end(true)
    try {
      await this.after
      // What was typed before the leader's welcome is on its way as well.
      const { remote, journal } = this.core
      if (phase === 'open' || (phase === 'loading' && remote)) await (remote ?? journal)?.close()
    } finally {
      this.#leave()
      this.#options.resources.dispose(this.#options.report)
      this.#options.onClose()
      this.changed()
    }
  }

  /** After every record: wakes whoever waits, and tells whoever watches. */
  #afterRecord(record: SessionRecord): void {
    this.streams.record(record, this.core.options.privacy)
    if (record.kind === 'wrote' || record.kind === 'saw') return
    settle(this.core, record)
    const { kind } = record
    if (kind === 'started' || kind === 'reset' || kind === 'rewound') this.progress = undefined
    if (kind === 'reset') this.resumed = fresh
    this.outcome.follow(record)
    if (record.kind === 'finished') {
      this.scheduler.stop(this.outcome.error ?? complete)
      this.outcome.settle()
    }
    if (record.kind === 'rewound' && goesOn(this.core.model))
      for (const { point } of this.core.openAsks()) this.streams.push(point.event as WorkflowEvent)
    this.streams.show(record, this.core.definition.options.stop.type, goesOn(this.core.model))
    this.changed(kind === 'finished')
  }

  subscribe(listener: () => void): () => void {
    return this.#announcer.subscribe(listener)
  }

  changed(over?: boolean): void {
    this.#announcer.announce(over)
    this.leading?.changed()
  }
}
