import { checksum } from './checksum'
import { FORMAT } from './format'
import type { StoredSizes } from './growth'
import { sizeOf } from './head'
import type { Serializer } from './serializer'
import type { SessionStorage, StoredBatch, StoredHead, StoredSession, StoredSnapshot } from './storage'

/** Stored data that must not be loaded: the engine makes a LoadError of it. */
export class Refusal extends Error {
  readonly code: 'NEWER_FORMAT' | 'UNREADABLE_RECORD'
  constructor(code: Refusal['code'], reason: string, cause?: unknown) {
    super(reason, { cause })
    this.code = code
  }
}

/** A session as it was stored. */
export interface Loaded {
  readonly head: StoredHead
  readonly snapshot?: { readonly seq: number; readonly at: number; readonly value: unknown }
  /** The records after the snapshot, one for each sequence number up to `head.seq`. Not validated. */
  readonly records: readonly unknown[]
  readonly sizes: StoredSizes
}

/**
 * Reads a session and checks that it is whole; `undefined` when nothing is stored. Throws a Refusal for data that
 * is newer or damaged, and whatever the storage or `accept` throws. Has no time limit of its own.
 *
 * @param accept sees the head before anything is decoded, and throws what speaks against this session: another
 * workflow or a newer version may well have another serializer.
 */
export async function loadStored(
  storage: SessionStorage,
  id: string,
  serializer: Serializer,
  accept: (head: StoredHead) => void = () => {},
): Promise<Loaded | undefined> {
  const stored = await storage.read(id)
  if (stored === undefined) return undefined
  const { head, snapshot } = stored
  // First of all: what a newer layout means by its checksums and numbers is not known here.
  for (const format of [head?.format, snapshot?.format]) {
    if (Number(format) > FORMAT) {
      throw new Refusal('NEWER_FORMAT', `it has format ${format}, and this code knows ${FORMAT}`)
    }
  }
  if (!isHead(head)) throw damaged('its head is missing or damaged')
  accept(head)
  const batches = coherent(stored)
  const value = snapshot && (await decode(snapshot, serializer, `the snapshot at ${snapshot.seq}`))
  const records: unknown[] = []
  for (const batch of batches) {
    for (const record of await decodeBatch(batch, serializer)) records.push(record)
  }
  // The first batch may begin before the snapshot.
  records.splice(0, records.length - (head.seq - head.snapshot))
  return {
    head,
    ...(snapshot && { snapshot: { seq: snapshot.seq, at: snapshot.at, value } }),
    records,
    sizes: {
      seq: head.seq,
      savedAt: head.savedAt,
      snapshot: sizeOf(snapshot?.data),
      journal: batches.reduce((sum, it) => sum + sizeOf(it.data), 0),
      batches: batches.length,
    },
  }
}

/** What a storage reads back is taken for data, whatever the types say. */
function isHead(head: Partial<StoredHead> | undefined): head is StoredHead {
  const { id, workflow, format, version, epoch, seq, snapshot } = head ?? {}
  const numbers = [format, version, epoch, seq, snapshot]
  return typeof id === 'string' && typeof workflow === 'string' && numbers.every(Number.isSafeInteger)
}

/** The batches after the snapshot, in unbroken order up to the head: a lost end is as bad as a hole. */
function coherent({ head, snapshot, batches }: StoredSession): readonly StoredBatch[] {
  if ((snapshot?.seq ?? 0) !== head.snapshot) throw damaged('the snapshot is missing')
  const after = batches.filter((it) => it.to > head.snapshot)
  let seq = head.snapshot
  let epoch = 0
  for (const batch of after) {
    const follows = batch.from === seq + 1 || (seq === head.snapshot && batch.from <= seq)
    if (!follows) throw damaged(`record ${seq + 1} is missing`)
    if (batch.epoch < epoch) throw damaged(`record ${batch.from} has an older writer than the one before`)
    seq = batch.to
    epoch = batch.epoch
  }
  if (seq !== head.seq) throw damaged(`the records end at ${seq} instead of ${head.seq}`)
  return after
}

async function decodeBatch(batch: StoredBatch, serializer: Serializer): Promise<readonly unknown[]> {
  const records = await decode(batch, serializer, `the batch at ${batch.from}`)
  if (!Array.isArray(records) || records.length !== batch.to - batch.from + 1) {
    throw damaged(`the batch at ${batch.from} is not what it says`)
  }
  return records
}

async function decode(
  { data, sum }: Pick<StoredBatch | StoredSnapshot, 'data' | 'sum'>,
  serializer: Serializer,
  what: string,
): Promise<unknown> {
  if (typeof data === 'string' && checksum(data) !== sum) throw damaged(`${what} does not match its checksum`)
  try {
    return await serializer.deserialize(data)
  } catch (error) {
    throw damaged(`${what} cannot be decoded`, error)
  }
}

function damaged(reason: string, cause?: unknown): Refusal {
  return new Refusal('UNREADABLE_RECORD', reason, cause)
}
