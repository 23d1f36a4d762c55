import { StaleEpochError } from '../../storage-errors'
import { sizeOf } from '../size'
import type {
  StorageFilter,
  StoredBatch,
  StoredHead,
  StoredSessionInfo,
  StoredShape,
  StoredSnapshot,
} from '../storage'

/*
 * What each operation makes of a session's head, for every storage alike. A storage only has to read the head, ask here, and
 * write the answer together with the data in one transaction.
 */

/** The head after a claim. While nothing is stored, its time is that of the claim. */
export function claimed(
  head: StoredHead | undefined,
  id: string,
  { format, workflow, version, expireAfter }: StoredShape,
  epoch: number,
  at: number,
): StoredHead {
  const own = { ...(expireAfter !== undefined && { expireAfter }) }
  return head?.seq
    ? { ...head, epoch, ...own }
    : { ...own, format, workflow, version, id, epoch, seq: 0, snapshot: 0, status: '', savedAt: at, size: 0 }
}

/** The head after an append; `undefined` when the batch is stored already. Throws StaleEpochError. */
export function appended(
  head: StoredHead | undefined,
  id: string,
  epoch: number,
  batch: StoredBatch,
): StoredHead | undefined {
  const own = fence(head, id, epoch)
  if (batch.to <= own.seq) return undefined
  // A batch may begin earlier: then a snapshot that was given up, and was ahead of the batches, has landed meanwhile.
  if (batch.from > own.seq + 1) throw new StaleEpochError(id, epoch, own.epoch)
  return {
    ...own,
    format: Math.max(own.format, batch.format ?? 0),
    seq: batch.to,
    status: batch.status,
    savedAt: batch.at,
    size: own.size + sizeOf(batch.data),
  }
}

/** The head after a compaction; `undefined` when it changes nothing. Throws StaleEpochError. */
export function compacted(
  head: StoredHead | undefined,
  id: string,
  epoch: number,
  snapshot: StoredSnapshot,
): StoredHead | undefined {
  const own = fence(head, id, epoch)
  const { seq, at, status, data, format, workflow, version, parts = [] } = snapshot
  if (seq <= own.snapshot) return undefined
  // Remaining batches are not weighed, so the size may be a little low.
  const size = parts.reduce((sum, it) => sum + it[1], sizeOf(data))
  const next = { ...own, format, workflow, version, snapshot: seq, size }
  // Batches after the snapshot have the newer status and time.
  return seq < own.seq ? next : { ...next, seq, status, savedAt: at }
}

/** What a list shows of these heads: newest first. What is no head is left to whoever opens that session. */
export function listed(
  heads: readonly (StoredHead | null)[],
  filter: StorageFilter = {},
): StoredSessionInfo[] {
  return heads
    .filter(
      (it): it is StoredHead =>
        typeof it?.id === 'string' &&
        it.seq > 0 &&
        it.id.startsWith(filter.prefix ?? '') &&
        it.workflow === (filter.workflow ?? it.workflow) &&
        it.status === (filter.status ?? it.status),
    )
    .map(({ id, workflow, version, status, savedAt, size, expireAfter }) => ({
      id,
      workflow,
      version,
      status,
      savedAt,
      size,
      ...(expireAfter !== undefined && { expireAfter }),
    }))
    .sort((a, b) => b.savedAt - a.savedAt)
}

/** A head that this epoch may write. Without a head, somebody has deleted the session, and its writers are fenced. */
export function fence(head: StoredHead | undefined, id: string, epoch: number): StoredHead {
  if (head?.epoch !== epoch) throw new StaleEpochError(id, epoch, head?.epoch ?? 0)
  return head
}
