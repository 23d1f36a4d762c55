import { partOf } from './bytes'
import { sumOf } from './checksum'
import { assembled } from './assembly'
import type { Assembled } from './assembly'
import { BYTES_FORMAT } from './format'
import { LatePart, type Unread } from './late-part'
import { mustBeKnown, mustBeWhole, Refusal, unreadable } from './refusal'
import { decoded } from './stored-value'
import { jsonSerializer, type Serializer } from './serializer'
import { sizeOf } from './size'
import type { StoredParts } from './snapshots'
import type { SessionStorage, StoredHead, StoredPartInfo, StoredSession } from './storage'

/** Called with a list that is read late, before anybody else sees it. */
type Late = (list: unknown[]) => void

/** The sizes of a session's stored data. */
export interface StoredSizes {
  /** The newest sequence number. */
  readonly seq: number
  readonly savedAt: number
  /** The size of the snapshot; 0 when there is none. */
  readonly snapshot: number
  /** The size of the batches after it, together. */
  readonly journal: number
  /** How many batches those are. */
  readonly batches: number
}

/** A session as it was stored. */
export interface Loaded {
  readonly head: StoredHead
  readonly snapshot?: { readonly seq: number; readonly at: number; readonly value: unknown }
  /** The records after the snapshot, one for each sequence number up to `head.seq`. Not validated. */
  readonly records: readonly unknown[]
  readonly sizes: StoredSizes
  /** The parts of the snapshot, with the values that they brought. */
  readonly parted: StoredParts
  /** Lists of the snapshot whose items are still text. */
  readonly unread: readonly Unread[]
}

/**
 * Reads a session and checks that it is whole; `undefined` when nothing is stored. Throws a Refusal for data that
 * is newer or damaged, and whatever the storage or `accept` throws. Has no time limit of its own.
 *
 * @param accept gets the head before anything is decoded, and throws when this code cannot load the session: another workflow
 * or a newer version may well have another serializer.
 * @param late when it is given, large lists of JSON may stay text, checked but not parsed, until they are needed. It is called
 * with each list when that is read.
 */
export async function loadStored(
  storage: SessionStorage,
  id: string,
  serializer: Serializer,
  accept: (head: StoredHead) => void = () => {},
  late?: Late,
): Promise<Loaded | undefined> {
  const stored = await storage.read(id)
  if (stored == null) return undefined
  mustBeWhole(Array.isArray(stored?.batches), 'list of batches')
  const { head, snapshot } = stored
  // This comes first, because the checksums and numbers of a newer layout may mean something else.
  mustBeKnown('format', Math.max(head?.format || 0, snapshot?.format || 0), BYTES_FORMAT)
  // What a storage reads back may be anything, whatever the types say.
  const numbers = [head?.version, head?.epoch, head?.seq, head?.snapshot]
  const isOwn = head?.id === id && (snapshot?.seq ?? 0) === head.snapshot
  mustBeWhole(isOwn && numbers.every(Number.isSafeInteger), 'head')
  accept(head)
  const { value, parts, unread } = await wholeOf(stored, serializer, late)
  const { records, ...sizes } = await recordsOf(stored, serializer)
  return {
    head,
    ...(snapshot && { snapshot: { seq: snapshot.seq, at: snapshot.at, value } }),
    records,
    sizes: {
      ...{ ...sizes, seq: head.seq, savedAt: head.savedAt },
      snapshot: parts.reduce((sum, { size }) => sum + size, sizeOf(snapshot?.data)),
    },
    parted: { parts, newest: Number(snapshot?.newestPart) || 0 },
    unread,
  }
}

/** The snapshot's value, put together if it is stored in parts. */
async function wholeOf(
  { snapshot, parts }: StoredSession,
  serializer: Serializer,
  late: Late | undefined,
): Promise<Assembled> {
  const none = { parts: [], unread: [] }
  if (snapshot === undefined) return { value: undefined, ...none }
  const value = await decoded(snapshot, serializer)
  if (snapshot.parts === undefined) return { value, ...none }
  try {
    const data = new Map(parts)
    const read = (it: unknown): unknown => partOf(snapshot.format, it)
    const one = async (info: StoredPartInfo): Promise<unknown> => {
      const [n, , sum, count] = info
      mustBeWhole(data.has(n), 'part')
      const own = data.get(n)
      if (!late || !isCount(count) || sum === 0 || sumOf(own) !== sum)
        return decoded(
          { data: own, sum },
          { ...serializer, deserialize: (it) => serializer.deserialize(read(it)) },
        )
      return new LatePart(info, own, (it) => jsonSerializer.deserialize(read(it)))
    }
    return await assembled(value, snapshot.parts, one, late)
  } catch (error) {
    if (error instanceof Refusal) throw error
    unreadable('its parts do not fit together', error)
  }
}

/** The records after the snapshot, in unbroken order up to the head: a lost end is as bad as a hole. */
async function recordsOf(
  { head, batches }: StoredSession,
  serializer: Serializer,
): Promise<Pick<StoredSizes, 'journal' | 'batches'> & { readonly records: readonly unknown[] }> {
  const records: unknown[] = []
  const sizes = { journal: 0, batches: 0 }
  let seq = head.snapshot
  for (const batch of batches) {
    mustBeWhole(typeof batch === 'object' && batch !== null, seq + 1)
    if (batch.to <= head.snapshot) continue
    // Only the first one may begin before the snapshot.
    mustBeWhole(batch.from === seq + 1 || (batch.from <= seq && sizes.batches === 0), seq + 1)
    const list = await decoded(batch, serializer)
    mustBeWhole(Array.isArray(list) && list.length === batch.to - batch.from + 1, batch.from)
    for (const record of (list as unknown[]).slice(seq + 1 - batch.from)) records.push(record)
    seq = batch.to
    sizes.journal += sizeOf(batch.data)
    sizes.batches++
  }
  mustBeWhole(seq === head.seq, seq + 1)
  return { records, ...sizes }
}

function isCount(count: number | undefined): boolean {
  return Number.isSafeInteger(count) && (count as number) > 0
}
