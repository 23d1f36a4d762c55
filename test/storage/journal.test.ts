import { describe, expect, it, onTestFinished } from 'vitest'
import { TimeoutError } from '../../src/errors'
import { StaleEpochError, StorageError } from '../../src/storage-errors'
import { memoryStorage } from '../../src/storage/adapters/memory'
import { jsonSerializer } from '../../src/storage/serializer'
import type { SessionStorage } from '../../src/storage/storage'
import { virtualClock } from '../../src/testing/virtual-clock'
import { desk, notes, storedNotes, watched } from './desk'

/** A storage whose appends wait until they are let go: `next()` lets one land, `next(error)` fails one. */
function held(inner: SessionStorage): {
  storage: SessionStorage
  next: (error?: Error) => Promise<void>
  waiting: () => number
} {
  const queue: ((error?: Error) => void)[] = []
  const gate = (): Promise<void> =>
    new Promise((resolve, reject) => queue.push((error) => (error ? reject(error) : resolve())))
  return {
    storage: { ...inner, append: (...call) => gate().then(() => inner.append(...call)) },
    async next(error) {
      queue.shift()?.(error)
      await virtualClock().advance(0)
    },
    waiting: () => queue.length,
  }
}

function noUnhandled(): void {
  const seen: unknown[] = []
  const see = (reason: unknown): number => seen.push(reason)
  process.on('unhandledRejection', see)
  onTestFinished(async () => {
    await virtualClock().advance(0)
    process.off('unhandledRejection', see)
    expect(seen).toEqual([])
  })
}

