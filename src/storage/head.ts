import { StaleEpochError } from '../errors'
import type {
  StorageFilter,
  StoredBatch,
  StoredHead,
  StoredSessionInfo,
  StoredShape,
  StoredSnapshot,
} from './storage'

/*
 * What each operation makes of a session's head, for every storage alike: a storage only has to read the head,
 * ask here, and write the answer together with the data in one transaction.
 */

/** The head after a claim. */
export function claimed(
  head: StoredHead | undefined,
  id: string,
  { format, workflow, version }: StoredShape,
  epoch: number,
): StoredHead {
  return head !== undefined && head.seq > 0
    ? { ...head, epoch }
    : { format, workflow, version, id, epoch, seq: 0, snapshot: 0, status: '', savedAt: 0, size: 0 }
}

/** The head after an append; `undefined` when the batch is stored already. Throws StaleEpochError. */
export function appended(
  head: StoredHead | undefined,
  id: string,
  { from, to, epoch, at, status, data }: StoredBatch,
): StoredHead | undefined {
  const own = fence(head, id, epoch)
  if (to <= own.seq) return undefined
  if (from !== own.seq + 1) throw new StaleEpochError(id, epoch, own.epoch)
  return { ...own, seq: to, status, savedAt: at, size: own.size + sizeOf(data) }
}

/** The head after a compaction; `undefined` when it changes nothing. Throws StaleEpochError. */
export function compacted(
  head: StoredHead | undefined,
  id: string,
  { seq, epoch, at, status, data, format, workflow, version }: StoredSnapshot,
): StoredHead | undefined {
  const own = fence(head, id, epoch)
  if (seq <= own.snapshot) return undefined
  // Batches that are left are not weighed: the size is a little low then.
  const next = { ...own, format, workflow, version, snapshot: seq, size: sizeOf(data) }
  // Batches beyond the snapshot know better what the session is like now.
  return seq < own.seq ? next : { ...next, seq, status, savedAt: at }
}

/** What a list shows of these heads: newest first. */
export function listed(heads: Iterable<StoredHead>, filter: StorageFilter = {}): StoredSessionInfo[] {
  const infos: StoredSessionInfo[] = []
  for (const { id, workflow, version, status, savedAt, size, seq } of heads) {
    if (
      seq > 0 &&
      id.startsWith(filter.prefix ?? '') &&
      (filter.workflow ?? workflow) === workflow &&
      (filter.status ?? status) === status
    ) {
      infos.push({ id, workflow, version, status, savedAt, size })
    }
  }
  return infos.sort((a, b) => b.savedAt - a.savedAt)
}

/** About how large a serialized value is: exact for text and binary data, nothing for others. */
export function sizeOf(data: unknown): number {
  if (typeof data === 'string') return data.length
  const { byteLength, size } = (data ?? {}) as { byteLength?: unknown; size?: unknown }
  return typeof byteLength === 'number' ? byteLength : typeof size === 'number' ? size : 0
}

/** A head that this epoch may write. No head: somebody deleted the session, and its writers with it. */
function fence(head: StoredHead | undefined, id: string, epoch: number): StoredHead {
  if (head === undefined || head.epoch !== epoch) throw new StaleEpochError(id, epoch, head?.epoch ?? 0)
  return head
}
