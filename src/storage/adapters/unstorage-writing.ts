import { StaleEpochError } from '../../storage-errors'
import { EXPIRE_AFTER, isExpired } from '../expiry'
import { sizeOf } from '../size'
import type { StoredBatch, StoredShape, StoredSnapshot } from '../storage'
import type { Desk } from './unstorage-desk'
import { idOf, idSegment, nameOf } from './unstorage-name'
import type { Name } from './unstorage-name'
import { headOf, read, shapeOf } from './unstorage-reading'
import { covered, trailOf } from './unstorage-trail'
import type { Trail } from './unstorage-trail'

interface Claim {
  readonly epoch: number | undefined
  readonly seq: number
}

/** What this page has claimed or written last of each session. While it is the only writer, it needs one listing less. */
export type Known = Map<string, { readonly epoch: number; readonly seq: number }>

/** Claims count in these steps, plus a random number, so that two at once never get the same epoch. */
const STEP = 2 ** 32

const above = ({ newest }: Pick<Trail, 'newest'>): number => (Math.floor(newest / STEP) + 1) * STEP

/**
 * A claimer first says that it is coming, which fences the writer, and then looks at what is there. A writer first writes and
 * then looks for claims. So one of the two sees the other, and an acknowledged batch is always taken over.
 */
export async function claim(
  desk: Desk,
  known: Known,
  id: string,
  shape: StoredShape,
  expected: number,
  at: number,
): Promise<Claim> {
  const before = await desk.whole(id)
  if (before.seq !== expected) return { epoch: undefined, seq: before.seq }
  // After a deletion nothing tells the epochs from before, and tabs that follow this page heed no lower one.
  const newest = Math.max(before.newest, known.get(id)?.epoch ?? 0)
  const epoch = above({ newest }) + Math.floor(Math.random() * STEP)
  known.set(id, { epoch, seq: -1 })
  const { expireAfter } = shape
  const own = {
    ...shape,
    ...(expected > 0 && headOf(id, before, await shapeOf(desk, id, before))),
    ...(expireAfter !== undefined && { expireAfter }),
  }
  if (idOf(idSegment(id)) === undefined) await desk.put(id, nameOf('n', 0), { id })
  const under = await desk.put(id, nameOf('p', epoch, { at }), own)
  let now = await desk.whole(id)
  if (now.seq === expected) {
    await desk.put(id, nameOf('c', epoch, { from: now.top?.epoch ?? 0, to: now.seq, at }), own)
    // Somebody may have deleted the session meanwhile. The claim stays: a later one may have built on it.
    now = await desk.whole(id)
  }
  await desk.remove(id, [under])
  return { epoch: now.seq === expected ? epoch : undefined, seq: now.seq }
}

export async function append(
  desk: Desk,
  known: Known,
  id: string,
  epoch: number,
  batch: StoredBatch,
): Promise<void> {
  const { from, to, at, status, data, format: version = 0 } = batch
  const last = known.get(id)
  if (last?.epoch !== epoch || from !== last.seq + 1) {
    const { seq } = fenced(id, epoch, await desk.names(id))
    if (to <= seq) return
    if (from > seq + 1) throw new StaleEpochError(id, epoch, epoch)
  }
  known.delete(id)
  await desk.put(id, nameOf('j', epoch, { from, to, at, status, version, size: sizeOf(data) }), batch)
  known.set(id, { epoch, seq: fenced(id, epoch, await desk.names(id)).seq })
}

export async function compact(
  desk: Desk,
  id: string,
  epoch: number,
  snapshot: StoredSnapshot,
): Promise<void> {
  const { seq: to, format: from, at, status, version, data } = snapshot
  const before = fenced(id, epoch, await desk.names(id))
  if (before.snapshot && to <= before.snapshot.to) return
  await desk.put(id, nameOf('s', epoch, { from, to, at, status, version, size: sizeOf(data) }), snapshot)
  const names = await desk.names(id)
  await desk.remove(id, covered(names, fenced(id, epoch, names)))
}

/** The trail of a session that this epoch may write. Without a claim, somebody has deleted it, and its writers are fenced. */
function fenced(id: string, epoch: number, names: readonly Name[]): Trail {
  const trail = trailOf(names)
  if (trail.top?.epoch !== epoch || trail.highest !== epoch)
    throw new StaleEpochError(id, epoch, trail.highest)
  return trail
}

/** A claim that takes over nothing is the deletion, in one write; the rest is cleaning up. */
export async function remove(desk: Desk, id: string, kinds: RegExp): Promise<void> {
  const trail = trailOf(await desk.names(id))
  const tomb = trail.top && (await desk.put(id, nameOf('c', above(trail)), {}))
  const rest = (await desk.names(id)).filter((it) => kinds.test(it.kind) && it.epoch !== tomb?.epoch)
  await desk.remove(id, rest)
  if (tomb) await desk.remove(id, [tomb])
}

/** Removes a session that was claimed long ago and never written. Fences its writer before it looks again, as a claimer does. */
export async function sweep(desk: Desk, id: string, now: number): Promise<void> {
  const names = await desk.names(id)
  const { seq, newest } = trailOf(names)
  const last = names.find((it) => /[cp]/.test(it.kind) && it.epoch === newest)
  if (seq > 0 || !last?.at) return
  const { expireAfter = EXPIRE_AFTER } = ((await desk.value(id, last)) ?? {}) as Partial<StoredShape>
  if (!isExpired({ savedAt: last.at }, now, expireAfter)) return
  const fence = await desk.put(id, nameOf('p', above({ newest }), { at: now }), {})
  const all = await desk.names(id)
  const isLeft = trailOf(all).seq === 0 && all.every((it) => it.epoch <= newest || it.epoch === fence.epoch)
  await desk.remove(id, isLeft ? all.filter((it) => /[cpjs]/.test(it.kind)) : [fence])
}

export async function quarantine(desk: Desk, id: string): Promise<void> {
  const copy = await read(desk, id)
  if (copy) await desk.put(id, nameOf('q', copy.head.epoch), copy)
}
