import { listed } from './head'
import type {
  StorageFilter,
  StoredBatch,
  StoredExport,
  StoredHead,
  StoredSession,
  StoredSessionInfo,
  StoredShape,
  StoredSnapshot,
} from '../storage'
import type { Desk } from './unstorage-desk'
import { trailOf } from './unstorage-trail'
import type { Trail } from './unstorage-trail'

export async function read(desk: Desk, id: string): Promise<StoredSession | undefined> {
  return (await look(desk, id)).stored
}

/** What is there, and whether somebody is on the way to claim it. */
export async function look(
  desk: Desk,
  id: string,
): Promise<{ readonly stored: StoredSession | undefined; readonly claimed: boolean }> {
  const { trail, snapshot, batches } = await desk.contents(id)
  const claimed = trail.highest > (trail.top?.epoch ?? 0)
  if (trail.seq === 0) return { stored: undefined, claimed }
  const stored = {
    head: headOf(id, trail, await shapeOf(desk, id, trail)),
    batches: batches as StoredBatch[],
    ...(snapshot !== undefined && { snapshot: snapshot as StoredSnapshot }),
  }
  return { stored, claimed }
}

export function headOf(id: string, trail: Trail, shape: StoredShape): StoredHead {
  const { top, snapshot, batches, last, seq } = trail
  const sizes = [snapshot, ...batches].map((it) => it?.size ?? 0)
  const whole = { ...shape, ...(snapshot && { format: snapshot.from, version: snapshot.version }) }
  return {
    ...whole,
    format: Math.max(whole.format, ...batches.map((it) => it.version)),
    id,
    epoch: top?.epoch ?? 0,
    seq,
    snapshot: snapshot?.to ?? 0,
    status: last?.status ?? '',
    savedAt: last?.at ?? 0,
    size: sizes.reduce((sum, it) => sum + it, 0),
  }
}

export async function shapeOf(desk: Desk, id: string, { top, under }: Trail): Promise<StoredShape> {
  const shape = top && (await desk.value(id, top))
  // A writer that died while it wrote its claim has left the same shape in its claim under way.
  return (shape ?? (under && (await desk.value(id, under)))) as StoredShape
}

export async function list(desk: Desk, filter?: StorageFilter): Promise<StoredSessionInfo[]> {
  const sessions = [...(await desk.everything())].map(([id, names]) => [id, trailOf(names)] as const)
  const heads = await Promise.all(
    sessions
      .filter(([, trail]) => trail.seq > 0)
      .map(async ([id, trail]) => headOf(id, trail, await shapeOf(desk, id, trail))),
  )
  return listed(heads, filter)
}

export async function exported(desk: Desk, id: string): Promise<StoredExport | undefined> {
  const aside = (await desk.names(id)).filter((it) => it.kind === 'q')
  const copies = await Promise.all(aside.map((it) => desk.value(id, it)))
  const quarantine = copies.filter((it) => it !== undefined) as StoredSession[]
  const session = await read(desk, id)
  return session || quarantine[0] ? { ...(session && { session }), quarantine } : undefined
}
