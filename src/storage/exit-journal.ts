import { checksum } from './checksum'
import { FORMAT } from './format'
import { jsonText } from './json-text'
import { jsonSerializer } from './serializer'
import type { Serializer } from './serializer'

/** What is needed of `localStorage`. Where there is no `key`, `engine.clear` looks at its own keys. */
export interface Box {
  readonly length?: number
  key?(index: number): string | null
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** The keys of what it holds, as far as it shows them. */
export function keysOf(box: Partial<Box>): string[] {
  return box.key
    ? Array.from({ length: Number(box.length) }, (_, at) => `${box.key?.(at)}`)
    : Object.keys(box)
}

/** Records that were on their way to storage when a page was left. */
export interface Tail {
  /** The epoch of the writer, or the one that it had found: the records continue what it has stored. */
  readonly epoch: number
  readonly from: number
  /** Up to here the writer knew the session to be stored. Where that is still stored, under any epoch, the records continue it. */
  readonly base: number
  /** The lineage of the session, because another session of that id may be as long. */
  readonly lineage: string
  readonly at: number
  /** Of the workflow whose code has left it. */
  readonly version: number
  readonly records: readonly { readonly seq: number }[]
}

export interface ExitOptions {
  /** Throws where it is forbidden. */
  readonly box: () => Box | undefined
  readonly key: string
  readonly serializer: Serializer
}

/** At most so many characters: a browser gives all sessions of an origin five million. */
const MOST = 262_144

/**
 * The last moments of a page, in a place that takes them at once: while a page is left, nothing else lands for sure in every
 * browser. It holds what the session's storage had not acknowledged, for the next page to store, and is empty at all other
 * times. A box that is full or forbidden has no other consequence.
 */
export class ExitJournal {
  readonly #options: ExitOptions

  constructor(options: ExitOptions) {
    this.#options = options
  }

  /**
   * Leaves the records, or as many of the first as have room and follow each other (a long outage leaves a gap). Returns
   * whether all of them are there. The serializer must answer at once, with text or with what it was given.
   */
  write({ records, ...about }: Omit<Tail, 'from'>): boolean {
    const { box, key } = this.#options
    const from = records[0]?.seq ?? 0
    let kept = records.filter((it, index) => isRecord(it, from + index))
    try {
      let data = this.#serialize(kept)
      while (typeof data === 'string' && data.length > MOST && kept.length > 1) {
        kept = kept.slice(0, kept.length >> 1)
        data = this.#serialize(kept)
      }
      const place = box()
      if (!place || typeof data !== 'string' || data.length > MOST) return false
      const sum = checksum(data)
      const to = from + kept.length - 1
      place.setItem(key, JSON.stringify({ format: FORMAT, ...about, from, to, sum, data }))
      return kept.length === records.length
    } catch {
      return false
    }
  }

  /** Whether what is left of this session goes up to that record already, or is by a newer leader. */
  reaches(seq: number, lineage: string, epoch: number): boolean {
    try {
      const { box, key } = this.#options
      const found = JSON.parse(box()?.getItem(key) ?? '{}') as Record<string, unknown>
      const { lineage: of, to, epoch: by } = found
      return Number(by) > epoch || (of === lineage && Number(to) >= seq)
    } catch {
      return false
    }
  }

  /** What a page has left; `undefined` when there is nothing, or it is not whole. */
  async read(): Promise<Tail | undefined> {
    try {
      const { box, key, serializer } = this.#options
      const text = box()?.getItem(key)
      if (typeof text !== 'string') return undefined
      const found = JSON.parse(text) as Record<string, unknown>
      const { format, version, epoch, from, base, lineage, at, sum, data } = found
      if (format !== FORMAT || typeof data !== 'string' || checksum(data) !== sum) return undefined
      const read = await serializer.deserialize(data)
      const records = read === data ? jsonSerializer.deserialize(data) : read
      const whole = Array.isArray(records) && records.every((it, index) => isRecord(it, Number(from) + index))
      if (!whole || ![version, epoch, from, at].every(Number.isSafeInteger)) return undefined
      return { version, epoch, from, base, lineage, at, records } as Tail
    } catch {
      return undefined
    }
  }

  /** What a serializer leaves as it is, for a storage that holds more than text, is nearly always JSON. Throws when it is not. */
  #serialize(records: unknown): unknown {
    const { serializer } = this.#options
    const data = serializer.serialize(records)
    if (typeof data === 'string') return data
    // Not compared with the records, because private values are no longer in it.
    const text = jsonText(data)
    return text === jsonText(serializer.serialize(data)) ? text : data
  }

  clear(): void {
    try {
      this.#options.box()?.removeItem(this.#options.key)
    } catch {
      // The box is forbidden, so there is nothing in it either.
    }
  }
}

function isRecord(value: unknown, seq: number): boolean {
  return (value as { readonly seq?: unknown } | null)?.seq === seq
}
