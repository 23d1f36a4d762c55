import {
  CancelledError,
  EventNotAcceptedError,
  SessionClosedError,
  SessionStateError,
  StalledError,
  UnknownStepError,
} from '../errors'
import type { Persistence } from '../storage/persistence'
import type { WorkflowEvent } from '../workflow/event'
import { Core, type CoreOptions, type RecordSink } from './core'
import { deferred, type Deferred } from './deferred'
import { endError } from './failure'
import type { Execution, Model, Point } from './model'
import type { Emission, SessionRecord } from './record'
import { saveModel } from './saved-model'
import { Scheduler } from './scheduler'
import type { Progress, Resumed, Target } from './session'
import { isWaiting, statusOf, type Status } from './status'
import { Streams } from './stream'

/** Where the session's records go, with what the session shows of it. */
export interface Journaling extends RecordSink {
  readonly persistence: Persistence
  flush(): Promise<void>
  close(): Promise<void>
  abandon(): void
}

export type LiveOptions = Omit<CoreOptions, 'onRecord' | 'onStream' | 'onProgress'> & {
  /** Called once, when the session is closed. */
  readonly onClose: () => void
}

const loading: Persistence = Object.freeze({ status: 'saved' })

/** A session at work: the core with its scheduler, its promises, and what it shows. */
export class LiveSession {
  readonly core: Core
  readonly streams: Streams = new Streams()
  private readonly options: LiveOptions
  private readonly scheduler: Scheduler
  private readonly loaded: Deferred<void> = deferred()
  private readonly listeners = new Set<() => void>()
  private journal: Journaling | undefined
  private phase: 'loading' | 'error' | 'open' | 'closed' = 'loading'
  private loadError: Error | undefined
  private pending: Deferred<unknown> | undefined
  private closing: Promise<void> | undefined
  progress: Progress | undefined
  resumed: Resumed = Object.freeze({ found: false })

  constructor(options: LiveOptions) {
    this.options = options
    this.core = new Core({
      ...options,
      onRecord: (record) => this.recorded(record),
      onStream: (event) => this.streams.push(event),
      onProgress: (progress) => {
        this.progress = Object.freeze(progress)
        this.changed()
      },
    })
    this.core.early = []
    this.core.ready = () => this.phase === 'open' && this.missingResources.length === 0
    this.scheduler = new Scheduler(this.core)
    options.resources.subscribe(() => this.resourcesChanged())
  }

  get ready(): Promise<void> {
    return this.loaded.promise
  }

  /** What was read is here: early writes go on top of it, and interrupted work goes on. */
  attach(model: Model, journal: Journaling, resumed: Resumed, autoResume: boolean): void {
    if (this.phase !== 'loading' && this.phase !== 'error') return journal.abandon()
    const { core } = this
    const early = core.early ?? []
    core.early = undefined
    core.model = model
    core.sink = this.journal = journal
    this.phase = 'open'
    this.loadError = undefined
    this.resumed = Object.freeze(resumed)
    if (early.length > 0) core.write(early)
    if (model.tree.pending) model.tree.flush()
    this.recordInterruptions()
    if (!autoResume && this.active) core.append({ kind: 'paused' })
    this.loaded.resolve()
    this.changed()
    this.scheduler.run()
  }

  /** It could not be read. Nothing is ever written; a later `attach` may still bring it. */
  refuse(error: Error): void {
    this.phase = 'error'
    this.loadError = error
    this.loaded.reject(error)
    this.changed()
  }

  /** Like a killed page: nothing lands, nothing settles any more. */
  crash(): void {
    this.core.closed = 'crashed'
    this.journal?.abandon()
    this.scheduler.halt()
    this.options.onClose()
  }

  /** What a crash or reload cut off is rolled back, as a record of its own. Waiting alone is no interruption. */
  private recordInterruptions(): void {
    const { core } = this
    if (core.model.run === undefined || core.model.run.end) return
    const uncommitted = new Set(core.model.log.map((it) => it.exec))
    const cut = [...core.model.execs.values()].filter(
      (it) => uncommitted.has(it.id) || it.entries.length > it.committed || !isWaiting(it, false),
    )
    if (cut.length > 0) core.append({ kind: 'interrupted', execs: cut.map((it) => it.id) })
  }

  get status(): Status {
    if (this.phase === 'loading' || this.phase === 'error') return this.phase
    const { model, attempts } = this.core
    return statusOf(model, this.missingResources.length > 0, (exec) => attempts.has(exec))
  }

  get persistence(): Persistence {
    if (this.phase === 'error') return { status: 'error', error: this.loadError }
    return this.journal?.persistence ?? loading
  }

  get missingResources(): readonly string[] {
    return this.options.resources.missing()
  }

