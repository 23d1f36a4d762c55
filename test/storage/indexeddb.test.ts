import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { promisifyRequest } from 'idb-keyval'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { StorageError } from '../../src/storage-errors'
import { connection } from '../../src/storage/adapters/idb-connection'
import { indexedDBStorage } from '../../src/storage/adapters/indexeddb'
import { loadStored } from '../../src/storage/load'
import { jsonSerializer } from '../../src/storage/serializer'
import { batch, begin, snapshot, written } from '../../src/testing/conformance/sample'
import { storageConformance } from '../../src/testing/conformance/storage-conformance'
import { unhandled } from '../support/flows'

const strict = { durability: 'strict' } as const

beforeEach(() => {
  Object.assign(globalThis, { indexedDB: new IDBFactory(), IDBKeyRange })
})

/** Changes one thing of IndexedDB for this test. */
function replace<T extends object, K extends keyof T>(owner: T, key: K, value: T[K]): void {
  const before = owner[key]
  owner[key] = value
  onTestFinished(() => {
    owner[key] = before
  })
}

/** Lets the first calls of `open` fail with these errors; `undefined` lets one through. */
function failingOpen(...failures: (string | undefined)[]): string[] {
  const names: string[] = []
  const open = indexedDB.open.bind(indexedDB)
  indexedDB.open = (name) => {
    names.push(name)
    const failure = failures.shift()
    if (failure === undefined) return open(name)
    const request = { error: new DOMException('Internal error.', failure) } as unknown as IDBOpenDBRequest
    queueMicrotask(() => request.onerror?.(new Event('error')))
    return request
  }
  return names
}

function openPlain(name: string, setUp: (db: IDBDatabase) => void = () => {}): Promise<IDBDatabase> {
  const request = indexedDB.open(name)
  request.onupgradeneeded = () => setUp(request.result)
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('open failed'))
  })
}

async function prototypeOf(): Promise<IDBDatabase> {
  return Object.getPrototypeOf(await openPlain('dogear')) as IDBDatabase
}

describe('indexedDBStorage does what every storage must', () => {
  it.each(storageConformance(() => () => indexedDBStorage()))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('the database', () => {
  it('without IndexedDB every call rejects and says so', async () => {
    Reflect.deleteProperty(globalThis, 'indexedDB')
    const storage = indexedDBStorage()
    for (const call of [storage.read('a'), storage.list(), storage.delete('a'), begin(storage, 'a')]) {
      await expect(call).rejects.toThrow(new StorageError('there is no IndexedDB here'))
    }
    await storage.close()
  })

  it('nothing is opened before the first call', () => {
    const names = failingOpen()
    indexedDBStorage()
    expect(names).toEqual([])
  })

  it('is opened once for many simultaneous calls', async () => {
    const names = failingOpen()
    const storage = indexedDBStorage('mine')
    await Promise.all([storage.read('a'), storage.list(), written(storage, 'b', 2)])
    expect(names).toEqual(['mine'])
  })

  it('a failed open is tried again by the next call', async () => {
    const names = failingOpen('AbortError', 'AbortError')
    const storage = indexedDBStorage()
    await expect(storage.read('a')).rejects.toMatchObject({ code: 'STORAGE', cause: { name: 'AbortError' } })
    expect(await storage.read('a')).toBeUndefined()
    expect(names).toEqual(['dogear', 'dogear', 'dogear'])
  })

  it('damaged files: tried twice, then the next name, which is kept from then on', async () => {
    const names = failingOpen('UnknownError', 'UnknownError')
    const storage = indexedDBStorage()
    await written(storage, 'a', 2)
    expect((await storage.read('a'))?.head.seq).toBe(2)
    expect(names).toEqual(['dogear', 'dogear', 'dogear-2'])
  })

  it.each(['UnknownError', 'AbortError'])(
    'an %s that passes / tried again, under the same name',
    async (error) => {
      const names = failingOpen(error)
      await written(indexedDBStorage(), 'a', 1)
      expect(names).toEqual(['dogear', 'dogear'])
    },
  )

  it('an AbortError and then an UnknownError / nothing is begun under another name; tried again by the next call', async () => {
    const names = failingOpen('AbortError', 'UnknownError')
    const storage = indexedDBStorage()
    await expect(storage.read('a')).rejects.toMatchObject({ cause: { name: 'UnknownError' } })
    expect(await storage.read('a')).toBeUndefined()
    expect(names).toEqual(['dogear', 'dogear', 'dogear'])
  })

  it('files that a killed browser still holds / it waits for them, and begins no empty database beside them', async () => {
    const real = indexedDB.open.bind(indexedDB)
    await written(indexedDBStorage(), 'a', 2)
    const freed = performance.now() + 200
    const names: string[] = []
    replace(indexedDB, 'open', (name) => {
      names.push(name)
      if (performance.now() < freed)
        throw new DOMException('Internal error opening backing store', 'UnknownError')
      return real(name)
    })
    expect((await indexedDBStorage().read('a'))?.head.seq).toBe(2)
    expect(new Set(names)).toEqual(new Set(['dogear']))
  })

  it('after three names it gives up, and says why', async () => {
    failingOpen(...Array.from({ length: 6 }, () => 'UnknownError'))
    await expect(indexedDBStorage().read('a')).rejects.toMatchObject({
      code: 'STORAGE',
      cause: { name: 'UnknownError' },
    })
  })

  it('a database of somebody else is left alone', async () => {
    ;(await openPlain('dogear', (db) => db.createObjectStore('theirs'))).close()
    await written(indexedDBStorage(), 'a', 1)
    expect((await openPlain('dogear')).objectStoreNames).toHaveLength(1)
    expect((await openPlain('dogear-2')).objectStoreNames).toContain('sessions')
  })

  it('three databases of others are an error', async () => {
    for (const name of ['dogear', 'dogear-2', 'dogear-3'])
      await openPlain(name, (db) => db.createObjectStore('theirs'))
    await expect(indexedDBStorage().list()).rejects.toThrow('somebody else')
  })

  it('a connection closed by the browser is opened again', async () => {
    const storage = indexedDBStorage()
    const epoch = await written(storage, 'a', 1)
    const { transaction } = Object.getPrototypeOf(await openPlain('other')) as IDBDatabase
    const prototype = Object.getPrototypeOf(await openPlain('other')) as IDBDatabase
    let closed = 1
    replace(prototype, 'transaction', function (this: IDBDatabase, ...call) {
      if (closed-- > 0) throw new DOMException('The database connection is closing.', 'InvalidStateError')
      return transaction.apply(this, call)
    })
    await storage.append('a', epoch, batch(2), strict)
    closed = 5
    await expect(storage.append('a', epoch, batch(3), strict)).rejects.toMatchObject({ code: 'STORAGE' })
    closed = 0
    expect((await storage.read('a'))?.head.seq).toBe(2)
  })

  it('gives way when another tab deletes it, and starts anew', async () => {
    const storage = indexedDBStorage()
    const epoch = await written(storage, 'a', 1)
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase('dogear')
      request.onsuccess = () => resolve()
      request.onblocked = () => reject(new Error('blocked'))
    })
    expect(await storage.read('a')).toBeUndefined()
    await expect(storage.append('a', epoch, batch(2), strict)).rejects.toMatchObject({ code: 'STALE_EPOCH' })
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 1)
    expect(await written(storage, 'a', 1)).toBeGreaterThan(epoch)
    vi.restoreAllMocks()
  })
})

