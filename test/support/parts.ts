import { memoryStorage } from '../../src/index'
import { jsonSerializer } from '../../src/storage/serializer'
import { Snapshots } from '../../src/storage/snapshots'
import type { StoredSession } from '../../src/storage/storage'
import { Writer } from '../../src/storage/writer'
import { virtualClock } from '../../src/testing'

/** The same session with its snapshot in parts, of text or of bytes, as a large one is stored, of about `size` characters each. */
export async function inParts(stored: StoredSession, size: number, bytes = false): Promise<StoredSession> {
  const { head, snapshot, batches } = stored
  if (!snapshot) throw new Error('it has no snapshot')
  const { seq, at, status, data, format, workflow, version } = snapshot
  const storage = memoryStorage()
  const shape = { format, workflow, version }
  const { epoch = 1 } = await storage.claim(head.id, shape, 0)
  const writer = new Writer({
    ...{ storage, shape, bytes, id: head.id, serializer: jsonSerializer, clock: virtualClock({ now: at }) },
    ...{ epoch: () => epoch, status: () => status },
  })
  await new Snapshots(writer, undefined, size).store({ seq, value: JSON.parse(String(data)) as unknown })
  const parted = await storage.read(head.id)
  if (!parted?.parts) throw new Error('it is too small to be stored in parts')
  return { ...parted, head: { ...parted.head, seq: head.seq, savedAt: head.savedAt }, batches }
}
