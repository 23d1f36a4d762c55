import { TimeoutError, type DogearError } from '../errors'
import { StaleEpochError, StorageError } from '../storage-errors'
import { Alarm } from './alarm'
import { afterBurst, forget, isInBurst, writeSoon } from './burst'
import { Compacting } from './compacting'
import type { JournalDeps } from './journal-deps'
import { BACKLOG, Outage } from './outage'
import type { Persistence, PersistenceStatus } from './persistence'
import type { Durability } from './storage'
import { storageError } from './storage-error'
import { Waiters } from './waiters'
import { Writer, type JournalRecord, type SessionCopy, type Written } from './writer'

/** A burst of more records is written in pieces, because the garbage collector copies waiting records again and again. */
const FULL = 600

/**
 * The way from a session to its storage. Records are queued and written behind: the records of one burst of work are one
 * batch, stored as one value (several, when the burst is long). There is one write at a time; what arrives meanwhile joins the
 * next batch. So what is stored is always a beginning of what happened. Trouble never reaches the session: records stay
 * queued, in order, `persistence` says so, and the write is tried again.
 */
export class Journal {
  readonly #deps: JournalDeps
  readonly #writer: Writer
  readonly #compacting: Compacting
  readonly #waiters = new Waiters()
  #persistence: Persistence
  /** Pushed and not cut into a batch yet. */
  #pending: JournalRecord[] = []
  #durability: Durability = 'relaxed'
  /** Cut, and tried unchanged until acknowledged, so that a try that was given up and lands late is recognised. */
  #batch: { readonly records: readonly JournalRecord[]; readonly durability: Durability } | undefined
  /** A copy that must be stored before anything else, because the records that it covers are gone. */
  #owed: SessionCopy | undefined
  #pushed: number
  /** The newest of them that is no field edit. */
  #firm: number
  #durable: number
  /** Up to here records are in a snapshot that was tried, and may land any time: they must stay as they are. */
  #copied = 0
  #urgent = false
  #busy = false
  readonly #alarm: Alarm
  readonly #outage = new Outage()
  #closing: Promise<void> | undefined

