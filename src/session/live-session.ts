import { nextTask } from '../clock'
import { CancelledError, SessionClosedError, SessionStateError } from '../errors'
import type { Persistence } from '../storage/persistence'
import type { WorkflowEvent } from '../workflow/event'
import { Announcer } from './announcer'
import { Core, type CoreOptions } from './core'
import { deferred, type Deferred } from './deferred'
import { Inbox } from './inbox'
import { Interruption } from './interruption'
import type { Model } from './model'
import type { Journaling } from './journaling'
import { orphansOf, type Orphan } from './orphans'
import { Outcome } from './outcome'
import { emitted, type Emission, type SessionRecord } from './record'
import { saveModel } from './saved-model'
import { Scheduler } from './scheduler'
import type { Progress, Resumed, Target } from './session'
import { statusOf, type Status } from './status'
import { Streams } from './stream'

export type LiveOptions = Omit<CoreOptions, 'onRecord' | 'onStream' | 'onProgress'> & {
  /** Hears of what listeners throw: nobody else could. */
  readonly report: (error: unknown) => void
  /** Called once, when the session is closed. */
  readonly onClose: () => void
}

const loading: Persistence = Object.freeze({ status: 'saved' })

/** A session at work: the core with its scheduler, its promises, and what it shows. */
export class LiveSession {
  readonly core: Core
  readonly streams: Streams = new Streams()
  readonly #options: LiveOptions
  readonly #scheduler: Scheduler
  #loaded: Deferred<void> = deferred()
  readonly #announcer: Announcer
  #journal: Journaling | undefined
  #phase: 'loading' | 'error' | 'open' | 'closed' = 'loading'
  #loadError: Error | undefined
  /** Opened without resuming: until somebody runs or resumes it. */
  #held = false
  #interruption: Interruption | undefined
  #fenced: Error | undefined
  #failedPersistence: Persistence = loading
  readonly #inbox: Inbox
  readonly #outcome: Outcome
  #closing: Promise<void> | undefined
  progress: Progress | undefined
  resumed: Resumed = Object.freeze({ found: false })

