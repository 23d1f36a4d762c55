import type { Clock } from '../clock'
import { checksum } from './checksum'
import type { Serializer } from './serializer'
import { sizeOf } from './size'
import type { Durability, SessionStorage, StoredBatch, StoredShape } from './storage'
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

type Sealed = Pick<StoredBatch, 'at' | 'status' | 'data' | 'sum'>

/** Turns records and copies into storage calls: serialized, with checksum, epoch and time limit. */
export class Writer {
  readonly #deps: WriterDeps
  /** From now on nothing is sent, and what is under way never comes back. */
  stopped = false

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  append(records: readonly JournalRecord[], durability: Durability): Promise<Written> {
    const { storage, id } = this.#deps
    const from = records[0]!.seq
    const to = records.at(-1)!.seq
    return this.#write(to, records, (epoch, sealed) =>
      storage.append(id, epoch, { from, to, ...sealed }, { durability }),
    )
  }

  compact({ seq, value }: SessionCopy): Promise<Written> {
    const { storage, id, shape } = this.#deps
    return this.#write(seq, value, (epoch, sealed) =>
      storage.compact(id, epoch, { seq, ...sealed, ...shape }),
    )
  }

  async #write(
    seq: number,
    value: unknown,
    send: (epoch: number, sealed: Sealed) => Promise<void>,
  ): Promise<Written> {
    const { id, clock, serializer, timeout = 4000 } = this.#deps
    try {
      const at = clock.now()
      const status = this.#deps.status()
      const data = await serializer.serialize(value)
      const sum = typeof data === 'string' ? checksum(data) : 0
      const epoch = await this.#deps.epoch()
      if (!this.stopped)
        await withinLimit(clock, send(epoch, { at, status, data, sum }), timeout, `saving "${id}"`)
      return { seq, at, size: sizeOf(data) }
    } finally {
      // oxlint-disable-next-line no-unmodified-loop-condition -- close() sets it during the awaits above
      if (this.stopped) await new Promise(() => {})
    }
  }
}
