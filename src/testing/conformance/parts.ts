import type { StoredPart, StoredSession, StoredSnapshot } from '../../storage/storage'
import type { Cases } from './case'
import { equal, fail, refused } from './expectation'
import { batch, begin, snapshot, strict } from './sample'

const part = (n: number): StoredPart => [n, `part ${n}`]

function inParts(seq: number, newestPart: number, ...own: number[]): StoredSnapshot {
  return { ...snapshot(seq), parts: own.map((n) => [n, 6, 1] as const), newestPart }
}

const byNumber = ([a]: StoredPart, [b]: StoredPart): number => a - b

/** The numbers of the parts that are there; those that belong to no snapshot may be missing or not. */
function numbers(stored: StoredSession | undefined): number[] {
  return (stored?.parts ?? []).map(([n]) => n).sort((a, b) => a - b)
}

/** Snapshots in parts, for a storage that has `keepPart`: it may be left out. */
export const parts: Cases = {
  'a snapshot comes back with its parts, and counts from the moment that it names them': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), strict)
    if (storage.keepPart === undefined) return
    // One that was given up is kept once more.
    for (const n of [1, 2, 2]) await storage.keepPart('a', epoch, part(n))
    const before = await open().read('a')
    equal([before?.snapshot, before?.parts ?? [], before?.batches], [undefined, [], [batch(1)]])
    await storage.compact('a', epoch, inParts(1, 2, 2, 1))
    const stored = (await open().read('a')) ?? fail('there is no session')
    equal(stored.snapshot, inParts(1, 2, 2, 1))
    equal([...(stored.parts ?? [])].sort(byNumber), [part(1), part(2)])
    equal([...((await storage.export('a'))?.session?.parts ?? [])].sort(byNumber), [part(1), part(2)])
    equal([stored.head.size, (await storage.list())[0]?.size], [9 + 12, 9 + 12])
  },
  'a snapshot removes the parts up to its newest one that it does not name': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    if (storage.keepPart === undefined) return
    for (const n of [1, 2, 3, 4, 5]) await storage.keepPart('a', epoch, part(n))
    await storage.compact('a', epoch, inParts(1, 3, 1, 3))
    await storage.compact('a', epoch, inParts(2, 5, 5, 3, 4))
    equal(numbers(await storage.read('a')), [3, 4, 5])
    await storage.keepPart('a', epoch, part(6))
    // One that was given up and lands late knows nothing of number 6.
    await storage.compact('a', epoch, inParts(3, 5, 4))
    equal(numbers(await storage.read('a')), [4, 6])
    const { parts: _, ...whole } = inParts(4, 6)
    await storage.compact('a', epoch, whole)
    await storage.compact('a', epoch, inParts(5, 7))
    equal(numbers(await storage.read('a')), [])
  },
  'a part of bytes comes back as it was, where it may be bytes': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    if (storage.keepPart === undefined || !storage.keepsBytes) return
    const bytes = new Uint8Array([123, 0, 255, 125, 10])
    await storage.keepPart('a', epoch, [1, bytes])
    await storage.compact('a', epoch, inParts(1, 1, 1))
    const [n, data] = (await open().read('a'))?.parts?.[0] ?? []
    equal([n, data instanceof Uint8Array ? [...data] : 'no Uint8Array'], [1, [...bytes]])
  },
  'a part of another epoch, or of a session that was deleted, is refused': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    if (storage.keepPart === undefined) return
    const newer = await begin(storage, 'a')
    await refused(storage.keepPart('a', epoch, part(1)), 'STALE_EPOCH')
    await storage.keepPart('a', newer, part(1))
    await storage.compact('a', newer, inParts(1, 1, 1))
    await storage.delete('a')
    await refused(storage.keepPart('a', newer, part(2)), 'STALE_EPOCH')
    equal(await storage.read('a'), undefined)
  },
  'parts are set aside and exported with their snapshot, and go with it': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    if (storage.keepPart === undefined) return
    await storage.keepPart('a', epoch, part(1))
    await storage.compact('a', epoch, inParts(1, 1, 1))
    await storage.quarantine('a')
    await storage.discard('a')
    const aside = (await storage.export('a'))?.quarantine[0]
    equal([aside?.snapshot, aside?.parts], [inParts(1, 1, 1), [part(1)]])
    const again = await begin(storage, 'a')
    await storage.compact('a', again, inParts(1, 1))
    equal(numbers(await storage.read('a')), [])
  },
}