describe('the database is closed at any moment of a call, and cannot be opened again', () => {
  it.each(Array.from({ length: 12 }, (_, n) => [n]))(
    'after %i turns of the microtask queue / no rejection is left to nobody',
    async (turns) => {
      const storage = indexedDBStorage()
      await begin(storage, 'a')
      failingOpen(...Array.from({ length: 6 }, () => 'VersionError'))
      const heard = await unhandled(async () => {
        const reading = storage.read('a').catch(() => {})
        for (let n = 0; n < turns; n++) await Promise.resolve()
        void storage.close()
        await reading
      })
      expect(heard).toEqual([])
    },
  )
})

describe('a page that is left', () => {
  function anyPage(): EventTarget {
    const page = new EventTarget()
    Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) })
    onTestFinished(() => void Reflect.deleteProperty(globalThis, 'addEventListener'))
    return page
  }

  it('aborts what is under way, begins nothing, and does it all when it is shown again', async () => {
    const page = anyPage()
    const storage = indexedDBStorage()
    const epoch = await written(storage, 'a', 2)
    const begun = vi.spyOn(await prototypeOf(), 'transaction')
    onTestFinished(() => begun.mockRestore())
    const calls = [storage.append('a', epoch, batch(3), strict), storage.list()]
    await Promise.resolve()
    storage.release?.()
    const later = storage.list()
    const other = indexedDBStorage()
    // This page blocks no other.
    expect((await other.read('a'))?.head.seq).toBe(2)
    const before = begun.mock.calls.length
    await new Promise((resolve) => setImmediate(resolve))
    expect(begun.mock.calls.length).toBe(before)
    page.dispatchEvent(new Event('pageshow'))
    await Promise.all([...calls, later])
    expect((await storage.read('a'))?.head.seq).toBe(3)
  })

  it('while its database is being opened / writes nothing before it is shown again', async () => {
    const page = anyPage()
    const other = indexedDBStorage()
    const epoch = await written(other, 'a', 2)
    const storage = indexedDBStorage()
    const call = storage.append('a', epoch, batch(3), strict)
    storage.release?.()
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
    expect((await other.read('a'))?.head.seq).toBe(2)
    page.dispatchEvent(new Event('pageshow'))
    await call
    expect((await other.read('a'))?.head.seq).toBe(3)
  })

  it('and stays after all / goes on after a second', async () => {
    const storage = indexedDBStorage()
    const epoch = await written(storage, 'a', 2)
    storage.release?.()
    await storage.append('a', epoch, batch(3), strict)
    expect((await storage.read('a'))?.head.seq).toBe(3)
  })
})