  get error(): Error | undefined {
    return this.loadError ?? this.endError()
  }

  get result(): unknown {
    return this.core.model.run?.end?.result
  }

  private get active(): boolean {
    const { run } = this.core.model
    return run !== undefined && run.end === undefined
  }

  async run(input: unknown): Promise<unknown> {
    if (this.phase === 'loading') await this.ready
    this.mustBeOpen()
    if (!this.active) {
      const { start } = this.core.definition.options
      const event = start(input)
      const [emission] = this.core.emissions([event])
      this.pending = undefined
      this.progress = undefined
      this.core.append({ kind: 'started', run: this.options.ids(), event: emission as Emission })
    }
    const outcome = this.outcome()
    this.scheduler.run()
    return outcome
  }

  async retry(): Promise<unknown> {
    if (this.phase === 'loading') await this.ready
    this.mustBeOpen()
    const end = this.core.model.run?.end
    if (end?.status !== 'failed' || end.exec === undefined)
      throw new SessionStateError(`there is no failed step to retry: the session is ${this.status}`)
    this.pending = undefined
    this.core.append({ kind: 'retried', exec: end.exec })
    const outcome = this.outcome()
    this.scheduler.run()
    return outcome
  }

  send(value: unknown, to: Target = {}): Promise<boolean> {
    const { core } = this
    const known = [...core.definition.eventsByType.values()]
    const event = core.genuine(
      value as WorkflowEvent,
      known,
      `session.send of workflow "${core.definition.name}"`,
    )
    if (to.ask !== undefined)
      return this.whenOpen(() => this.answer(to.ask as string, event.type, event.data))
    if (to.step !== undefined) this.mustAccept(to.step, event.type)
    return this.whenOpen(() => this.deliver(event, to.step))
  }

  reply(ask: string, data: unknown): Promise<boolean> {
    if (this.phase === 'loading') return this.whenOpen(() => this.reply(ask, data))
    const open = this.findAsk(ask)
    if (open === undefined) return Promise.resolve(false)
    const value = this.core.replyData(open.point.reply as string, data)
    return this.whenOpen(() => this.answer(ask, open.point.reply as string, value))
  }

  cancel(reason?: string): void {
    void this.whenOpen(() => {
      if (!this.active && this.core.model.run?.end?.status !== 'stalled') return
      this.core.append({ kind: 'finished', status: 'cancelled', ...(reason !== undefined && { reason }) })
      this.scheduler.run()
    })
  }

  pause(): void {
    void this.whenOpen(() => {
      if (!this.core.model.paused) this.core.append({ kind: 'paused' })
      this.scheduler.run()
    })
  }

  resume(): void {
    void this.whenOpen(() => {
      if (this.core.model.paused) this.core.append({ kind: 'resumed' })
      this.scheduler.run()
    })
  }

  reset(): void {
    void this.whenOpen(() => {
      const { ids, initialState } = this.options
      this.scheduler.stop(new CancelledError('the session was reset'))
      this.core.append({ kind: 'reset', state: initialState, lineage: ids() })
      this.pending?.reject(new CancelledError('the session was reset'))
      this.pending = undefined
      this.progress = undefined
      this.changed()
    })
  }

  step(): Promise<boolean> {
    return this.whenOpen(() => this.scheduler.step())
  }

  flush(): Promise<void> {
    return this.phase === 'loading'
      ? this.ready.then(() => this.flush())
      : (this.journal?.flush() ?? Promise.resolve())
  }

  toJSON(): unknown {
    const { definition, model } = this.core
    return {
      format: 1,
      workflow: definition.name,
      version: definition.version,
      id: this.options.id,
      ...saveModel(model),
    }
  }

  close(): Promise<void> {
    return (this.closing ??= this.shut())
  }

  private async shut(): Promise<void> {
    const error = new SessionClosedError(this.options.id)
    const opened = this.phase === 'open'
    this.phase = 'closed'
    this.core.closed = error
    this.loaded.reject(error)
    this.scheduler.stop(error)
    this.pending?.reject(error)
    this.streams.end(true)
    try {
      if (opened) await this.journal?.close()
    } finally {
      this.options.onClose()
      this.changed()
    }
  }

  findAsk(id: string): { readonly exec: Execution; readonly point: Point } | undefined {
    return this.core
      .openWaits()
      .find(({ exec, point }) => point.type === 'ask' && this.core.key(exec.id, point.key) === id)
  }

  private answer(ask: string, type: string, value: unknown): boolean {
    const open = this.findAsk(ask)
    if (open === undefined || open.point.reply !== type || !this.active) return false
    const { exec, point } = open
    this.core.append({
      kind: 'answered',
      exec: exec.id,
      key: point.key,
      ...(value !== undefined && { value }),
    })
    this.scheduler.run()
    return true
  }

