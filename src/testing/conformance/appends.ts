import type { Cases } from './case'
import { equal, refused, truthy } from './expectation'
import { batch, begin, relaxed, shape, snapshot, strict } from './sample'

/** What is written, and in which order. */
export const appends: Cases = {
  'what was appended is read as it was, by whoever opens': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const batches = [batch(1, 3), batch(4), batch(5, 9)]
    for (const it of batches) await storage.append('a', epoch, it, it.from > 1 ? strict : relaxed)
    const stored = await open().read('a')
    equal(stored?.batches, batches)
    equal(stored?.snapshot, undefined)
    const head = { ...stored?.head, size: 0 }
    const saved = { seq: 9, snapshot: 0, status: 'running', savedAt: 1009, size: 0 }
    equal(head, { ...shape, id: 'a', epoch, ...saved })
  },
  'a batch of a newer format raises that of the head, for whoever comes next': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, { ...batch(1), format: 3 }, strict)
    await storage.append('a', epoch, { ...batch(2), format: 2 }, strict)
    equal((await open().read('a'))?.head.format, 3)
    await storage.append('a', await begin(storage, 'a'), batch(3), strict)
    equal((await open().read('a'))?.head.format, 3)
  },
  'a gap is refused': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await refused(storage.append('a', epoch, batch(2), strict), 'STALE_EPOCH')
    await storage.append('a', epoch, batch(1), strict)
    await refused(storage.append('a', epoch, batch(3, 4), strict), 'STALE_EPOCH')
    equal((await storage.read('a'))?.batches.length, 1)
  },
  'a batch that is there already changes nothing, however late it comes': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.append('a', epoch, batch(3), strict)
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.compact('a', epoch, snapshot(3))
    await storage.append('a', epoch, batch(3), strict)
    const stored = await storage.read('a')
    equal([stored?.head.seq, stored?.snapshot?.seq, stored?.batches], [3, 3, []])
  },
  'many appends at once land in order': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const seqs = Array.from({ length: 20 }, (_, at) => at + 1)
    await Promise.all(seqs.map((seq) => storage.append('a', epoch, batch(seq), relaxed)))
    equal(
      (await storage.read('a'))?.batches.map((it) => it.to),
      seqs,
    )
  },
  'more than nine batches are still in the order of their numbers': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    for (let seq = 1; seq < 120; seq++) await storage.append('a', epoch, batch(seq), relaxed)
    const read = (await storage.read('a'))?.batches.map((it) => it.from) ?? []
    truthy(
      read.every((from, at) => from === at + 1),
      `in order: ${read.join()}`,
    )
  },
  'a value that cannot be stored is refused whole': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const poison = { ...batch(1), data: [() => 1] }
    truthy(await storage.append('a', epoch, poison, strict).then(Boolean, () => true), 'refused')
    equal(await storage.read('a'), undefined)
    await storage.append('a', epoch, batch(1), strict)
    equal((await storage.read('a'))?.head.seq, 1)
  },
}
