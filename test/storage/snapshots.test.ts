import { describe, expect, it } from 'vitest'
import { checksum } from '../../src/storage/checksum'
import { loadStored } from '../../src/storage/load'
import { Refusal } from '../../src/storage/refusal'
import { memoryStorage } from '../../src/storage/adapters/memory'
import type { MemoryStorage } from '../../src/storage/adapters/memory'
import { jsonSerializer } from '../../src/storage/serializer'
import type { SessionStorage, StoredSession } from '../../src/storage/storage'
import { structuredCloneSerializer } from '../../src/engine/structured-clone'
import { Snapshots } from '../../src/storage/snapshots'
import { Writer } from '../../src/storage/writer'
import { virtualClock } from '../../src/testing/virtual-clock'
import { desk, notes, shape, storedNotes } from './desk'
import type { Desk } from './desk'

const deps = { partSize: 20_000 }

/** What was asked of a storage, in order. */
function asked(inner: MemoryStorage): { storage: SessionStorage; log: string[] } {
  const log: string[] = []
  const storage: SessionStorage = {
    ...inner,
    append: (id, epoch, batch, ...rest) => (
      log.push(`append ${batch.to}`),
      inner.append(id, epoch, batch, ...rest)
    ),
    compact: (id, epoch, snapshot) => (
      log.push(`snapshot ${snapshot.seq}`),
      inner.compact(id, epoch, snapshot)
    ),
    keepPart: async (id, epoch, part) => {
      log.push(`part ${part[0]}`)
      return inner.keepPart?.(id, epoch, part)
    },
  }
  return { storage, log }
}

async function filled(page: Desk, count: number, ballast = 10_000): Promise<void> {
  for (let n = 0; n < count; n++) page.write('strict', ballast)
  await page.journal.flush()
}

/** A session whose snapshot is in parts, and nothing after it. */
async function inParts(inner = memoryStorage(), clock = virtualClock()): Promise<Desk> {
  const page = await desk({ storage: inner, clock, deps })
  await filled(page, 30)
  await clock.advance(1000)
  return page
}