describe('batches', () => {
  it('the records of one burst are one batch, written at its end', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { journal, write } = await desk({ storage, clock })
    write()
    await Promise.resolve()
    write()
    write()
    expect(log).toEqual([])
    await clock.advance(0)
    expect(log).toEqual(['1-3 strict'])
    expect(journal.persistence).toEqual({ status: 'saved', savedAt: clock.now() })
  })

  it('a burst of 700 records / 600 are written before its end, the others together at its end', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write } = await desk({ storage, clock })
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < 100; turn++) await Promise.resolve()
    }
    for (let n = 0; n < 599; n++) write()
    await turns()
    expect(log).toEqual([])
    for (let n = 599; n < 700; n++) {
      write()
      await turns()
    }
    expect(log).toEqual(['1-600 strict'])
    await clock.advance(0)
    expect(log).toEqual(['1-600 strict', '601-700 strict'])
  })

  it('a burst of 2,000 records, some of them during a write / few batches, and all are written', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write } = await desk({ storage, clock })
    for (let n = 0; n < 2_000; n++) {
      write()
      await Promise.resolve()
    }
    await clock.advance(0)
    expect(log.length).toBeLessThan(5)
    expect(log.at(-1)).toMatch(/-2000 strict$/)
  })

  it('one write at a time; records that arrive meanwhile join the next batch', async () => {
    const clock = virtualClock()
    const { storage: inner, log } = watched()
    const { storage, next, waiting } = held(inner)
    const { write, shown } = await desk({ storage, clock })
    write()
    await clock.advance(0)
    write()
    write()
    await clock.advance(0)
    expect([log, waiting()]).toEqual([[], 1])
    await next()
    write()
    expect([log, waiting()]).toEqual([['1-1 strict'], 1])
    await next()
    await next()
    expect(log).toEqual(['1-1 strict', '2-3 strict', '4-4 strict'])
    expect(shown).toEqual(['saving', 'saved'])
  })

  it('a record pushed at any moment after a write is written at once', async () => {
    for (let moment = 0; moment < 40; moment++) {
      const clock = virtualClock()
      const storage = memoryStorage()
      const { write, journal } = await desk({ storage, clock })
      write()
      await journal.durable(1)
      for (let n = 0; n < moment / 2; n++) await Promise.resolve()
      write()
      if (moment % 2 === 0) await journal.flush()
      else await clock.advance(0)
      expect([moment, journal.persistence.status]).toEqual([moment, 'saved'])
    }
  })

  it('a batch is strict when one of its records is; later ones are not', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write } = await desk({ storage, clock })
    write('relaxed')
    write('strict')
    write('relaxed')
    await clock.advance(0)
    write('relaxed')
    await clock.advance(150)
    expect(log).toEqual(['1-2 strict', '3-3 relaxed'])
  })

  it('a record can be extended until its batch is written', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const { journal, write, pages } = await desk({ storage, clock })
    const first = write('relaxed')
    expect(journal.isOpen(first)).toBe(true)
    write('relaxed')
    expect(first.notes).toEqual([1, 2])
    await clock.advance(150)
    expect(journal.isOpen(first)).toBe(false)
    write('relaxed')
    expect(pages.map((it) => it.notes)).toEqual([[1, 2], [3]])
    await journal.flush()
    expect(await storedNotes(storage)).toEqual([1, 2, 3])
  })

  it('a record can no longer be extended once another follows it', async () => {
    const { journal, write } = await desk()
    const first = write('strict')
    const second = write('strict')
    expect([journal.isOpen(first), journal.isOpen(second)]).toEqual([false, true])
  })

  it('an asynchronous serializer keeps the order', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    let slow = 100
    const serializer = {
      ...jsonSerializer,
      async serialize(value: unknown) {
        const text = jsonSerializer.serialize(value)
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, (slow /= 2)))
        return text
      },
    }
    const { journal, write } = await desk({ storage, clock, deps: { serializer } })
    for (let n = 0; n < 5; n++) {
      write()
      await clock.advance(10)
    }
    await clock.advance(1000)
    expect(journal.persistence.status).toBe('saved')
    expect(await storedNotes(storage)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('field edits', () => {
  it('are written 150 ms after the last one', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write, journal } = await desk({ storage, clock })
    for (let n = 0; n < 5; n++) {
      write('relaxed')
      await clock.advance(100)
    }
    expect([log, journal.persistence.status]).toEqual([[], 'saving'])
    await clock.advance(50)
    expect([log, journal.persistence.status]).toEqual([['1-1 relaxed'], 'saved'])
    expect(clock.pending).toBe(0)
  })

  it('and at the latest 1 s after the first', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write } = await desk({ storage, clock })
    for (let n = 0; n < 10; n++) {
      write('relaxed')
      await clock.advance(n === 9 ? 99 : 100)
    }
    expect(log).toEqual([])
    await clock.advance(1)
    expect(log).toEqual(['1-1 relaxed'])
  })

  it('look at the clock once for each task, however many they are', async () => {
    const clock = virtualClock()
    let looks = 0
    const { write } = await desk({ clock: { ...clock, now: () => (looks++, clock.now()) } })
    write('relaxed')
    await Promise.resolve()
    const looksOf = async (edits: number): Promise<number> => {
      looks = 0
      for (let n = 0; n < edits; n++) write('relaxed')
      await Promise.resolve()
      return looks
    }
    expect(await looksOf(100)).toBe(await looksOf(1))
  })

  it('are written along with whatever is written at once', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write } = await desk({ storage, clock })
    write('relaxed')
    write('strict')
    write('relaxed')
    await clock.advance(0)
    expect(log).toEqual(['1-2 strict'])
    expect(clock.pending).toBe(0)
  })

  it('that arrive during a write wait for their own time', async () => {
    const clock = virtualClock()
    const { storage: inner, log } = watched()
    const { storage, next } = held(inner)
    const { write, shown } = await desk({ storage, clock })
    write('strict')
    await clock.advance(0)
    write('relaxed')
    await next()
    expect([log, shown]).toEqual([['1-1 strict'], ['saving']])
    await clock.advance(150)
    await next()
    expect([log, shown]).toEqual([
      ['1-1 strict', '2-2 relaxed'],
      ['saving', 'saved'],
    ])
  })
})

