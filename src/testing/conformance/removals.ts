import type { SessionStorage } from '../../storage/storage'
import type { Cases } from './case'
import { equal, fenced, refused, truthy } from './expectation'
import { batch, begin, shape, snapshot, strict, written } from './sample'

/** Every way to remove session `id`. */
const removes: readonly ((storage: SessionStorage, id: string) => Promise<void>)[] = [
  ({ delete: remove }, id) => remove(id),
  ({ discard }, id) => discard(id),
  ({ clear }, id) => clear(id),
  ({ clear }) => clear(),
]

/** Deleted, discarded, set aside, cleared. */
export const removals: Cases = {
  'a deleted session is gone, quarantine included, and its writer is fenced': async (open) => {
    const storage = open()
    const epoch = await written(storage, 'a', 2)
    await written(storage, 'ab', 1)
    await storage.compact('a', epoch, snapshot(2))
    await storage.quarantine('a')
    await storage.delete('a')
    equal(await storage.export('a'), undefined)
    equal(await storage.read('a'), undefined)
    await fenced(storage.append('a', epoch, batch(3), strict), 0)
    equal(
      (await storage.list()).map((it) => it.id),
      ['ab'],
    )
  },
  'the next session of that id does not take the old writer for its own': async (open) => {
    const [tab, other] = [open(), open()]
    const epochs = new Set<number>()
    for (const remove of removes) {
      const old = await written(tab, 'a', 2)
      await remove(other, 'a')
      const epoch = await written(other, 'a', 2)
      for (const it of [old, epoch]) truthy(epochs.size < epochs.add(it).size, 'no epoch is given out twice')
      await refused(tab.append('a', old, batch(3), strict), 'STALE_EPOCH')
      await other.delete('a')
    }
  },
  'the next session of that id finds no snapshot and no part of the one before': async (open) => {
    const storage = open()
    for (const remove of removes) {
      const epoch = await written(storage, 'a', 2)
      await storage.keepPart?.('a', epoch, [1, 'of the one before'])
      await storage.compact('a', epoch, { ...snapshot(1), parts: [[1, 17, 0]], newestPart: 1 })
      await remove(storage, 'a')
      equal(await storage.read('a'), undefined)
      await storage.compact('a', await begin(storage, 'a'), { ...snapshot(1), parts: [[1, 17, 0]] })
      const stored = await storage.read('a')
      equal([stored?.batches, stored?.parts ?? []], [[], []])
      await storage.delete('a')
    }
  },
  'a discarded session leaves its quarantine': async (open) => {
    const storage = open()
    const epoch = await written(storage, 'a', 2)
    await storage.quarantine('a')
    await storage.discard('a')
    equal(await storage.read('a'), undefined)
    equal(await storage.list(), [])
    const left = await storage.export('a')
    equal(left?.session, undefined)
    equal(
      left?.quarantine.map((it) => it.head.seq),
      [2],
    )
    await fenced(storage.append('a', epoch, batch(3), strict), 0)
    await written(storage, 'a', 1)
    equal((await storage.export('a'))?.quarantine.length, 1)
    await storage.delete('a')
    equal(await storage.export('a'), undefined)
  },
  'what one writer left is set aside once, that of the next one beside it': async (open) => {
    const storage = open()
    await written(storage, 'a', 2)
    equal((await storage.export('a'))?.session?.head.seq, 2)
    await storage.quarantine('a')
    await storage.quarantine('a')
    const exported = await storage.export('a')
    equal([exported?.session?.head.seq, exported?.quarantine.length], [2, 1])
    equal((await storage.read('a'))?.head.seq, 2)
    await storage.append('a', await begin(storage, 'a'), batch(3), strict)
    await storage.quarantine('a')
    const aside = (await storage.export('a'))?.quarantine ?? []
    equal(aside.map((it) => `${it.head.seq} in ${it.batches.length}`).sort(), ['2 in 2', '3 in 3'])
    equal((await storage.read('a'))?.head.seq, 3)
    await storage.quarantine('nothing there')
    equal(await storage.export('nothing there'), undefined)
  },
  'clear takes everything of a prefix, also what no list shows': async (open) => {
    const storage = open()
    for (const id of ['ann/1', 'ann/2', 'anne/1', 'bob/1']) await written(storage, id, 1)
    await storage.quarantine('ann/2')
    await storage.discard('ann/2')
    await storage.clear('ann/')
    equal(await storage.export('ann/2'), undefined)
    equal((await storage.list()).map((it) => it.id).sort(), ['anne/1', 'bob/1'])
    await storage.clear()
    equal(await storage.list(), [])
  },
  'whoever wrote what was cleared is fenced, of a prefix or of all': async (open) => {
    const storage = open()
    for (const prefix of ['a', undefined]) {
      const epoch = await written(storage, 'ann', 1)
      await open().clear(prefix)
      await fenced(storage.append('ann', epoch, batch(2), strict), 0)
      equal(await storage.read('ann'), undefined)
    }
  },
  'what was only claimed is swept away after its time, where that can be asked for': async (open) => {
    const storage = open()
    if (storage.sweep === undefined) return
    const day = 86_400_000
    const epochs = new Map<string, number>()
    const claim = async (id: string, at: number, expireAfter?: number): Promise<void> => {
      const { epoch } = await storage.claim(id, { ...shape, ...(expireAfter && { expireAfter }) }, 0, at)
      epochs.set(id, epoch ?? 0)
    }
    const write = (id: string): Promise<void> => storage.append(id, epochs.get(id) ?? 0, batch(1), strict)
    for (const id of ['old', 'seen', 'young', 'again', 'written']) await claim(id, day)
    await claim('short', day, 5000)
    await claim('long', day, 90 * day)
    await claim('again', 20 * day)
    await write('written')
    await storage.keepPart?.('old', epochs.get('old') ?? 0, [1, 'of a claim'])
    await open().sweep?.(day + 4000)
    await write('seen')
    await open().sweep?.(day + 6000)
    await fenced(write('short'), 0)
    await open().sweep?.(30 * day)
    await write('young')
    await open().sweep?.(32 * day)
    await fenced(write('old'), 0)
    for (const id of ['again', 'long']) await write(id)
    const left = ['again', 'long', 'seen', 'written', 'young']
    equal((await open().list()).map((it) => it.id).sort(), left)
    await storage.compact('old', await begin(storage, 'old'), { ...snapshot(1), parts: [[1, 17, 0]] })
    equal((await storage.read('old'))?.parts ?? [], [])
  },
  'deleting what is not there is no error': async (open) => {
    const storage = open()
    await storage.delete('a')
    await storage.discard('a')
    await storage.clear('a')
    await storage.clear()
  },
}