describe('a snapshot in parts', () => {
  it('is written piece by piece, each in an idle moment, with saves in between', async () => {
    const idle: (() => void)[] = []
    const clock = { ...virtualClock(), idle: (fn: () => void) => void idle.push(fn) }
    const { storage, log } = asked(memoryStorage())
    const page = await desk({ storage, clock, deps })
    await filled(page, 30)
    log.length = 0
    const moment = async (): Promise<void> => {
      idle.shift()?.()
      await clock.advance(0)
    }
    await moment()
    // To find out that it is large was work enough for one moment.
    expect(log).toEqual([])
    await moment()
    expect(log).toEqual(['part 1'])
    page.write('strict')
    await page.journal.flush()
    await moment()
    expect(log).toEqual(['part 1', 'append 31', 'part 2'])
    page.write('strict')
    idle.shift()?.()
    await page.journal.flush()
    await clock.advance(0)
    while (idle.length > 0) await moment()
    expect(log.filter((it) => it.startsWith('append'))).toEqual(['append 31', 'append 32'])
    expect(log.at(-1)).toBe('snapshot 30')
    expect(await storedNotes(storage)).toEqual(notes(page.pages))
    expect((await storage.read('a'))?.batches.length).toBe(2)
  })

  it('the next one writes only what has changed, and removes what it replaces', async () => {
    const clock = virtualClock()
    const { storage, log } = asked(memoryStorage())
    const page = await desk({ storage, clock, deps })
    await filled(page, 60)
    await clock.advance(1000)
    const first = (await storage.read('a'))?.parts?.length ?? 0
    expect(first).toBeGreaterThan(15)
    log.length = 0
    await filled(page, 61)
    await clock.advance(1000)
    expect(log.filter((it) => it.startsWith('snapshot'))).toEqual(['snapshot 121'])
    const written = log.filter((it) => it.startsWith('part')).length
    const stored = await storage.read('a')
    expect(written).toBeLessThan((stored?.parts?.length ?? 0) * 0.7)
    expect(stored?.parts?.length).toBe(stored?.snapshot?.parts?.length)
  })

  it('the next page goes on with the stored parts', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const before = await inParts(inner, clock)
    before.journal.abandon()
    const parts = (await inner.read('a'))?.snapshot?.parts ?? []
    const { storage, log } = asked(inner)
    const page = await desk({ storage, clock, deps })
    await filled(page, 32)
    await clock.advance(1000)
    const now = (await storage.read('a'))?.snapshot?.parts ?? []
    expect(now.length).toBeGreaterThan(parts.length * 1.7)
    const kept = parts.filter(([n]) => now.some((it) => it[0] === n)).length
    expect(kept).toBeGreaterThan(parts.length - 2)
    expect(log.filter((it) => it.startsWith('part')).length).toBe(now.length - kept)
    expect(await storedNotes(storage)).toEqual(notes(page.pages))
  })

  it.each(['', ', also by a page that has only read it'])(
    'after storage was emptied, is written whole again%s',
    async (isRead) => {
      const clock = virtualClock()
      const storage = memoryStorage()
      let epoch = 0
      const open = async (): Promise<Desk> => {
        const opened = await desk({ storage, clock, deps: { ...deps, epoch: () => epoch } })
        epoch = opened.epoch
        return opened
      }
      let page = await open()
      await filled(page, 30)
      await clock.advance(1000)
      if (isRead) page = await open()
      await storage.clear()
      epoch = (await storage.claim('a', shape, 0)).epoch ?? 0
      page.journal.owe()
      await clock.advance(1000)
      expect(await storedNotes(storage)).toEqual(notes(page.pages))
    },
  )

  it('after a crash at any of its writes, everything is there', async () => {
    for (let crash = 1; crash < 30; crash++) {
      const clock = virtualClock()
      const storage = memoryStorage({ crashAt: crash })
      const page = await desk({ storage, clock, deps })
      for (let n = 0; n < 25; n++) {
        page.write('strict', 20_000)
        await clock.advance(2)
      }
      const next = storage.restart()
      const found = await storedNotes(next)
      expect(found).toEqual(notes(page.pages).slice(0, found.length))
      const again = await desk({ storage: next, clock, deps })
      await filled(again, 40)
      await clock.advance(1000)
      expect(await storedNotes(next)).toEqual(notes(again.pages))
      const { snapshot, parts } = (await next.read('a')) as StoredSession
      expect(parts?.length).toBe(snapshot?.parts?.length)
    }
  })

  it('that was cut off by a crash leaves no parts, also when the session is small by then', async () => {
    const clock = virtualClock()
    let parts = 0
    const storage = memoryStorage({ crashAt: (_, { kind }) => kind === 'compact' && ++parts > 5 })
    const page = await desk({ storage, clock, deps })
    await filled(page, 30)
    await clock.advance(1000)
    const next = storage.restart()
    const again = await desk({ storage: next, clock, deps })
    again.journal.owe({ seq: 31, value: [] })
    await again.journal.flush()
    // A snapshot removes the parts up to this number.
    expect((await next.read('a'))?.snapshot?.newestPart).toBeGreaterThanOrEqual(5)
  })

  it('has other numbers than the parts that the page before it has stored since it was read', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const before = await inParts(inner, clock)
    await filled(before, 40)
    const read = async (id: string): Promise<StoredSession | undefined> => {
      const found = await inner.read(id)
      await clock.advance(1000)
      return found
    }
    const page = await desk({ storage: { ...inner, read }, clock, deps })
    const theirs = (await inner.read('a'))?.snapshot
    expect(theirs?.seq).toBe(70)
    for (const it of page.pages) it.notes.push(0)
    await filled(page, 71)
    await clock.advance(3)
    // It ends in the middle of its own.
    page.journal.abandon()
    expect((await inner.read('a'))?.snapshot).toEqual(theirs)
    expect((await storedNotes(inner)).length).toBe(141)
  })

  it('that is owed goes on where a full storage has refused it, and leaves nothing behind', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    let room = 8
    let kept = 0
    const keepPart: SessionStorage['keepPart'] = async (...part) => {
      if (room === 0) throw new DOMException('the disk is full', 'QuotaExceededError')
      room--
      kept++
      await inner.keepPart?.(...part)
    }
    const value = Array.from({ length: 60 }, (_, at) => ({
      seq: at + 1,
      notes: [at],
      ballast: 'x'.repeat(10_000),
    }))
    const copy = { seq: 60, value }
    const page = await desk({
      storage: { ...inner, keepPart },
      clock,
      deps: { ...deps, snapshot: () => copy },
    })
    page.journal.owe(copy)
    for (let tries = 0; tries < 8 && page.journal.persistence.status !== 'saved'; tries++) {
      await clock.advance(30_000)
      room += 5
    }
    expect(page.journal.persistence.status).toBe('saved')
    const { snapshot, parts } = (await inner.read('a')) as StoredSession
    expect([parts?.length, kept]).toEqual([snapshot?.parts?.length, snapshot?.parts?.length])
  })

  it('counts in the size of the session, until it is small again', async () => {
    const storage = memoryStorage()
    const { journal, epoch, pages, write } = await inParts(storage)
    const before = await storage.read('a')
    expect((await storage.list())[0]?.size).toBe(before?.head.size)
    expect(before?.head.size).toBeGreaterThan(300_000)
    write()
    for (const { seq } of [...pages]) pages[seq - 1] = { seq, notes: [] }
    journal.owe()
    await journal.flush()
    const after = await storage.read('a')
    expect([after?.head.epoch, after?.parts]).toEqual([epoch, undefined])
    expect(after?.head.size).toBe(JSON.stringify(pages).length)
  })

  it('is written whole to a storage without parts', async () => {
    const { keepPart: _, ...storage } = memoryStorage()
    const clock = virtualClock()
    const page = await desk({ storage, clock, deps })
    await filled(page, 30)
    await clock.advance(1000)
    expect((await storage.read('a'))?.snapshot).toMatchObject({ seq: 30 })
    expect(await storedNotes(storage)).toEqual(notes(page.pages))
  })

  it('of values that are no text, is written only where it has changed', async () => {
    const { storage, log } = asked(memoryStorage())
    const { epoch = 0 } = await storage.claim('a', shape, 0)
    const writer = new Writer({
      ...{ storage, shape, id: 'a', clock: virtualClock(), serializer: structuredCloneSerializer },
      epoch: () => epoch,
      status: () => 'running',
    })
    const dates = Array.from({ length: 100 }, (_, at) => ({ at: new Date(at), text: 'x'.repeat(2000) }))
    const snapshots = new Snapshots(writer, undefined, 20_000)
    const store = async (seq: number, value: unknown): Promise<void> => {
      let pieces = 0
      for await (const _ of snapshots.steps({ seq, value })) expect(log.length).toBe(pieces++)
    }
    await store(1, dates)
    expect(log.length).toBeGreaterThan(10)
    log.length = 0
    const changed = dates.with(50, { at: new Date(0), text: 'new' })
    await store(2, changed)
    expect(log.map((it) => it.split(' ')[0])).toEqual(['part', 'snapshot'])
    const loaded = await loadStored(storage, 'a', structuredCloneSerializer)
    expect(loaded?.snapshot?.value).toEqual(changed)
    expect(loaded?.sizes.snapshot).toBeGreaterThan(180_000)
  })

  it('is given piece by piece to an asynchronous serializer', async () => {
    const storage = memoryStorage()
    const clock = virtualClock()
    const seen: number[] = []
    const serializer = {
      serialize: async (value: unknown) => {
        const text = JSON.stringify(value)
        seen.push(text.length)
        return `sealed ${text}`
      },
      deserialize: async (text: unknown) => JSON.parse((text as string).slice(7)) as unknown,
    }
    const page = await desk({ storage, clock, deps: { ...deps, serializer } })
    await filled(page, 30)
    seen.length = 0
    await clock.advance(1000)
    expect(Math.max(...seen)).toBeLessThan(35_000)
    const loaded = await loadStored(storage, 'a', serializer)
    expect(loaded?.snapshot?.value).toEqual(page.pages)
  })
})