  constructor(options: LiveOptions) {
    this.#announcer = new Announcer(options.report)
    this.#options = options
    this.core = new Core({
      ...options,
      onRecord: (record) => this.#afterRecord(record),
      onStream: (event) => this.streams.push(event),
      onProgress: (progress) => {
        this.progress = Object.freeze(progress)
        this.changed()
      },
    })
    this.core.early = []
    this.core.ready = () => this.#mayWork()
    this.#scheduler = new Scheduler(this.core)
    this.#inbox = new Inbox(this.core)
    this.#outcome = new Outcome(this.core)
    options.resources.subscribe(() => this.#resourcesChanged())
  }

  /** Whether steps may run in this page. The first time that they may, what was cut off is counted. */
  #mayWork(): boolean {
    if (this.#phase !== 'open' || this.#held || this.missingResources.length > 0) return false
    const interruption = this.#interruption
    this.#interruption = undefined
    interruption?.count()
    return true
  }

  get ready(): Promise<void> {
    return this.#loaded.promise
  }

  /** What was read is here: early writes go on top of it, and interrupted work goes on. */
  attach(model: Model, journal: Journaling, resumed: Resumed, autoResume: boolean): void {
    if (this.#phase !== 'loading' && this.#phase !== 'error') return journal.abandon()
    const { core } = this
    const early = core.early ?? []
    core.early = undefined
    core.model = model
    core.sink = this.#journal = journal
    this.#phase = 'open'
    this.#loadError = undefined
    this.resumed = Object.freeze(resumed)
    if (early.length > 0) {
      core.write(early)
      core.mend()
    }
    if (model.tree.pending) model.tree.flush()
    this.#held = !autoResume && this.#active
    this.#interruption = new Interruption(core)
    this.#mayWork()
    this.#loaded.resolve()
    this.changed()
    // In a task of its own: a `run()` right after `open()` joins the interrupted run, however fast that ends.
    nextTask(() => this.#scheduler.run())
  }

  /** It is read once more, after it could not be. */
  reload(): void {
    if (this.#phase !== 'error') return
    this.#phase = 'loading'
    this.#loadError = undefined
    this.#loaded = deferred()
    this.changed()
  }

  /** It could not be read. Nothing is ever written; a later `attach` may still bring it. */
  refuse(error: Error): void {
    this.#phase = 'error'
    this.#loadError = error
    this.#failedPersistence = Object.freeze({ status: 'error', error })
    this.#loaded.reject(error)
    this.changed()
  }

  /**
   * Another writer has taken the session over: this page only shows what it has. Nothing runs here any more, least
   * of all an effect, and who waits for the run is told.
   */
  fence(error: Error): void {
    if (this.#fenced) return
    this.#fenced = error
    this.core.closed = error
    this.#scheduler.stop(error)
    this.#outcome.reject(error)
    this.changed()
  }

  /** Like a killed page: nothing lands, nothing settles any more. */
  crash(): void {
    this.core.closed = 'crashed'
    this.#journal?.abandon()
    this.#scheduler.halt()
    this.#options.onClose()
  }

  get status(): Status {
    if (this.#phase === 'loading' || this.#phase === 'error') return this.#phase
    const { model, attempts } = this.core
    return statusOf(model, this.#held || this.missingResources.length > 0, (exec) => attempts.has(exec))
  }

  get persistence(): Persistence {
    if (this.#phase === 'error') return this.#failedPersistence
    return this.#journal?.persistence ?? loading
  }

  get missingResources(): readonly string[] {
    return this.#options.resources.missing()
  }

  get error(): Error | undefined {
    return this.#loadError ?? this.#fenced ?? this.#outcome.error
  }

  get result(): unknown {
    return this.core.model.run?.end?.result
  }

  get #active(): boolean {
    const { run } = this.core.model
    return run !== undefined && run.end === undefined
  }

  /** The same promise for everybody who waits for one run. */
  run(input: unknown): Promise<unknown> {
    return this.#begin(() => {
      if (this.#active) return
      const event = this.core.definition.options.start(input)
      this.#outcome.renew()
      this.progress = undefined
      const [emission] = this.core.emissions([event])
      this.core.append({ kind: 'started', run: this.#options.ids(), event: emission as Emission })
    })
  }

  retry(): Promise<unknown> {
    return this.#begin(() => {
      const end = this.core.model.run?.end
      if (end?.status !== 'failed' || end.exec === undefined)
        throw new SessionStateError(`there is no failed step to retry: the session is ${this.status}`)
      this.#outcome.renew()
      this.core.append({ kind: 'retried', exec: end.exec })
    })
  }

  #begin(action: () => void): Promise<unknown> {
    if (this.#phase === 'loading') {
      const later = this.ready.then(() => this.#begin(action))
      // As when it is loaded already: a run that nobody waits for may fail without a crash.
      later.catch(() => {})
      return later
    }
    try {
      this.#mustBeOpen()
      this.#held = false
      action()
    } catch (error) {
      return Promise.reject(error)
    }
    const { promise } = this.#outcome
    this.#scheduler.run()
    return promise
  }

  send(event: unknown, to: Target = {}): Promise<boolean> {
    const deliver = this.#inbox.accept(event, to)
    return this.#whenOpen(deliver)
  }

  reply(ask: string, data: unknown): Promise<boolean> {
    if (this.#phase === 'loading') return this.#whenOpen(() => this.reply(ask, data))
    const answer = this.#inbox.acceptReply(ask, data)
    return this.#whenOpen(answer)
  }

  cancel(reason?: string): void {
    this.#soon(() => {
      if (!this.#active && this.core.model.run?.end?.status !== 'stalled') return
      this.core.append({ kind: 'finished', status: 'cancelled', ...(reason !== undefined && { reason }) })
      this.#scheduler.run()
    })
  }

  pause(): void {
    this.#soon(() => {
      if (!this.core.model.paused) this.core.append({ kind: 'paused' })
      this.#scheduler.run()
    })
  }

  resume(): void {
    this.#soon(() => {
      this.#held = false
      if (this.core.model.paused) this.core.append({ kind: 'resumed' })
      this.#scheduler.run()
    })
  }

  reset(): void {
    this.#soon(() => {
      const { ids, initialState } = this.#options
      const reason = new CancelledError('the session was reset')
      this.#scheduler.stop(reason)
      this.core.append({ kind: 'reset', state: initialState, lineage: ids() })
      this.#outcome.reject(reason)
      this.#outcome.renew()
      this.progress = undefined
      this.changed()
    })
  }

