import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { StorageError } from '../../src/storage-errors'
import { memoryStorage } from '../../src/storage/adapters/memory'
import type { WriteOperation } from '../../src/storage/adapters/trouble'
import { virtualClock } from '../../src/testing/virtual-clock'
import { batch, begin, snapshot, written } from '../../src/testing/conformance/sample'
import { storageConformance } from '../../src/testing/conformance/storage-conformance'

const relaxed = { durability: 'relaxed' } as const

async function settles(call: Promise<unknown>): Promise<boolean> {
  let settled = false
  void call.catch(() => {}).finally(() => (settled = true))
  await virtualClock().advance(0)
  return settled
}

describe('memoryStorage does what every storage must', () => {
  const cases = storageConformance(() => {
    const storage = memoryStorage()
    return () => ({ ...storage })
  })
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('failAt', () => {
  it('fails the write with that number: appends, compactions and deletions count, reads and claims do not', async () => {
    const storage = memoryStorage({ failAt: 3 })
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), relaxed)
    await storage.read('a')
    await storage.list()
    await storage.compact('a', epoch, snapshot(1))
    await storage.quarantine('a')
    await expect(storage.append('a', epoch, batch(2), relaxed)).rejects.toBeInstanceOf(StorageError)
    expect((await storage.read('a'))?.head.seq).toBe(1)
    await storage.append('a', epoch, batch(2), relaxed)
    expect((await storage.read('a'))?.head.seq).toBe(2)
  })

  it('takes a predicate', async () => {
    const seen: [number, WriteOperation][] = []
    const storage = memoryStorage({
      failAt: (n, operation) => seen.push([n, operation]) > 0 && operation.kind === 'delete',
    })
    const epoch = await written(storage, 'a', 1)
    await storage.compact('a', epoch, snapshot(1))
    await expect(storage.delete('a')).rejects.toBeInstanceOf(StorageError)
    await expect(storage.discard('a')).rejects.toBeInstanceOf(StorageError)
    await expect(storage.clear('x')).rejects.toBeInstanceOf(StorageError)
    await expect(storage.clear()).rejects.toBeInstanceOf(StorageError)
    await storage.keepPart?.('a', epoch, [1, 'part'])
    await storage.writeFlow({ ...snapshot(1), applied: [] }, 0)
    expect(seen).toEqual([
      [1, { kind: 'append', id: 'a' }],
      [2, { kind: 'compact', id: 'a' }],
      [3, { kind: 'delete', id: 'a' }],
      [4, { kind: 'delete', id: 'a' }],
      [5, { kind: 'delete', id: 'x' }],
      [6, { kind: 'delete', id: '' }],
      [7, { kind: 'compact', id: 'a' }],
      [8, { kind: 'flow', id: 'checkout' }],
    ])
    expect((await storage.read('a'))?.head.seq).toBe(1)
  })
})