type Envelope = { value: unknown; places: [number, string[]][] }

const withEnvelope =
  (change: (envelope: Envelope) => unknown) =>
  (stored: StoredSession): StoredSession => {
    const envelope = JSON.parse(stored.snapshot?.data as string) as Envelope
    const data = JSON.stringify(change(envelope))
    return { ...stored, snapshot: { ...stored.snapshot!, data, sum: checksum(data) } }
  }

const withPart =
  (change: (text: string) => unknown) =>
  (stored: StoredSession): StoredSession => ({
    ...stored,
    parts: (stored.parts ?? []).map(([n, data], at) => [n, at === 1 ? change(data as string) : data]),
  })

/** A part that says something else, with the checksum that belongs to it. */
const forged =
  (text: string) =>
  (stored: StoredSession): StoredSession => {
    const made = withPart(() => text)(stored)
    const parts = made.snapshot?.parts?.map(([n, size, sum], at) => [
      n,
      size,
      at === 1 ? checksum(text) : sum,
    ])
    return { ...made, snapshot: { ...made.snapshot!, parts: parts as never } }
  }

describe('a snapshot in parts that is damaged is refused', () => {
  const damage: readonly [string, (stored: StoredSession) => unknown][] = [
    ['a lost part', (it) => ({ ...it, parts: it.parts?.slice(1) })],
    ['no parts', (it) => ({ ...it, parts: undefined })],
    ['parts that are none', (it) => ({ ...it, parts: 'parts' })],
    ['a part that is cut off', withPart((text) => text.slice(0, -1))],
    ['a flipped bit', withPart((text) => text.replace('x', 'y'))],
    ['a part that is no text', withPart(() => ({ list: [] }))],
    ['a part of another kind', forged('{"map":{"a":1}}')],
    ['a part that holds nothing', forged('{}')],
    ['a part that is null', forged('null')],
    ['a part with a prototype', forged('{"list":[],"map":{"__proto__":{"bad":1}}}')],
    ['an envelope that is none', withEnvelope(() => 'nothing')],
    ['an envelope without places', withEnvelope(({ value }) => ({ value }))],
    ['a place that is not there', withEnvelope((it) => ({ ...it, places: [[1, ['nowhere']]] }))],
    ['a place in a prototype', withEnvelope((it) => ({ ...it, places: [[1, ['__proto__']]] }))],
    ['a place that is no list', withEnvelope((it) => ({ ...it, places: [[1, 'constructor']] }))],
    ['a part that nobody knows', withEnvelope((it) => ({ ...it, places: [[99, []]] }))],
    ['a list of parts that is none', (it) => ({ ...it, snapshot: { ...it.snapshot, parts: { length: 1 } } })],
  ]
  for (const [name, change] of damage)
    it(`given ${name}`, async () => {
      const storage = memoryStorage()
      await inParts(storage)
      const stored = change((await storage.read('a')) as StoredSession) as StoredSession
      const broken = { ...storage, read: async () => stored }
      const error: unknown = await loadStored(broken, 'a', jsonSerializer).catch((it: unknown) => it)
      expect(error).toBeInstanceOf(Refusal)
      expect((error as Refusal).code).toBe('UNREADABLE_RECORD')
      expect(({} as { bad?: unknown }).bad).toBeUndefined()
    })

  it('but a newer format is reported first', async () => {
    const storage = memoryStorage()
    await inParts(storage)
    const stored = (await storage.read('a')) as StoredSession
    const newer = { ...stored, head: { ...stored.head, format: 7 }, parts: [] }
    const found = loadStored({ ...storage, read: async () => newer }, 'a', jsonSerializer)
    await expect(found).rejects.toMatchObject({ code: 'NEWER_FORMAT' })
  })

  it('but parts that belong to no snapshot are ignored', async () => {
    const storage = memoryStorage()
    const { epoch, pages, journal } = await inParts(storage)
    journal.abandon()
    await storage.keepPart?.('a', epoch, [500, 'left by a page that died'])
    expect(await storedNotes(storage)).toEqual(notes(pages))
  })
})