  step(): Promise<boolean> {
    return this.#whenOpen(() => {
      this.#held = false
      return this.#scheduler.step()
    })
  }

  flush(): Promise<void> {
    return this.#phase === 'loading'
      ? this.ready.then(() => this.flush())
      : (this.#journal?.flush() ?? Promise.resolve())
  }

  toJSON(): unknown {
    const { definition, model } = this.core
    return {
      format: 1,
      workflow: definition.name,
      version: definition.version,
      id: this.#options.id,
      ...saveModel(model),
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shut())
  }

  async #shut(): Promise<void> {
    const error = new SessionClosedError(this.#options.id)
    const opened = this.#phase === 'open'
    this.#phase = 'closed'
    this.core.closed = error
    this.#loaded.reject(error)
    this.#scheduler.stop(error)
    this.#outcome.reject(error)
    this.streams.end(true)
    try {
      if (opened) await this.#journal?.close()
    } finally {
      this.#options.onClose()
      this.changed()
    }
  }

  /** After every record: who waits is woken, who watches is told. */
  #afterRecord(record: SessionRecord): void {
    if (record.kind === 'wrote' || record.kind === 'saw') return
    if (record.kind === 'answered') this.core.attempts.get(record.exec)?.points.answered(record.key)
    else for (const event of emitted(record)) this.#wakeWait(event)
    if (record.kind === 'opened' && record.event) this.streams.push(record.event as WorkflowEvent)
    if (record.kind === 'finished') this.#finished(record)
    this.changed()
  }

  #wakeWait({ answers }: Emission): void {
    if (answers) this.core.attempts.get(answers.exec)?.points.answered(answers.key)
  }

  #finished(record: Extract<SessionRecord, { kind: 'finished' }>): void {
    const { stop } = this.core.definition.options
    this.#scheduler.stop(this.#outcome.error ?? new CancelledError('the run is complete'))
    this.#outcome.settle()
    const { kind: _, seq: __, at: ___, status, ...data } = record
    this.streams.push(
      Object.freeze(status === 'completed' ? { type: stop.type, data: data.result } : { type: status, data }),
    )
    this.streams.end(false)
  }

  #resourcesChanged(): void {
    if (this.#phase !== 'open') return
    this.changed()
    this.#scheduler.run()
  }

  get orphans(): Orphan[] {
    return orphansOf(this.core)
  }

  events(follow: boolean): AsyncIterableIterator<WorkflowEvent> {
    const stream = this.streams.subscribe(follow)
    const over = this.#phase === 'closed' || (!follow && this.core.model.run?.end !== undefined)
    if (over) this.streams.end(false)
    return stream
  }

  subscribe(listener: () => void): () => void {
    return this.#announcer.subscribe(listener)
  }

  changed(): void {
    this.#announcer.announce()
  }

  #mustBeOpen(): void {
    if (this.#phase === 'closed') throw new SessionClosedError(this.#options.id)
    if (this.#phase === 'error') throw this.#loadError as Error
    if (this.#fenced) throw this.#fenced
  }

  /** Now, or once the session is loaded; when that fails, `ready` has said so. */
  #soon(action: () => void): void {
    if (this.#phase !== 'loading') this.#mustBeOpen()
    this.#whenOpen(action).catch(() => {})
  }

  async #whenOpen<T>(action: () => T | Promise<T>): Promise<T> {
    if (this.#phase === 'loading') await this.ready
    this.#mustBeOpen()
    return action()
  }
}