describe('flush, durable, close', () => {
  it('flush writes field edits at once', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const { write, journal } = await desk({ storage, clock })
    write('relaxed')
    await journal.flush()
    expect(await storedNotes(storage)).toEqual([1])
    expect(clock.pending).toBe(0)
  })

  it('flush with nothing to write resolves', async () => {
    const { journal, shown } = await desk()
    await journal.flush()
    expect(shown).toEqual([])
  })

  it('flush waits for what was pushed before it, not for what came after', async () => {
    const clock = virtualClock()
    const { storage, next } = held(memoryStorage())
    const { write, journal } = await desk({ storage, clock })
    let flushed = false
    write()
    await clock.advance(0)
    write()
    const flush = journal.flush().then(() => (flushed = true))
    await next()
    expect(flushed).toBe(false)
    write()
    await next()
    await flush
    expect(journal.persistence.status).toBe('saving')
  })

  it('durable resolves when that record is stored', async () => {
    const clock = virtualClock()
    const { storage, next } = held(memoryStorage())
    const { write, journal } = await desk({ storage, clock })
    const done: number[] = []
    write()
    void journal.durable(1).then(() => done.push(1))
    await clock.advance(0)
    write()
    void journal.durable(2).then(() => done.push(2))
    await next()
    expect(done).toEqual([1])
    await next()
    expect(done).toEqual([1, 2])
    await journal.durable(2)
  })

  it('durable resolves at once in an outage: storage trouble never stops the flow', async () => {
    noUnhandled()
    const clock = virtualClock()
    const { write, journal } = await desk({ clock, storage: memoryStorage({ failAt: () => true }) })
    write()
    await journal.durable(1)
    write()
    await journal.durable(2)
    expect(journal.persistence.status).toBe('unsaved')
  })

  it('close flushes, stops, and may be called twice', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const { write, journal } = await desk({ storage, clock })
    write('relaxed')
    await Promise.all([journal.close(), journal.close()])
    expect(await storedNotes(storage)).toEqual([1])
    write('strict')
    write('relaxed')
    expect(clock.pending).toBe(0)
    await clock.advance(60_000)
    expect(await storedNotes(storage)).toEqual([1])
    await expect(journal.flush()).rejects.toBeInstanceOf(StorageError)
    expect(clock.pending).toBe(0)
  })

  it('close rejects when its flush fails, and the journal is closed', async () => {
    noUnhandled()
    const clock = virtualClock()
    const { write, journal } = await desk({ clock, storage: memoryStorage({ failAt: () => true }) })
    write()
    await expect(journal.close()).rejects.toBeInstanceOf(StorageError)
    expect(clock.pending).toBe(0)
  })

  it('abandon: no more writes, and no promise settles', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write, journal } = await desk({ storage, clock })
    let answered = false
    write()
    void journal.durable(1).finally(() => (answered = true))
    void journal.flush().finally(() => (answered = true))
    write()
    journal.abandon()
    write()
    await clock.advance(60_000)
    expect([log, answered, clock.pending]).toEqual([[], false, 0])
  })

  it('abandon during serialization: nothing is written', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const serializer = {
      ...jsonSerializer,
      serialize: async (value: unknown) =>
        new Promise<unknown>((resolve) => {
          clock.setTimeout(() => resolve(JSON.stringify(value)), 100)
        }),
    }
    const { write, journal } = await desk({ storage, clock, deps: { serializer } })
    write()
    await clock.advance(50)
    journal.abandon()
    await clock.advance(1000)
    expect(log).toEqual([])
  })
})

