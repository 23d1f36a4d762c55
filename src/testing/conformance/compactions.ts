import { nextTask } from '../../clock'
import type { StoredSession } from '../../storage/storage'
import type { Cases } from './case'
import { equal, fail, refused } from './expectation'
import { batch, begin, relaxed, shape, snapshot, strict } from './sample'

/** Up to which number it is whole: each batch goes on where the snapshot, or the batch before it, ends. */
function wholeTo(stored: StoredSession): number {
  const from = stored.snapshot?.seq ?? 0
  return stored.batches.reduce((seq, it) => (it.from <= seq + 1 ? Math.max(seq, it.to) : seq), from)
}

/** Snapshots, and what they cover. */
export const compactions: Cases = {
  'a snapshot takes the place of what it covers': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    for (const it of [batch(1, 2), batch(3), batch(4, 6)]) {
      await storage.append('a', epoch, it, strict)
    }
    await storage.compact('a', epoch, snapshot(3))
    const stored = await open().read('a')
    equal(stored?.snapshot, snapshot(3))
    equal(stored?.batches, [batch(4, 6)])
    equal([stored?.head.seq, stored?.head.snapshot], [6, 3])
  },
  'a batch that reaches beyond the snapshot is kept whole': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 5), strict)
    await storage.compact('a', epoch, snapshot(3))
    equal((await storage.read('a'))?.batches, [batch(1, 5)])
  },
  'a snapshot may be ahead; appends follow it': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.compact('a', epoch, snapshot(10))
    await refused(storage.append('a', epoch, batch(12), strict), 'STALE_EPOCH')
    await storage.append('a', epoch, batch(3, 4), strict)
    await storage.append('a', epoch, batch(11), strict)
    const stored = await storage.read('a')
    equal([stored?.head.seq, stored?.batches], [11, [batch(11)]])
    equal((await storage.claim('a', shape, 11)).seq, 11)
  },
  'a batch that a late snapshot has overtaken halfway is stored whole': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 7), strict)
    await storage.compact('a', epoch, snapshot(10))
    await storage.append('a', epoch, batch(8, 12), strict)
    await storage.append('a', epoch, batch(13), strict)
    const stored = await storage.read('a')
    equal([stored?.head.seq, stored?.snapshot?.seq], [13, 10])
    equal(stored?.batches, [batch(8, 12), batch(13)])
  },
  'a session may begin with a snapshot': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.compact('a', epoch, snapshot(4))
    equal((await storage.read('a'))?.head.seq, 4)
    equal((await storage.list()).length, 1)
  },
  'a late snapshot that is older, or as old, does not replace the stored one': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 8), strict)
    await storage.compact('a', epoch, snapshot(8))
    await storage.compact('a', epoch, snapshot(5))
    await storage.compact('a', epoch, { ...snapshot(8), data: '"given up"' })
    equal((await storage.read('a'))?.snapshot, snapshot(8))
  },
  'a snapshot behind the newest batch leaves the status and the time of that batch': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), strict)
    await storage.append('a', epoch, { ...batch(2), status: 'completed' }, strict)
    await storage.compact('a', epoch, snapshot(1))
    const head = (await storage.read('a'))?.head
    equal([head?.seq, head?.status, head?.savedAt], [2, 'completed', 1002])
    equal((await storage.list({ status: 'completed' })).length, 1)
  },
  'a snapshot as new as the newest batch, or newer, brings its version, format, status and time': async (
    open,
  ) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), strict)
    for (const [seq, at] of [
      [1, 5000],
      [2, 6000],
    ] as const) {
      await storage.compact('a', epoch, { ...snapshot(seq), version: 3, format: 4, status: 'completed', at })
      const head = (await storage.read('a'))?.head
      equal([head?.version, head?.format, head?.status, head?.savedAt], [3, 4, 'completed', at])
      const [shown] = await storage.list()
      equal([shown?.version, shown?.status, shown?.savedAt], [3, 'completed', at])
    }
  },
  'what is read is of one moment, also while another page writes': async (open) => {
    const [writer, reader] = [open(), open()]
    const epoch = await begin(writer, 'a')
    await writer.append('a', epoch, batch(1), relaxed)
    for (let seq = 2; seq < 8; seq++) {
      const writing = writer
        .append('a', epoch, batch(seq), relaxed)
        .then(() => writer.compact('a', epoch, snapshot(seq)))
      const reading: Promise<StoredSession | undefined>[] = []
      for (let n = 0; n < 24; n++) {
        reading.push(reader.read('a'))
        await (n < 12 ? undefined : new Promise<void>(nextTask))
      }
      await writing
      for (const read of await Promise.all(reading)) {
        const stored = read ?? fail('there is no session')
        const said = { wholeTo: stored.head.seq, snapshot: stored.head.snapshot }
        equal({ wholeTo: wholeTo(stored), snapshot: stored.snapshot?.seq ?? 0 }, said)
      }
    }
  },
}
