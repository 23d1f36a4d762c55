import { promisifyRequest } from 'idb-keyval'
import { cdp } from 'vitest/browser'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { nextTask, systemClock } from '../../../src/clock'
import { StorageError } from '../../../src/storage-errors'
import { connection } from '../../../src/storage/adapters/idb-connection'
import { indexedDBStorage } from '../../../src/storage/adapters/indexeddb'
import { desk, storedNotes } from '../../storage/desk'
import { batch, begin, snapshot, written } from '../../../src/testing/conformance/sample'
import { storageConformance } from '../../../src/testing/conformance/storage-conformance'

interface DevTools {
  send(method: string, params: Record<string, unknown>): Promise<unknown>
}

/** Chromium: a part of the origin's storage with a quota of its own. */
interface StorageBuckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>
  delete(name: string): Promise<void>
}

const strict = { durability: 'strict' } as const
const names = new Set<string>()

/** A database of its own for each test. */
function fresh(): string {
  const name = `test-${crypto.randomUUID()}`
  names.add(name)
  return name
}

/** What another tab, or the browser's settings page, does. */
function deleteFromOutside(name: string): Promise<'deleted' | 'blocked'> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve('deleted')
    request.onblocked = () => resolve('blocked')
    request.onerror = () => reject(request.error ?? new Error('not deleted'))
  })
}

/** Watches what a method of IndexedDB is called with, for this test. */
function spied<T extends object>(owner: T, method: keyof T & string): unknown[][] {
  const spy = vi.spyOn(owner as Record<string, (...call: unknown[]) => unknown>, method)
  onTestFinished(() => spy.mockRestore())
  return spy.mock.calls
}

function devTools(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
  return (cdp() as unknown as DevTools).send(method, { origin: location.origin, ...params })
}

afterEach(async () => {
  for (const name of names) await deleteFromOutside(name)
  names.clear()
})

describe('indexedDBStorage in a real browser does what every storage must', () => {
  const cases = storageConformance(() => {
    const name = fresh()
    return () => indexedDBStorage(name)
  })
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('transactions', () => {
  it('a write refused halfway leaves nothing', async () => {
    const storage = indexedDBStorage(fresh())
    const epoch = await written(storage, 'a', 2)
    const poison = { ...snapshot(2), data: { handler: () => 1 } }
    await expect(storage.compact('a', epoch, poison)).rejects.toMatchObject({
      code: 'STORAGE',
      cause: { name: 'DataCloneError' },
    })
    const stored = await storage.read('a')
    expect([stored?.batches.length, stored?.snapshot, stored?.head.snapshot]).toEqual([2, undefined, 0])
  })

  it('uses the durability that was asked for, and commits at once', async () => {
    const storage = indexedDBStorage(fresh())
    const epoch = await written(storage, 'a', 1)
    const begun = spied(IDBDatabase.prototype, 'transaction')
    const committed = spied(IDBTransaction.prototype, 'commit')
    await storage.append('a', epoch, batch(2), { durability: 'strict' })
    await storage.append('a', epoch, batch(3), { durability: 'relaxed' })
    expect(begun.map((call) => call[2])).toEqual([{ durability: 'strict' }, { durability: 'relaxed' }])
    expect(committed).toHaveLength(2)
  })

  it('two connections race for one session: each number is written by exactly one', async () => {
    const name = fresh()
    const tabs = [indexedDBStorage(name), indexedDBStorage(name)]
    for (let round = 0; round < 20; round++) {
      const id = `race ${round}`
      const wins = await Promise.all(
        tabs.map(async (tab, which) => {
          const epoch = await begin(tab, id)
          const landed: number[] = []
          for (let seq = 1; seq <= 10; seq++) {
            const done = await tab.append(id, epoch, { ...batch(seq), status: `tab ${which}` }, strict).then(
              () => true,
              () => false,
            )
            if (!done) break
            landed.push(seq)
          }
          return landed
        }),
      )
      const stored = await indexedDBStorage(name).read(id)
      expect(stored?.batches.map((it) => it.to)).toEqual(
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].slice(0, stored?.head.seq),
      )
      for (const [which, landed] of wins.entries()) {
        const own = stored?.batches.filter((it) => it.status === `tab ${which}`).map((it) => it.to)
        expect(landed).toEqual(own)
      }
    }
  })

  it('every append of an overtaken tab is refused', async () => {
    const name = fresh()
    const [old, taker] = [indexedDBStorage(name), indexedDBStorage(name)]
    const epoch = await written(old, 'a', 3)
    const { epoch: newer = 0 } = await taker.claim('a', { format: 1, workflow: 'checkout', version: 1 }, 3)
    const tries = Array.from({ length: 10 }, (_, at) => old.append('a', epoch, batch(4 + at), strict))
    const landed = taker.append('a', newer, batch(4), strict)
    const results = await Promise.allSettled(tries)
    await landed
    expect(
      new Set(
        results.map((it) => (it.status === 'rejected' ? (it.reason as { code: string }).code : 'landed')),
      ),
    ).toEqual(new Set(['STALE_EPOCH']))
    expect((await taker.read('a'))?.head.seq).toBe(4)
  })
})

describe('the connection', () => {
  it('gives way when the database is deleted from outside, and opens a new one', async () => {
    const name = fresh()
    const storage = indexedDBStorage(name)
    const epoch = await written(storage, 'a', 2)
    expect(await deleteFromOutside(name)).toBe('deleted')
    expect(await storage.read('a')).toBeUndefined()
    await expect(storage.append('a', epoch, batch(3), strict)).rejects.toMatchObject({ code: 'STALE_EPOCH' })
    expect(await written(storage, 'a', 1)).toBeGreaterThan(epoch)
  })

  it("does not block another's upgrade, and works after it", async () => {
    const name = fresh()
    const storage = indexedDBStorage(name)
    const epoch = await written(storage, 'a', 1)
    const upgraded = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name, 7)
      request.onsuccess = () => resolve(request.result)
      request.onblocked = () => reject(new Error('blocked'))
    })
    upgraded.close()
    await storage.append('a', epoch, batch(2), strict)
    expect((await storage.read('a'))?.head.seq).toBe(2)
  })

  it('comes back after the browser cleared the site’s data', async () => {
    const storage = indexedDBStorage(fresh())
    const epoch = await written(storage, 'a', 2)
    await devTools('Storage.clearDataForOrigin', { storageTypes: 'indexeddb' })
    await expect
      .poll(() => storage.append('a', epoch, batch(3), strict).catch((it: Error) => it.name))
      .toBe('StaleEpochError')
    await written(storage, 'a', 1)
    expect((await storage.read('a'))?.head.seq).toBe(1)
  })

  it('a transaction under way when the browser clears the site’s data is done again', async () => {
    const { transact, close } = connection(fresh())
    onTestFinished(close)
    let tries = 0
    const write = async (store: IDBObjectStore): Promise<void> => {
      tries++
      store.put(tries, 'tries')
      // Holds the transaction open until it is taken away.
      const cleared = tries > 1 || devTools('Storage.clearDataForOrigin', { storageTypes: 'indexeddb' })
      while (cleared !== true) await promisifyRequest(store.get('tries'))
    }
    await transact('readwrite', 'relaxed', write)
    expect(await transact('readonly', 'relaxed', (store) => promisifyRequest(store.get('tries')))).toBe(2)
  })

  it('a full disk is a StorageError that says so, and what is stored stays as it was', async () => {
    const buckets = (navigator as unknown as { storageBuckets: StorageBuckets }).storageBuckets
    const bucket = await buckets.open('small', { quota: 1_000_000 })
    const storage = indexedDBStorage(fresh())
    const real = indexedDB
    vi.stubGlobal('indexedDB', bucket.indexedDB)
    onTestFinished(async () => {
      vi.stubGlobal('indexedDB', real)
      await storage.close()
      await buckets.delete('small')
    })
    const { write, journal, errors } = await desk({ storage })
    write()
    await journal.flush()
    // Chromium is generous: sometimes it refuses only the next large write after the quota was passed.
    const filler = await begin(storage, 'filler')
    const large = { ...batch(1), data: 'x'.repeat(20_000_000) }
    await storage.append('filler', filler, large, strict).catch((it: unknown) => it)
    write('strict', 20_000_000)
    const error = await journal.flush().catch((it: unknown) => it)
    expect(error).toBeInstanceOf(StorageError)
    expect(String(error)).toContain('QuotaExceededError')
    expect(journal.persistence).toMatchObject({ status: 'unsaved', error })
    expect(errors).toEqual([error])
    expect(await storedNotes(storage)).toEqual([1])
    journal.abandon()
  })
})