describe('trouble', () => {
  it('a failed write is reported once, tried again after 1, 2, 4 ... 30 s, and then saved in order', async () => {
    noUnhandled()
    const clock = virtualClock()
    const tries: number[] = []
    const start = clock.now()
    const inner = memoryStorage({ failAt: (n) => n <= 8 })
    const storage: SessionStorage = {
      ...inner,
      append(...call) {
        tries.push((clock.now() - start) / 1000)
        return inner.append(...call)
      },
    }
    const { write, journal, shown, errors } = await desk({ storage, clock })
    write()
    await clock.advance(0)
    expect(journal.persistence).toMatchObject({
      status: 'unsaved',
      error: expect.any(StorageError) as unknown,
    })
    await clock.advance(200_000)
    expect(tries).toEqual([0, 1, 3, 7, 15, 31, 61, 91, 121])
    expect(shown).toEqual(['saving', 'unsaved', 'saved'])
    expect(journal.persistence.error).toBeUndefined()
    expect(errors).toEqual([expect.any(StorageError)])
    expect(await storedNotes(inner)).toEqual([1])
  })

  it('two outages are reported twice', async () => {
    const clock = virtualClock()
    const { write, errors } = await desk({ clock, storage: memoryStorage({ failAt: (n) => n % 3 !== 0 }) })
    write()
    await clock.advance(5000)
    write()
    await clock.advance(5000)
    expect(errors).toHaveLength(2)
  })

  it('the next push tries again at once, but only once a second', async () => {
    const clock = virtualClock()
    let tries = 0
    const inner = memoryStorage({ failAt: () => true })
    const storage: SessionStorage = { ...inner, append: (...call) => (tries++, inner.append(...call)) }
    const { write } = await desk({ storage, clock })
    write()
    await clock.advance(0)
    write('relaxed')
    await clock.advance(0)
    expect(tries).toBe(2)
    for (let n = 0; n < 50; n++) {
      write('strict')
      await clock.advance(10)
    }
    expect(tries).toBe(2)
  })

  it('a push after a short outage stores everything', async () => {
    const clock = virtualClock()
    const { storage, log } = watched(memoryStorage({ failAt: 1 }))
    const { write, journal } = await desk({ storage, clock })
    write()
    await clock.advance(0)
    write()
    await clock.advance(0)
    expect(log).toEqual(['1-1 strict', '1-1 strict', '2-2 strict'])
    expect(journal.persistence.status).toBe('saved')
  })

  it('flush forces a try, and rejects with the storage error', async () => {
    noUnhandled()
    const clock = virtualClock()
    const storage = memoryStorage({ failAt: (n) => n <= 2 })
    const { write, journal } = await desk({ storage, clock })
    write()
    await expect(journal.flush()).rejects.toMatchObject({ code: 'STORAGE' })
    await expect(journal.flush()).rejects.toMatchObject({ code: 'STORAGE' })
    await journal.flush()
    expect(await storedNotes(storage)).toEqual([1])
  })

  it('whatever a storage throws becomes a StorageError with that cause', async () => {
    for (const thrown of [new RangeError('odd'), 'text', undefined, null]) {
      const storage: SessionStorage = {
        ...memoryStorage(),
        append: () => Promise.reject(thrown),
      }
      const { write, journal, errors } = await desk({ storage })
      write()
      const error = await journal.flush().catch((it: unknown) => it)
      expect(error).toBeInstanceOf(StorageError)
      expect((error as Error).cause).toBe(thrown)
      expect(errors).toEqual([error])
      journal.abandon()
    }
  })

  it('a storage that throws instead of rejecting makes no difference', async () => {
    const storage: SessionStorage = {
      ...memoryStorage(),
      append() {
        throw new Error('in the call itself')
      },
    }
    const { write, journal } = await desk({ storage })
    write()
    await expect(journal.flush()).rejects.toThrow('in the call itself')
    journal.abandon()
  })

  it('a serializer or a claim that fails once is tried again', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    let calls = 0
    const serializer = {
      ...jsonSerializer,
      serialize(value: unknown) {
        if (++calls === 1) throw new Error('no key yet')
        return jsonSerializer.serialize(value)
      },
    }
    const { epoch = 0 } = await storage.claim('a', { format: 1, workflow: 'checkout', version: 1 }, 0)
    const claim = (): Promise<number> =>
      ++calls < 5 ? Promise.reject(new Error('no answer')) : Promise.resolve(epoch)
    const { write, journal } = await desk({
      storage: { ...storage, claim: () => Promise.resolve({ epoch, seq: 0 }) },
      clock,
      deps: { serializer, epoch: claim },
    })
    write()
    await clock.advance(20_000)
    expect(journal.persistence.status).toBe('saved')
    expect(await storedNotes(storage)).toEqual([1])
  })

  it('a call over its time limit is a failure; if it lands late, nothing is stored twice', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    let slow = true
    const storage: SessionStorage = {
      ...inner,
      async append(...call) {
        if (slow) await new Promise<void>((resolve) => void clock.setTimeout(resolve, 4500))
        slow = false
        return inner.append(...call)
      },
    }
    const { write, journal, errors } = await desk({ storage, clock })
    write()
    const flush = journal.flush().catch((error: unknown) => error)
    await clock.advance(3999)
    expect(journal.persistence.status).toBe('saving')
    await clock.advance(1)
    expect(journal.persistence.status).toBe('unsaved')
    const error = await flush
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ scope: 'storage', limit: 4000 })
    expect(errors).toEqual([error])
    write()
    await clock.advance(10_000)
    expect(journal.persistence.status).toBe('saved')
    expect(await storedNotes(inner)).toEqual([1, 2])
  })

  it('thousands of records in an outage become one snapshot', async () => {
    const clock = virtualClock()
    let broken = true
    const inner = memoryStorage({ failAt: () => broken })
    const { storage, log } = watched(inner)
    const { write, journal, pages } = await desk({ storage, clock })
    for (let n = 0; n < 5000; n++) {
      write()
      if (n % 100 === 0) await clock.advance(50)
    }
    broken = false
    log.length = 0
    await clock.advance(60_000)
    expect(journal.persistence.status).toBe('saved')
    expect(await storedNotes(inner)).toEqual(notes(pages))
    expect(log[0]).toMatch(/^snapshot \d{4}$/)
    expect(log.length).toBeLessThan(5)
  })

  it('that snapshot is not taken anew at each push, but of 2,000 more', async () => {
    const clock = virtualClock()
    let broken = true
    const inner = memoryStorage({ failAt: () => broken })
    const copies: number[] = []
    const { write, journal, pages } = await desk({
      storage: inner,
      clock,
      deps: {
        snapshot() {
          copies.push(pages.length)
          return { seq: pages.length, value: structuredClone(pages) }
        },
      },
    })
    write()
    await clock.advance(0)
    for (let n = 0; n < 9000; n++) write()
    expect(copies).toEqual([2002, 4003, 6004, 8005])
    broken = false
    await clock.advance(60_000)
    expect(journal.persistence.status).toBe('saved')
    expect(await storedNotes(inner)).toEqual(notes(pages))
  })
})

