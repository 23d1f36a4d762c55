import type { Cases } from './case'
import { equal, fenced, refused, truthy } from './expectation'
import { batch, begin, shape, snapshot, strict } from './sample'

/** Who may write. */
export const claims: Cases = {
  'nothing stored: nothing to read, list or export': async (open) => {
    const storage = open()
    equal(await storage.read('a'), undefined)
    equal(await storage.list(), [])
    equal(await storage.export('a'), undefined)
  },
  'a claim alone is no session': async (open) => {
    const storage = open()
    equal((await storage.claim('a', shape, 0)).seq, 0)
    equal(await storage.read('a'), undefined)
    equal(await storage.list(), [])
  },
  'a later claim gets a higher epoch and fences the earlier one': async (open) => {
    const storage = open()
    const first = await begin(storage, 'a')
    await storage.append('a', first, batch(1, 2), strict)
    const { epoch, seq } = await storage.claim('a', shape, 2)
    equal(seq, 2)
    truthy(epoch !== undefined && epoch > first, 'the epoch rises')
    await fenced(storage.append('a', first, batch(3), strict), epoch ?? 0)
    await fenced(storage.compact('a', first, snapshot(2)), epoch ?? 0)
    await refused(storage.append('a', (epoch ?? 0) + 1, batch(3), strict), 'STALE_EPOCH')
    equal((await storage.read('a'))?.batches.length, 1)
  },
  'a claim that expects something else changes nothing': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 2), strict)
    equal(await storage.claim('a', shape, 1), { epoch: undefined, seq: 2 })
    equal(await open().claim('b', shape, 1), { epoch: undefined, seq: 0 })
    await storage.append('a', epoch, batch(3), strict)
  },
  'a claim leaves the shape of stored data alone, and sets that of none': async (open) => {
    const storage = open()
    await storage.claim('a', { ...shape, version: 7 }, 0)
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), strict)
    await storage.claim('a', { format: 1, workflow: 'other', version: 2 }, 1)
    const head = (await storage.read('a'))?.head
    equal([head?.workflow, head?.version], ['checkout', 1])
  },
  'how long a session is kept is stored with it, and a list shows it': async (open) => {
    const storage = open()
    const own = { ...shape, expireAfter: 5000 }
    for (const seq of [1, 2]) {
      await storage.append('a', await begin(storage, 'a', own), batch(seq), strict)
      equal((await open().read('a'))?.head.expireAfter, 5000)
      equal((await open().list())[0]?.expireAfter, 5000)
    }
    await storage.compact('a', await begin(storage, 'a', own), { ...snapshot(2), expireAfter: 5000 })
    equal((await open().list())[0]?.expireAfter, 5000)
    await storage.claim('a', { ...shape, expireAfter: 9000 }, 2)
    equal((await open().read('a'))?.head.expireAfter, 9000)
    await storage.claim('a', shape, 2)
    equal((await open().read('a'))?.head.expireAfter, 9000)
  },
  'of two claims at once both get an epoch of their own, and the higher one writes': async (open) => {
    const [one, two] = [open(), open()]
    const epochs = await Promise.all([begin(one, 'a'), begin(two, 'a')])
    truthy(epochs[0] !== epochs[1], 'no epoch is given out twice')
    await refused(one.append('a', Math.min(...epochs), batch(1), strict), 'STALE_EPOCH')
    await two.append('a', Math.max(...epochs), batch(1), strict)
  },
  'a claim and an append at once: what the append has acknowledged stays': async (open) => {
    const [one, two] = [open(), open()]
    const epoch = await begin(one, 'a')
    await one.append('a', epoch, batch(1), strict)
    const append = (): Promise<boolean> =>
      one.append('a', epoch, batch(2), strict).then(
        () => true,
        () => false,
      )
    const [landed] = await Promise.all([append(), two.claim('a', shape, 1)])
    const stored = await two.read('a')
    equal([stored?.head.seq, stored?.batches.length], landed ? [2, 2] : [1, 1])
  },
  'where the first epoch can be asked for, it stays what it was until all is emptied': async (open) => {
    const storage = open()
    if (storage.began === undefined) return
    equal(await storage.began(), 0)
    const epoch = await begin(storage, 'a')
    equal(await storage.began(), epoch)
    await begin(storage, 'b')
    await storage.delete('a')
    equal(await open().began?.(), epoch)
  },
  'no writer without a claim': async (open) => {
    const storage = open()
    for (const epoch of [0, 1]) {
      await fenced(storage.append('a', epoch, batch(1), strict), 0)
      await fenced(storage.compact('a', epoch, snapshot(1)), 0)
    }
    equal(await storage.export('a'), undefined)
  },
}
