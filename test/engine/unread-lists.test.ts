import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEngine, defineWorkflow, memoryStorage, type SessionStorage } from 'dogear'
import { virtualClock } from 'dogear/testing'
import { checksum } from '../../src/storage/checksum'
import type { StoredPart, StoredSession, StoredSnapshot } from '../../src/storage/storage'
import { Done, failure, flow, Go, thrown } from '../support/flows'

const keeping = defineWorkflow({ ...flow }).step('end', { on: Go, emits: [Done] }, () => Done(''))

const entry = (at: number) => ({ id: `entry-${at}`, note: `note ${at}`, text: 'x'.repeat(900) })
const COUNT = 3000

afterEach(() => vi.restoreAllMocks())

/** A session of 3 MB in parts, and a storage that has it. */
async function large(state: object = {}, storage: SessionStorage = memoryStorage()) {
  const clock = virtualClock()
  const engine = createEngine({ storage, clock })
  const entries = Array.from({ length: COUNT }, (_, at) => entry(at))
  const session = await engine.open(keeping, { id: 'a', initialState: { ...state, entries } })
  session.state.set('opened', true)
  await session.flush()
  await clock.advance(10_000)
  await engine.close()
  const stored = (await storage.read('a')) as StoredSession
  expect(stored.parts?.length).toBeGreaterThan(8)
  expect(stored.batches).toEqual([])
  return { clock, storage, stored, open: () => createEngine({ storage, clock }).open(keeping, { id: 'a' }) }
}

/** The characters of the large texts that were parsed meanwhile. */
function parsed(): () => number {
  const parse = vi.spyOn(JSON, 'parse')
  return () => parse.mock.calls.map(([text]) => text.length).reduce((a, b) => (b > 100_000 ? a + b : a), 0)
}