describe('another writer', () => {
  it('fences this one: outdated, reported once, goes on in memory', async () => {
    noUnhandled()
    const clock = virtualClock()
    const storage = memoryStorage()
    const old = await desk({ storage, clock })
    old.write()
    await old.journal.flush()
    const taker = await desk({ storage, clock })
    old.write()
    await expect(old.journal.flush()).rejects.toBeInstanceOf(StaleEpochError)
    expect(old.journal.persistence).toMatchObject({
      status: 'outdated',
      error: expect.any(StaleEpochError) as unknown,
    })
    old.write()
    await old.journal.durable(3)
    await expect(old.journal.flush()).rejects.toBeInstanceOf(StaleEpochError)
    await clock.advance(60_000)
    expect(old.errors).toHaveLength(1)
    expect(clock.pending).toBe(0)
    taker.write()
    await taker.journal.flush()
    expect(await storedNotes(storage)).toEqual([1, 2])
    expect(taker.journal.persistence.status).toBe('saved')
  })

  it('two engines write: only one of them gets through', async () => {
    const storage = memoryStorage()
    const [one, two] = [await desk({ storage }), await desk({ storage })]
    one.write()
    two.write()
    await Promise.allSettled([one.journal.flush(), two.journal.flush()])
    expect([one.journal.persistence.status, two.journal.persistence.status]).toEqual(['outdated', 'saved'])
    expect(await storedNotes(storage)).toEqual([1])
  })
})