  private deliver(event: WorkflowEvent, step: string | undefined): boolean {
    const extra = step === undefined ? undefined : { to: [step] }
    const [emission] = this.core.emissions([event], () => extra, true)
    const run = this.core.model.run
    const running = run !== undefined && (run.end === undefined || run.end.status === 'stalled')
    if (emission === undefined || !running || (emission.to.length === 0 && !emission.answers)) return false
    this.core.append({ kind: 'sent', event: emission })
    this.scheduler.run()
    return true
  }

  private mustAccept(step: string, type: string): void {
    const { stepsByName } = this.core.definition
    const found = stepsByName.get(step)
    if (found === undefined) throw new UnknownStepError(step, [...stepsByName.keys()])
    const types = found.on.map((it) => it.type)
    if (!types.includes(type)) throw new EventNotAcceptedError(type, step, types)
  }

  /** The promise of the run that is going on, or of how the last one ended: the same for everybody. */
  private outcome(): Promise<unknown> {
    if (this.pending === undefined) {
      this.pending = deferred()
      this.settle()
    }
    return this.pending.promise
  }

  private settle(): void {
    const end = this.core.model.run?.end
    if (end === undefined) return
    if (end.status === 'completed') this.pending?.resolve(end.result)
    else this.pending?.reject(this.endError() as Error)
  }

  private endError(): Error | undefined {
    const end = this.core.model.run?.end
    if (end === undefined || end.status === 'completed') return undefined
    return endError(end, () => {
      if (end.status === 'cancelled') return new CancelledError(end.reason)
      return end.status === 'stalled' ? new StalledError(end.unconsumed ?? []) : undefined
    })
  }

  /** After every record: who waits is woken, who watches is told. */
  private recorded(record: SessionRecord): void {
    if (record.kind === 'wrote' || record.kind === 'saw') return
    if (record.kind === 'answered') this.core.attempts.get(record.exec)?.points.answered(record.key)
    else for (const event of emitted(record)) this.wakeWait(event)
    if (record.kind === 'opened' && record.event) this.streams.push(record.event as WorkflowEvent)
    if (record.kind === 'finished') this.finished(record)
    this.changed()
  }

  private wakeWait({ answers }: Emission): void {
    if (answers) this.core.attempts.get(answers.exec)?.points.answered(answers.key)
  }

  private finished(record: Extract<SessionRecord, { kind: 'finished' }>): void {
    const { stop } = this.core.definition.options
    const error = this.endError()
    this.scheduler.stop(error ?? new CancelledError('the run is complete'))
    this.settle()
    const { kind: _, seq: __, at: ___, status, ...data } = record
    this.streams.push(
      Object.freeze(status === 'completed' ? { type: stop.type, data: data.result } : { type: status, data }),
    )
    this.streams.end(false)
  }

  private resourcesChanged(): void {
    if (this.phase !== 'open') return
    this.changed()
    this.scheduler.run()
  }

  /** Work for steps that are not in the workflow any more. */
  get orphans(): readonly { readonly step: string; readonly event: WorkflowEvent }[] {
    const { core } = this
    const queued = [...core.model.queues].flatMap(([step, queue]) =>
      queue.toArray().map((event) => ({ step, event })),
    )
    const begun = [...core.model.execs.values()].flatMap(({ step, events }) =>
      events.map((event) => ({ step, event })),
    )
    return [...begun, ...queued]
      .filter(({ step }) => core.step(step) === undefined)
      .map(({ step, event: { type, data } }) => ({ step, event: { type, data } }))
  }

  events(follow: boolean): AsyncIterableIterator<WorkflowEvent> {
    const stream = this.streams.subscribe(follow)
    const over = this.phase === 'closed' || (!follow && this.core.model.run?.end !== undefined)
    if (over) this.streams.end(false)
    return stream
  }

  subscribe(listener: () => void): () => void {
    // A function of its own, so that one listener may come twice and leave once.
    const own = (): void => listener()
    this.listeners.add(own)
    return () => this.listeners.delete(own)
  }

  changed(): void {
    for (const listener of this.listeners) listener()
  }

  private mustBeOpen(): void {
    if (this.phase === 'closed') throw new SessionClosedError(this.options.id)
    if (this.phase === 'error') throw this.loadError as Error
  }

  private async whenOpen<T>(action: () => T | Promise<T>): Promise<T> {
    if (this.phase === 'loading') await this.ready
    this.mustBeOpen()
    return action()
  }
}

/** The events that a record puts on their way. */
function emitted(record: SessionRecord): readonly Emission[] {
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