describe('a large list in a session without a schema', () => {
  test('one entry is read / only its part is parsed', async () => {
    const { open } = await large()
    const text = parsed()
    const session = await open()
    expect(text()).toBe(0)
    expect(session.state.get('entries.1500.note')).toBe('note 1500')
    expect(session.state.get('entries.1501')).toEqual(entry(1501))
    expect(text()).toBeLessThan(400_000)
    expect([session.state.get('entries.3000'), session.state.get('entries.length')]).toEqual([
      undefined,
      undefined,
    ])
  })

  test('its storage gives bytes of another realm, as in Jest with jsdom / it opens, and a damaged part is refused', async () => {
    const inner = memoryStorage()
    const foreign = runInNewContext('Uint8Array') as Uint8ArrayConstructor
    let spoil: (bytes: Uint8Array) => void = () => {}
    const { open, storage } = await large(
      {},
      {
        ...inner,
        keepsBytes: true,
        async read(id) {
          const found = await inner.read(id)
          const parts = found?.parts?.map(([n, data]) => [n, foreign.from(data as Uint8Array)] as const)
          parts?.forEach(([, data]) => spoil(data))
          return found && { ...found, ...(parts && { parts }) }
        },
      },
    )
    expect((await storage.read('a'))?.parts?.every(([, data]) => data instanceof foreign)).toBe(true)
    expect((await open()).state.get('entries.1500')).toEqual(entry(1500))
    spoil = (bytes) => void (bytes[9]! ^= 1)
    expect(await failure(open())).toMatchObject({ code: 'UNREADABLE_RECORD' })
  })

  test('another field is written / the list stays unread', async () => {
    const { open } = await large()
    const text = parsed()
    const session = await open()
    session.state.set('opened', false)
    expect(text()).toBe(0)
    expect(session.state.get('entries.2.note')).toBe('note 2')
  })

  test('the whole list is read / all of it is there, with the same objects', async () => {
    const { open } = await large()
    const { state } = await open()
    const one = state.get('entries.7')
    const list = state.get('entries') as unknown[]
    expect(list).toHaveLength(COUNT)
    expect(list[7]).toBe(one)
    expect(state.get('entries')).toBe(list)
    expect(list).toEqual(Array.from({ length: COUNT }, (_, at) => entry(at)))
  })

  test('an entry is changed / others keep their identity, listeners hear once, and it is there after a reload', async () => {
    const { open } = await large()
    const { state, flush, close } = await open()
    const heard = vi.fn()
    state.subscribe('entries.5.note', heard)
    const other = state.get('entries.6')
    state.set('entries.5.note', 'new')
    expect([state.get('entries.5.note'), heard.mock.calls.length]).toEqual(['new', 1])
    expect(state.get('entries.6')).toBe(other)
    await flush()
    await close()
    const again = await open()
    expect([again.state.get('entries.5.note'), again.state.get('entries.2999')]).toEqual(['new', entry(2999)])
  })

  test('time goes by / the rest is read, a part at a time', async () => {
    const { open, clock } = await large()
    const text = parsed()
    const session = await open()
    await clock.advance(3)
    const some = text()
    expect(some).toBeGreaterThan(200_000)
    expect(some).toBeLessThan(1_000_000)
    await clock.advance(1000)
    const all = text()
    expect(all).toBeGreaterThan(2_500_000)
    expect(session.state.get('entries')).toHaveLength(COUNT)
    expect(text()).toBe(all)
  })

  test('a snapshot of unread parts / only what changed is written', async () => {
    const { storage, clock } = await large()
    const kept: number[] = []
    const counting: SessionStorage = {
      ...storage,
      keepPart(id, epoch, part) {
        kept.push(part[0])
        return storage.keepPart!(id, epoch, part)
      },
    }
    const engine = createEngine({ storage: counting, clock })
    const { state, flush } = await engine.open(keeping, { id: 'a' })
    state.set(
      'more',
      Array.from({ length: COUNT }, (_, at) => entry(-at)),
    )
    state.set(
      'still',
      Array.from({ length: COUNT }, (_, at) => entry(-at)),
    )
    await flush()
    await clock.advance(20_000)
    expect((await storage.read('a'))?.batches).toEqual([])
    const before = kept.length
    expect(before).toBeLessThan(60)
    await engine.close()
    const again = await createEngine({ storage, clock }).open(keeping, { id: 'a' })
    expect(again.state.get('entries.2999')).toEqual(entry(2999))
    expect(again.state.get('more.2999')).toEqual(entry(-2999))
  })

  test('export, import and fork / have all of it', async () => {
    const { open, storage, clock } = await large()
    const session = await open()
    const json = session.toJSON()
    const fork = await session.fork(undefined, 'forked')
    expect(fork.state.get('entries')).toEqual(session.state.get('entries'))
    const engine = createEngine({ storage, clock })
    const imported = await engine.import(keeping, json, { id: 'imported' })
    expect(imported.state.get()).toEqual(session.state.get())
    expect(JSON.stringify(session.state.get())).toBe(JSON.stringify(imported.state.get()))
  })
})

describe('a damaged part', () => {
  const change = (stored: StoredSession, text: (data: string) => string, sum: boolean): StoredSession => {
    const snapshot = stored.snapshot as StoredSnapshot
    const [n, data] = stored.parts![3] as StoredPart
    const made = text(data as string)
    return {
      ...stored,
      parts: stored.parts!.with(3, [n, made]),
      snapshot: {
        ...snapshot,
        parts: snapshot.parts!.map(([at, size, was, count]) => [
          at,
          size,
          at === n && sum ? checksum(made) : was,
          count!,
        ]),
      },
    }
  }
  const opening = (storage: SessionStorage, stored: StoredSession) =>
    createEngine({ storage: { ...storage, read: async () => stored }, clock: virtualClock() }).open(keeping, {
      id: 'a',
    })

  test('one changed character / the session is refused at open', async () => {
    const { storage, stored } = await large()
    const damaged = change(stored, (data) => data.replace('note ', 'mote '), false)
    expect(await failure(opening(storage, damaged))).toMatchObject({ code: 'UNREADABLE_RECORD' })
  })

  test('a forged part with a matching checksum / reading it throws a StorageError, the rest is there', async () => {
    const { storage, stored } = await large()
    for (const text of ['{"list":[]}', 'null', '{"list":', '{"list":[{"__proto__":1}]}']) {
      const { state } = await opening(
        storage,
        change(stored, () => text, true),
      )
      expect(state.get('entries.0')).toEqual(entry(0))
      expect(state.get('opened')).toBe(true)
      expect(thrown(() => state.get('entries'))).toMatchObject({ code: 'STORAGE' })
    }
  })
})