describe('crashAt and restart', () => {
  it('from that write on, nothing of that page lands and none of its calls settles', async () => {
    const storage = memoryStorage({ crashAt: 2 })
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), relaxed)
    const calls = [
      storage.append('a', epoch, batch(2), relaxed),
      storage.append('a', epoch, batch(3), relaxed),
      storage.compact('a', epoch, snapshot(2)),
      storage.delete('a'),
      storage.list(),
      storage.claim('a', { format: 1, workflow: 'w', version: 1 }, 1),
      storage.close(),
    ]
    expect(await Promise.all(calls.map(settles))).toEqual(calls.map(() => false))
    const next = storage.restart()
    expect((await next.read('a'))?.head.seq).toBe(1)
    await next.append('a', epoch, batch(2), relaxed)
    expect((await next.read('a'))?.head.seq).toBe(2)
  })

  it('a call under way when the page dies neither lands nor resolves', async () => {
    const storage = memoryStorage()
    const epoch = await begin(storage, 'a')
    const append = storage.append('a', epoch, batch(1), relaxed)
    const next = storage.restart()
    expect(await settles(append)).toBe(false)
    expect(await next.read('a')).toBeUndefined()
  })

  it('whenever the page dies, a call lands and resolves before that moment or never', async () => {
    for (let moment = 0; moment < 25; moment++) {
      const storage = memoryStorage()
      const epoch = await begin(storage, 'a')
      let answered = false
      void storage.append('a', epoch, batch(1), relaxed).then(() => (answered = true))
      for (let n = 0; n < moment; n++) await Promise.resolve()
      const next = storage.restart()
      await Promise.resolve()
      const before = answered
      const found = await next.read('a')
      await virtualClock().advance(0)
      expect([moment, answered, await next.read('a')]).toEqual([moment, before, found])
      if (answered) expect(found?.head.seq).toBe(1)
    }
  })

  it('restart() kills the old page, and may bring new faults', async () => {
    const storage = memoryStorage()
    const epoch = await written(storage, 'a', 1)
    const next = storage.restart({ failAt: 1 })
    expect(await settles(storage.append('a', epoch, batch(2), relaxed))).toBe(false)
    await expect(next.append('a', epoch, batch(2), relaxed)).rejects.toBeInstanceOf(StorageError)
    await next.append('a', epoch, batch(2), relaxed)
  })

  it('the next reader is the next page: it may write, and the writer before the crash may not', async () => {
    const storage = memoryStorage({ crashAt: 1 })
    const old = await begin(storage, 'a')
    expect(await settles(storage.append('a', old, batch(1), relaxed))).toBe(false)
    expect(await storage.read('a')).toBeUndefined()
    const epoch = await begin(storage, 'a')
    expect(await settles(storage.append('a', old, batch(1), relaxed))).toBe(false)
    await storage.append('a', epoch, batch(1), relaxed)
    expect((await storage.read('a'))?.head.seq).toBe(1)
  })

  it('the next reader, also of flow state, is the next page and has no trouble, whatever the predicate says', async () => {
    const storage = memoryStorage({ crashAt: () => true, failAt: () => true })
    const flow = { ...snapshot(1), applied: [] }
    expect(await settles(storage.writeFlow(flow, 0))).toBe(false)
    expect(await storage.readFlow('checkout')).toBeUndefined()
    expect(await storage.writeFlow(flow, 0)).toBe(true)
    expect(await storage.readFlow('checkout')).toEqual(flow)
  })

  it('a call under way in the dead page does not land in the next', async () => {
    const storage = memoryStorage({ crashAt: 2 })
    const epoch = await begin(storage, 'a')
    const underWay = storage.append('a', epoch, batch(1), relaxed)
    const fatal = storage.append('a', epoch, batch(2), relaxed)
    expect(await storage.read('a')).toBeUndefined()
    expect([await settles(underWay), await settles(fatal)]).toEqual([false, false])
    expect(await storage.read('a')).toBeUndefined()
  })

  it('after restart() no reader of the old storage becomes the next page', async () => {
    const storage = memoryStorage({ crashAt: 1 })
    const epoch = await begin(storage, 'a')
    void storage.append('a', epoch, batch(1), relaxed)
    storage.restart()
    expect(await settles(storage.read('a'))).toBe(false)
  })

  it('a copy of its methods crashes with it', async () => {
    const storage = memoryStorage({ crashAt: 1 })
    const copy = { ...storage }
    const epoch = await begin(copy, 'a')
    expect(await settles(storage.append('a', epoch, batch(1), relaxed))).toBe(false)
    expect(await settles(copy.append('a', epoch, batch(1), relaxed))).toBe(false)
  })
})

describe("without structuredClone, as in Jest's jsdom", () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('quarantine() / keeps a copy', async () => {
    vi.stubGlobal('structuredClone', undefined)
    const storage = memoryStorage()
    await storage.append('a', await begin(storage, 'a'), batch(1), relaxed)
    await storage.quarantine('a')
    expect(await storage.export('a')).toMatchObject({ quarantine: [{ head: { id: 'a' } }] })
  })
})

describe('a deleted session', () => {
  it('on a server that runs for months / leaves nothing in memory', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const storage = memoryStorage()
    const comeAndGo = async (from: number, to: number): Promise<number> => {
      for (let n = from; n < to; n++) {
        await begin(storage, `visitor-${n}`)
        await storage.delete(`visitor-${n}`)
      }
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = await comeAndGo(0, 500)
    expect((await comeAndGo(500, 20_500)) - before).toBeLessThan(1_000_000)
  })
})
