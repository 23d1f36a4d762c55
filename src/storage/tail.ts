import { checksum } from './checksum'
import { FORMAT } from './format'
import { jsonText } from './json-text'
import { jsonSerializer } from './serializer'
import type { Serializer } from './serializer'

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

/** At most so many characters: a browser gives all sessions of an origin five million. */
const MOST = 262_144

/**
 * Puts the tail away as text, or as many of its first records as have room and follow each other (a long outage leaves a gap).
 * Returns whether all of them are there. The serializer must answer at once, with text or with what it was given.
 */
export function seal(
  serializer: Serializer,
  { records, ...about }: Omit<Tail, 'from'>,
  put: (text: string) => void,
): boolean {
  const from = records[0]?.seq ?? 0
  let kept = records.filter((it, index) => isRecord(it, from + index))
  try {
    let data = textOf(kept, serializer)
    while (typeof data === 'string' && data.length > MOST && kept.length > 1) {
      kept = kept.slice(0, kept.length >> 1)
      data = textOf(kept, serializer)
    }
    if (typeof data !== 'string' || data.length > MOST) return false
    const to = from + kept.length - 1
    put(JSON.stringify({ format: FORMAT, ...about, from, to, sum: checksum(data), data }))
    return kept.length === records.length
  } catch {
    return false
  }
}

/** The tail again; `undefined` when the text is none, or not whole. */
export async function unseal(serializer: Serializer, text: string): Promise<Tail | undefined> {
  try {
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
function textOf(records: unknown, serializer: Serializer): unknown {
  const data = serializer.serialize(records)
  if (typeof data === 'string') return data
  // Not compared with the records, because private values are no longer in it.
  const text = jsonText(data, refuse)
  return text === jsonText(serializer.serialize(data), refuse) ? text : data
}

function refuse(): never {
  throw new TypeError('it is no JSON')
}

function isRecord(value: unknown, seq: number): boolean {
  return (value as { readonly seq?: unknown } | null)?.seq === seq
}