describe('in real time', () => {
  it('what a journal writes, the next page finds', async () => {
    const name = fresh()
    const { write, journal, shown } = await desk({ storage: indexedDBStorage(name), clock: systemClock })
    write('strict')
    write('strict')
    await journal.durable(2)
    write('relaxed')
    await journal.close()
    expect(shown).toEqual(['saving', 'saved', 'saving', 'saved'])
    expect(await storedNotes(indexedDBStorage(name))).toEqual([1, 2, 3])
  })

  it('21 quick changes are one or two writes, and the last change is there', async () => {
    const name = fresh()
    const { write, journal } = await desk({ storage: indexedDBStorage(name), clock: systemClock })
    const puts = spied(IDBObjectStore.prototype, 'put')
    for (let n = 0; n < 21; n++) write('relaxed')
    await journal.flush()
    expect(puts.length).toBeLessThanOrEqual(4)
    expect((await storedNotes(indexedDBStorage(name))).at(-1)).toBe(21)
  })

  it('a snapshot is made when the browser is idle', async () => {
    const storage = indexedDBStorage(fresh())
    const { write, journal } = await desk({ storage, clock: systemClock })
    write('strict', 300_000)
    await journal.flush()
    await expect.poll(async () => (await storage.read('a'))?.snapshot?.seq).toBe(1)
    expect((await storage.read('a'))?.batches).toEqual([])
    write()
    await journal.flush()
    expect(await storedNotes(storage)).toEqual([1, 2])
  })

  it('nextTask comes after microtasks, in order', async () => {
    const order: string[] = []
    const done = new Promise<void>((resolve) => {
      nextTask(() => order.push('task 1'))
      nextTask(() => resolve(void order.push('task 2')))
    })
    void Promise.resolve().then(() => order.push('microtask'))
    await done
    expect(order).toEqual(['microtask', 'task 1', 'task 2'])
  })
})
