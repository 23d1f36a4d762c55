import type { Clock } from '../clock'
import { DogearError, StorageError } from '../errors'
import { checksum } from './checksum'
import { sizeOf } from './head'
import type { Serializer } from './serializer'
import type { SessionStorage, StoredBatch, StoredShape } from './storage'
import { withinLimit } from './time-limit'

/** What storing needs of a record. Sequence numbers rise by one, from the stored one on. */
export interface JournalRecord {
  readonly seq: number
}

/** A session at a sequence number. The value must not change any more. */
export interface SessionCopy {
  readonly seq: number
  readonly value: unknown
}

/** Records that are stored together. The same object at every try: what lands late must be known again. */
export interface Batch {
  readonly records: readonly JournalRecord[]
  readonly from: number
  readonly to: number
  readonly strict: boolean
  /** Made at the first try. */
  sealed?: Omit<StoredBatch, 'epoch'>
}

/** What got stored. */
export interface Written {
  readonly seq: number
  /** When it was taken from the session, in milliseconds since 1970. */
  readonly at: number
  readonly size: number
}

/** What writing a session takes. */
export interface WriterDeps {
  readonly storage: SessionStorage
  readonly id: string
  readonly clock: Clock
  readonly serializer: Serializer
  readonly shape: StoredShape
  /** The limit of one storage call, in milliseconds. Default: 4,000. */
  readonly timeout?: number
  /** Who writes. Asked at every write, so that a claim may wait for the first one. */
  epoch(): number | Promise<number>
  /** The session's status now. */
  status(): string
}

/** Turns batches and copies into storage calls: sealed, with the epoch, a time limit and one family of errors. */
export class Writer {
  readonly #deps: WriterDeps
  #stopped = false

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  /** From now on nothing is sent, and what is under way never comes back. */
  stop(): void {
    this.#stopped = true
  }

  append(batch: Batch): Promise<Written> {
    const { storage, id } = this.#deps
    const durability = batch.strict ? 'strict' : 'relaxed'
    return this.#guard(async () => {
      const { from, to } = batch
      batch.sealed ??= { from, to, ...(await this.#seal(batch.records)) }
      const stored = { ...batch.sealed, epoch: await this.#epoch() }
      await this.#call('append', () => storage.append(id, stored, { durability }))
      return { seq: to, at: stored.at, size: sizeOf(stored.data) }
    })
  }

  compact({ seq, value }: SessionCopy): Promise<Written> {
    const { storage, id, shape } = this.#deps
    return this.#guard(async () => {
      const sealed = await this.#seal(value)
      const snapshot = { ...shape, seq, ...sealed, epoch: await this.#epoch() }
      await this.#call('compact', () => storage.compact(id, snapshot))
      return { seq, at: sealed.at, size: sizeOf(sealed.data) }
    })
  }

  async #seal(value: unknown): Promise<Pick<StoredBatch, 'at' | 'status' | 'data' | 'sum'>> {
    const { clock, serializer } = this.#deps
    const about = { at: clock.now(), status: this.#deps.status() }
    const data = await serializer.serialize(value)
    return typeof data === 'string' ? { ...about, data, sum: checksum(data) } : { ...about, data }
  }

  #epoch(): Promise<number> {
    return this.#call('claim', async () => this.#deps.epoch())
  }

  async #call<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (this.#stopped) return never()
    const { clock, timeout = 4000, id } = this.#deps
    return withinLimit(clock, call(), timeout, `${what} of session "${id}"`)
  }

  /** Callers branch on `code`, so whatever a storage or serializer throws becomes an error that has one. */
  async #guard(work: () => Promise<Written>): Promise<Written> {
    try {
      const written = await work()
      return this.#stopped ? await never() : written
    } catch (error) {
      if (this.#stopped) return never()
      if (error instanceof DogearError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new StorageError(`session "${this.#deps.id}" was not stored: ${reason}`, { cause: error })
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