  constructor(deps: JournalDeps) {
    this.#deps = deps
    this.#writer = new Writer(deps)
    this.#compacting = new Compacting(deps, this.#writer, this)
    const mayWait = (): boolean =>
      !this.#busy && !this.#urgent && !this.#writer.stopped && this.#pending.length > 0
    this.#alarm = new Alarm(deps.clock, mayWait, () => {
      this.#urgent = true
      this.write()
    })
    this.#pushed = this.#firm = this.#durable = deps.stored?.seq ?? 0
    this.#persistence = Object.freeze({ status: 'saved', savedAt: deps.stored?.savedAt })
  }

  get unclaimed(): boolean {
    return this.#deps.unclaimed?.() === true
  }

  get persistence(): Persistence {
    return this.#persistence
  }

  /**
   * Queues a record. `strict`: written at the end of the present burst of work. `relaxed`: 150 ms after the last one,
   * at most 1 s after the first. Pushing the open record once more, after extending it, moves that moment.
   */
  push(record: JournalRecord, durability: Durability): void {
    // All there is to do for one more edit of the open record, as for each token of a stream.
    if (durability === 'relaxed' && this.#outage.failures === 0 && this.#pending.at(-1) === record)
      return this.#alarm.putOff()
    this.#pushed = record.seq
    if (this.#writer.stopped) return
    if (this.#pending.length === 0) this.#alarm.begin()
    if (this.#pending.at(-1) !== record) this.#pending.push(record)
    if (durability === 'strict') {
      this.#durability = durability
      this.#urgent = true
      this.#firm = record.seq
    }
    if (this.#persistence.status === 'saved') this.#show('saving')
    if (this.#busy) return
    if (this.#outage.failures > 0) this.#hurry(this.#deps.clock.now())
    else if (this.#urgent) this.#schedule()
    else this.#alarm.putOff()
  }

  /** Whether the record is the last one and has not been handed on: then it may be extended in place. */
  isOpen(record: JournalRecord): boolean {
    return this.#pending.at(-1) === record && record.seq > this.#copied
  }

  /** Writes everything pushed so far. Rejects with the storage's error when that fails. */
  flush(): Promise<void> {
    const seq = this.#pushed
    return new Promise((resolve, reject) => {
      if (this.#durable >= seq && !this.#owed) return resolve()
      if (this.#writer.stopped)
        return reject(this.#persistence.error ?? new StorageError('the session is closed'))
      this.#waiters.add({ seq, resolve, reject })
      this.#urgent = true
      void this.#pump()
    })
  }

  /** The session has lived elsewhere until now: a copy is stored before anything else. */
  owe(copy: SessionCopy = this.copy()): void {
    this.#shorten(copy)
    this.#pushed = this.#firm = copy.seq
    this.#compacting.gone = true
    this.#show('saving')
    this.#schedule()
  }

  /**
   * Resolves when everything up to `seq` is stored (without it all but the newest field edits, which nobody waits for), or
   * when storage is in trouble: waiting would stop the flow.
   */
  durable(seq: number = this.#firm): Promise<void> {
    return new Promise((resolve) => {
      if (this.#durable >= seq || this.#outage.failures > 0) resolve()
      else this.#waiters.add({ seq, resolve, reject: () => resolve() })
    })
  }

  /** Flushes, then stops for good. Rejects like `flush`, and is closed all the same. May be called twice. */
  close(): Promise<void> {
    return (this.#closing ??= this.flush()
      .then(() => this.#end())
      .finally(() => this.abandon()))
  }

  /** When sessions are always closed before an idle moment, as for each request to a server, their journals would grow for ever. */
  #end(): Promise<void> | undefined {
    if (this.#writer.stopped || !this.#compacting.hurry()) return undefined
    void this.#pump()
    return this.durable(Infinity)
  }

  /** Stops at once, like a killed page: nothing more is sent. Without a reason, whoever waits gets no answer. */
  abandon(reason?: Error): void {
    this.#writer.stopped = true
    forget(this)
    this.#alarm.clear()
    if (reason) this.#waiters.failed(reason)
  }

  /** The claim, with which all writing begins, was made or has failed. Shown even when there is nothing to write. */
  claimed(error?: unknown): void {
    if (error !== undefined) return this.#outage.failures > 0 ? undefined : this.#fail(error)
    if (this.#outage.failures === 0) return
    this.write()
    if (!this.#busy) this.#succeed({ seq: this.#durable, at: this.#persistence.savedAt })
  }

  /** The number up to which everything is stored. */
  get stored(): number {
    return this.#durable
  }

  /** The records that are not known to be stored, in order; a copy that is owed comes before them. */
  unacknowledged(): readonly JournalRecord[] {
    return [...(this.#batch?.records ?? []), ...this.#pending]
  }

  /** Not at once: a chain of steps that runs through in one go becomes one batch. */
  #schedule(): void {
    if (this.#pending.length === FULL) writeSoon(this)
    afterBurst(this)
  }

  /** The burst is over, or a piece of a snapshot is due. */
  write(): void {
    void this.#pump()
  }

  #hurry(now: number): void {
    if (this.#pending.length > BACKLOG) this.#shorten(this.copy())
    if (this.#outage.hurries(now)) this.#schedule()
  }

  /** One copy takes the place of all records that wait. */
  #shorten(copy: SessionCopy): void {
    this.#pending = []
    this.#owed = copy
  }

  /** The writer's turns: one at a time, until nothing is due. */
  async #pump(): Promise<void> {
    if (this.#busy || this.#writer.stopped) return
    this.#busy = true
    this.#alarm.clear()
    try {
      // There is no await between the last check for due work and the end, so what is pushed later starts a new pump.
      for (let turn = this.#turn(); turn; turn = this.#next()) await turn
      if (this.#pending.length > 0) this.#alarm.set()
    } catch (thrown) {
      const reason = await this.#instead(storageError(thrown)).catch(storageError)
      const error = this.#deps.remedied ? await this.#deps.remedied(reason) : reason
      if (error === undefined) this.#schedule()
      else this.#fail(error)
    }
    this.#busy = false
  }

  /** Stores the session as it is in place of what storage has refused twice. Resolves with the error when that fails. */
  async #instead(error: DogearError): Promise<DogearError | undefined> {
    const owed = this.#owed
    const refused = owed?.seq ?? this.#batch?.records.at(-1)?.seq ?? 0
    const isHopeless = error instanceof StaleEpochError || error instanceof TimeoutError || this.unclaimed
    if (isHopeless || this.#outage.failures === 0) return error
    const written = await this.#compacting.instead(refused, this.#outage.failures)
    if (written === undefined) return error
    this.#compacted(written, owed)
    return undefined
  }

  /** The next turn after a write. It waits for a burst that goes on, until the burst is over or has brought much again. */
  #next(): Promise<void> | undefined {
    return isInBurst(this) && this.#pending.length < FULL ? undefined : this.#turn()
  }

  /** One write, when one is due. */
  #turn(): Promise<void> | undefined {
    if (this.#owed) return this.#compact(this.#owed)
    if (this.#batch || (this.#urgent && this.#pending.length > 0)) return this.#append()
    return this.#compacting.due ? this.#shrink() : undefined
  }

  async #append(): Promise<void> {
    if (this.#batch === undefined) {
      this.#batch = { records: this.#pending, durability: this.#durability }
      this.#pending = []
      this.#durability = 'relaxed'
      this.#urgent = false
    }
    const written = await this.#writer.append(this.#batch.records, this.#batch.durability)
    this.#batch = undefined
    this.#succeed(written)
    this.#compacting.add(written.size)
  }

  copy(brief?: boolean): SessionCopy {
    const copy = this.#deps.snapshot(brief)
    // The copy holds the open record as it is now, so what is typed from here on needs a new record.
    this.#copied = copy.seq
    return copy
  }

  async #shrink(): Promise<void> {
    const written = await this.#compacting.step()
    if (written) this.#compacted(written)
    if (this.#closing) this.#waiters.stored(Infinity)
  }

  async #compact(copy: SessionCopy): Promise<void> {
    this.#compacted(await this.#compacting.store(copy), copy)
  }

  #compacted(written: Written, owed?: SessionCopy): void {
    // Another copy may be owed by now.
    if (this.#owed === owed) this.#owed = undefined
    if (this.#batch && this.#batch.records.at(-1)!.seq <= written.seq) this.#batch = undefined
    this.#pending = this.#pending.filter((it) => it.seq > written.seq)
    this.#succeed(written)
  }

  #succeed({ seq, at }: { readonly seq: number; readonly at: number | undefined }): void {
    this.#outage.failures = 0
    this.#durable = Math.max(this.#durable, seq)
    this.#show(this.#durable < this.#pushed ? 'saving' : 'saved', undefined, at)
    this.#waiters.stored(this.#durable)
  }

  #fail(thrown: unknown): void {
    const error = storageError(thrown)
    const outdated = error instanceof StaleEpochError
    const pause = this.#outage.pause()
    if (outdated) this.abandon()
    else if (this.#owed || this.#durable < this.#pushed) this.#alarm.set(pause)
    this.#show(outdated ? 'outdated' : 'unsaved', error)
    this.#waiters.failed(error)
    if (this.#outage.failures === 1 || outdated) this.#deps.onError(error)
  }

  #show(status: PersistenceStatus, error?: Error, savedAt = this.#persistence.savedAt): void {
    this.#persistence = Object.freeze({ status, savedAt, error })
    this.#deps.onChange()
  }
}