describe('transactions', () => {
  it('an append reads the head and nothing else, and writes head and batch', async () => {
    const storage = indexedDBStorage()
    const epoch = await written(storage, 'a', 3)
    await storage.compact('a', epoch, { ...snapshot(3), data: 'x'.repeat(1_000_000) })
    const prototype = Object.getPrototypeOf(
      (await openPlain('dogear')).transaction('sessions').objectStore('sessions'),
    ) as IDBObjectStore
    const log: string[] = []
    for (const method of ['get', 'put', 'getAll', 'openCursor', 'delete'] as const) {
      const original = prototype[method] as (...call: unknown[]) => IDBRequest
      replace(prototype, method, function (this: IDBObjectStore, ...call: unknown[]) {
        log.push(`${method} ${JSON.stringify(method === 'put' ? call[1] : call[0])}`)
        return original.apply(this, call)
      })
    }
    await storage.append('a', epoch, batch(4), strict)
    expect(log).toEqual(['get ["h","a",0]', 'put ["j","a",4]', 'put ["h","a",0]'])
  })

  it('an append writes little more than its change', async () => {
    const storage = indexedDBStorage()
    const id = 'cart-0123456789'
    await written(storage, id, 3)
    const { default: v8 } = await import('node:v8')
    const head = (await storage.read(id))?.head
    const { from, to, at, status, sum } = batch(4)
    const bytes = v8.serialize([from, to, at, status, '', sum]).length + v8.serialize(head).length
    expect(bytes).toBeLessThan(210)
  })

  it('appends have the durability that was asked for; snapshots and removals are strict', async () => {
    const storage = indexedDBStorage()
    const epoch = await written(storage, 'a', 1)
    const prototype = Object.getPrototypeOf(await openPlain('dogear')) as IDBDatabase
    const { transaction } = prototype
    const log: unknown[] = []
    replace(prototype, 'transaction', function (this: IDBDatabase, ...call) {
      log.push(call[2]?.durability)
      return transaction.apply(this, call)
    })
    await storage.append('a', epoch, batch(2), { durability: 'strict' })
    await storage.append('a', epoch, batch(3), { durability: 'relaxed' })
    await storage.compact('a', epoch, snapshot(3))
    await storage.quarantine('a')
    await storage.delete('a')
    expect(log).toEqual(['strict', 'relaxed', 'strict', 'strict', 'strict'])
  })

  it('writes before an error are undone', async () => {
    const { transact } = connection('dogear')
    const failed = transact('readwrite', 'strict', (store) => {
      store.put('value', ['x'])
      throw new RangeError('halfway')
    })
    await expect(failed).rejects.toMatchObject({ code: 'STORAGE', cause: expect.any(RangeError) as unknown })
    const read = transact('readonly', 'relaxed', (store) => promisifyRequest<unknown>(store.get(['x'])))
    expect(await read).toBeUndefined()
  })

  it.each([null, { seq: 3 }, { seq: 3, id: 7 }])(
    'a head that is %j / the other sessions are listed',
    async (head) => {
      const storage = indexedDBStorage()
      await written(storage, 'a', 2)
      const store = (await openPlain('dogear')).transaction('sessions', 'readwrite').objectStore('sessions')
      store.put(head, ['h', 'b', 0])
      expect((await storage.list()).map(({ id }) => id)).toEqual(['a'])
    },
  )

  it.each(['', 'x', NaN, {}])(
    'a count of epochs that is %j / claims go on, each above the last',
    async (count) => {
      const storage = indexedDBStorage()
      const epoch = await written(storage, 'a', 2)
      const store = (await openPlain('dogear')).transaction('sessions', 'readwrite').objectStore('sessions')
      store.put(count, ['e', '', 0])
      const next = await begin(storage, 'a')
      expect(Number.isSafeInteger(next)).toBe(true)
      expect(next).toBeGreaterThan(epoch)
      expect(await begin(storage, 'b')).toBe(next + 1)
    },
  )

  it.each([NaN, {}, true])(
    'a head whose epoch is %j / what is stored is set aside all the same',
    async (epoch) => {
      const storage = indexedDBStorage()
      await written(storage, 'a', 2)
      const head = (await storage.read('a'))?.head
      const store = (await openPlain('dogear')).transaction('sessions', 'readwrite').objectStore('sessions')
      store.put({ ...head, epoch }, ['h', 'a', 0])
      await storage.quarantine('a')
      expect((await storage.export('a'))?.quarantine).toMatchObject([{ head: { epoch, seq: 2 } }])
    },
  )

  it('a session without its head is damaged, not fresh', async () => {
    const storage = indexedDBStorage()
    await written(storage, 'a', 2)
    const store = (await openPlain('dogear')).transaction('sessions', 'readwrite').objectStore('sessions')
    store.delete(['h', 'a', 0])
    await expect(loadStored(storage, 'a', jsonSerializer)).rejects.toMatchObject({
      code: 'UNREADABLE_RECORD',
    })
    await storage.quarantine('a')
    await storage.discard('a')
    expect((await storage.export('a'))?.quarantine).toHaveLength(1)
    expect(await storage.read('a')).toBeUndefined()
  })
})