describe('compaction', () => {
  it('happens when the journal outweighs the snapshot, in an idle moment', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    const { write, journal } = await desk({ storage, clock })
    for (let n = 0; n < 4; n++) {
      write('strict', 100_000)
      await journal.flush()
    }
    expect(log.filter((it) => it.startsWith('snapshot'))).toEqual([])
    await clock.advance(1)
    expect(log.filter((it) => it.startsWith('snapshot'))).toEqual(['snapshot 4'])
    expect(await storedNotes(storage)).toEqual([1, 2, 3, 4])
    expect((await storage.read('a'))?.batches).toEqual([])
    expect(journal.persistence.status).toBe('saved')
  })

  it('uses the idle time of the clock where it has one', async () => {
    const idle: (() => void)[] = []
    const clock = { ...virtualClock(), idle: (fn: () => void) => void idle.push(fn) }
    const storage = memoryStorage()
    const { write, journal } = await desk({ storage, clock })
    write('strict', 300_000)
    await journal.flush()
    await clock.advance(1000)
    expect([idle.length, (await storage.read('a'))?.snapshot]).toEqual([1, undefined])
    idle[0]?.()
    await clock.advance(0)
    expect((await storage.read('a'))?.snapshot?.seq).toBe(1)
  })

  it('costs no more than the changes, however large the state', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const bytes = { journal: 0, snapshot: 0 }
    const storage: SessionStorage = {
      ...inner,
      append: (id, epoch, batch, options) => (
        (bytes.journal += String(batch.data).length),
        inner.append(id, epoch, batch, options)
      ),
      compact: (id, epoch, snapshot) => (
        (bytes.snapshot += String(snapshot.data).length),
        inner.compact(id, epoch, snapshot)
      ),
    }
    const { write } = await desk({ storage, clock })
    for (let n = 0; n < 200; n++) {
      write('strict', 50_000)
      await clock.advance(2)
    }
    expect(bytes.journal).toBeGreaterThan(10_000_000)
    expect(bytes.snapshot).toBeLessThan(2.2 * bytes.journal)
    expect((await inner.list())[0]?.size).toBeLessThan(2.2 * bytes.journal)
  })

  it('also limits the number of small batches', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const { write } = await desk({ storage, clock })
    for (let n = 0; n < 600; n++) {
      write()
      await clock.advance(2)
    }
    expect((await storage.read('a'))?.batches.length).toBeLessThan(260)
    expect(await storedNotes(storage)).toHaveLength(600)
  })

  it('goes on where the last page stopped', async () => {
    const clock = virtualClock()
    const { storage, log } = watched()
    for (let page = 0; page < 6; page++) {
      const { write, journal } = await desk({ storage, clock })
      write('strict', 50_000)
      await journal.flush()
      await clock.advance(5)
      await journal.close()
    }
    expect(log.filter((it) => it.startsWith('snapshot'))).toEqual(['snapshot 6'])
  })

  it('counts the small batches of the last page too', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    for (let page = 0; page < 2; page++) {
      const { write, journal } = await desk({ storage, clock })
      for (let n = 0; n < 70; n++) {
        write()
        await journal.flush()
      }
      expect((await storage.read('a'))?.snapshot).toBeUndefined()
      if (page === 1) await clock.advance(5)
      await journal.close()
    }
    expect((await storage.read('a'))?.snapshot?.seq).toBe(140)
  })

  it('a session always closed before it is idle has no ever-growing journal', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    for (let page = 0; page < 300; page++) {
      const { write, journal } = await desk({ storage, clock })
      write()
      await journal.close()
    }
    expect((await storage.read('a'))?.batches.length).toBeLessThan(130)
    expect(await storedNotes(storage)).toHaveLength(300)
  })

  it('storage or session lost during the compaction of a close: the close resolves', async () => {
    const storage: SessionStorage = { ...memoryStorage(), compact: () => new Promise(() => {}) }
    for (const lost of ['the answer', 'the session']) {
      const clock = virtualClock()
      const { write, journal, errors } = await desk({ storage, clock })
      write('strict', 300_000)
      const closed = journal.close()
      await clock.advance(0)
      if (lost === 'the session') journal.abandon(new StorageError('another tab has it'))
      else await clock.advance(10_000)
      await expect(closed).resolves.toBeUndefined()
      expect(errors).toEqual([])
    }
    expect(await storedNotes(storage)).toEqual([1, 2])
  })

  it('an edit typed while the snapshot is stored gets a record of its own', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    let release = (): void => {}
    const storage: SessionStorage = {
      ...inner,
      async compact(...call) {
        await new Promise<void>((resolve) => (release = resolve))
        return inner.compact(...call)
      },
    }
    const { write, pages, journal } = await desk({ storage, clock })
    write('strict', 300_000)
    await journal.flush()
    write('relaxed')
    await clock.advance(1)
    expect(journal.isOpen(pages.at(-1)!)).toBe(false)
    write('relaxed')
    release()
    await clock.advance(0)
    expect(await storedNotes(inner)).toEqual([1, 2])
    expect(journal.persistence.status).toBe('saving')
    await clock.advance(150)
    expect(await storedNotes(inner)).toEqual([1, 2, 3])
    expect(journal.persistence.status).toBe('saved')
  })

  it('a failed snapshot is no outage, and is tried again later', async () => {
    const clock = virtualClock()
    let snapshots = 0
    const storage = memoryStorage({ failAt: (_n, { kind }) => kind === 'compact' && ++snapshots === 1 })
    const { write, errors, shown } = await desk({ storage, clock })
    for (let n = 0; n < 12; n++) {
      write('strict', 50_000)
      await clock.advance(5)
    }
    expect([snapshots, errors]).toEqual([2, []])
    expect(shown).not.toContain('unsaved')
    expect((await storage.read('a'))?.snapshot?.seq).toBeGreaterThan(6)
    expect(await storedNotes(storage)).toHaveLength(12)
  })

  it('a snapshot that timed out and lands late, before the next write, removes nothing', async () => {
    noUnhandled()
    const clock = virtualClock()
    const inner = memoryStorage()
    // As in IndexedDB: what is called later waits for what was called before.
    let last = Promise.resolve()
    const storage: SessionStorage = {
      ...inner,
      append: (...call) => (last = last.then(() => inner.append(...call))),
      compact: (...call) =>
        (last = last
          .then(() => new Promise<void>((resolve) => void clock.setTimeout(resolve, 5000)))
          .then(() => inner.compact(...call))),
    }
    const { write, journal, pages, errors } = await desk({ storage, clock })
    write('strict', 300_000)
    await journal.flush()
    const open = write('relaxed')
    await clock.advance(4002)
    expect(journal.isOpen(open)).toBe(false)
    write('relaxed')
    await clock.advance(10_000)
    expect(journal.persistence.status).toBe('saved')
    expect(errors.length).toBeLessThanOrEqual(1)
    expect((await inner.read('a'))?.snapshot?.seq).toBe(2)
    expect(await storedNotes(inner)).toEqual(notes(pages))
  })

  it('with an older copy keeps the records after it', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const { write, pages } = await desk({
      storage,
      clock,
      deps: { snapshot: () => ({ seq: 3, value: structuredClone(pages.slice(0, 3)) }) },
    })
    for (let n = 0; n < 8; n++) {
      write('strict', 50_000)
      await clock.advance(5)
    }
    expect((await storage.read('a'))?.snapshot?.seq).toBe(3)
    expect(await storedNotes(storage)).toHaveLength(8)
  })
})
