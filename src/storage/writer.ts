import type { Clock } from '../clock'
import { sumOf } from './checksum'
import { storedRun } from './cutting'
import type { Parted } from './cutting'
import { BYTES_FORMAT } from './format'
import type { Part, Run } from './part'
import type { Serializer } from './serializer'
import { serialized } from './serialized'
import { sizeOf } from './size'
import type { Durability, SessionStorage, StoredBatch, StoredPartInfo, StoredShape } from './storage'
import { withinLimit } from './time-limit'

/** What storing needs of a record. Sequence numbers rise by one, from the stored one on. */
export interface JournalRecord {
  readonly seq: number
}

/** A session at a sequence number. The value must not change any more. */
export interface SessionCopy {
  readonly seq: number
  readonly value: unknown
  /** Of a copy without the history that the session has: called when it is stored in place of what storage has refused. */
  readonly taken?: (() => void) | undefined
}

/** What got stored. */
export interface Written {
  readonly seq: number
  /** When it was taken from the session, in milliseconds since 1970. */
  readonly at: number
  readonly size: number
  readonly sum: number
}

/** What writing a session takes. */
export interface WriterDeps {
  readonly storage: SessionStorage
  readonly id: string
  readonly clock: Clock
  readonly serializer: Serializer
  readonly shape: StoredShape
  /** Whether parts that are text are stored as bytes. */
  readonly bytes?: boolean
  /** The limit of one storage call, in milliseconds. Default: 4,000. */
  readonly timeout?: number
  /** The writer's epoch. Asked at every write, so that a claim may wait for the first write. */
  epoch(): number | Promise<number>
  /** The session's status now. */
  status(): string
}

type Sealed = Pick<StoredBatch, 'at' | 'status' | 'data' | 'sum'>

/** Turns records and copies into storage calls: serialized, with checksum, epoch and time limit. */
export class Writer {
  readonly #deps: WriterDeps
  /** Once set, nothing is sent, and what is under way never settles. */
  stopped = false

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  append(records: readonly JournalRecord[], durability: Durability): Promise<Written> {
    const { storage, id, shape } = this.#deps
    const from = records[0]!.seq
    const to = records.at(-1)!.seq
    return this.#write(to, records, (epoch, sealed) =>
      storage.append(id, epoch, { from, to, ...sealed, format: shape.format }, { durability }),
    )
  }

  /** Whether a snapshot may be stored in parts. */
  get keepsParts(): boolean {
    return this.#deps.storage.keepPart !== undefined
  }

  async epoch(): Promise<number> {
    return this.#deps.epoch()
  }

  /** Stores a part of a snapshot that is to come. */
  async keep(epoch: number, n: number, run: Run): Promise<Part> {
    const { storage, id, bytes } = this.#deps
    const send = async (_: number, { data }: Sealed): Promise<void> =>
      storage.keepPart?.(id, epoch, [n, data])
    const { size, sum } = await this.#write(0, storedRun(run), send, bytes)
    // A value that is neither text nor bytes has no known size.
    return { ...run, n, size: size || run.weight, sum }
  }

  /** Stores a snapshot, whole or as the rest beside its parts. `newest` is the highest number that a part ever had. */
  async compact(
    epoch: number,
    { seq, value }: SessionCopy,
    newest: number,
    parted: Parted | undefined,
  ): Promise<Written> {
    const { storage, id, shape, bytes } = this.#deps
    const parts = parted?.parts.map(infoOf) ?? []
    const rest = parted ? { value: parted.value, places: parted.places } : value
    const written = await this.#write(seq, rest, (_, sealed) =>
      storage.compact(id, epoch, {
        ...{ seq, ...sealed, ...shape },
        ...(parted && { parts }),
        ...(parted && bytes && { format: BYTES_FORMAT }),
        ...(newest > 0 && { newestPart: newest }),
      }),
    )
    return { ...written, size: parts.reduce((sum, [, size]) => sum + size, written.size) }
  }

  async #write(
    seq: number,
    value: unknown,
    send: (epoch: number, sealed: Sealed) => Promise<void>,
    bytes = false,
  ): Promise<Written> {
    const { id, clock, timeout = 4000 } = this.#deps
    try {
      const at = clock.now()
      const status = this.#deps.status()
      const made = await serialized(this.#deps, value, `"${id}"`)
      // Stored as nothing, the value would count as saved, and be missing at the next load.
      if (made === undefined) throw new TypeError('the serializer returned nothing')
      const data = bytes && typeof made === 'string' ? new TextEncoder().encode(made) : made
      const sum = sumOf(data)
      const epoch = await this.#deps.epoch()
      if (!this.stopped)
        await withinLimit(clock, send(epoch, { at, status, data, sum }), timeout, `save of session "${id}"`)
      return { seq, at, size: sizeOf(data), sum }
    } finally {
      // oxlint-disable-next-line no-unmodified-loop-condition -- close() sets it during the awaits above
      if (this.stopped) await new Promise(() => {})
    }
  }
}

function infoOf({ n, size, sum, keys, apart, values }: Part): StoredPartInfo {
  return keys || apart.length > 0 ? [n, size, sum] : [n, size, sum, values.length]
}
