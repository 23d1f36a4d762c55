import { describe, expect, test } from 'vitest'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  StaleEpochError,
  type EngineOptions,
  type SessionStorage,
} from '../../src/index'
import { crash, virtualClock, virtualTabs } from '../../src/testing'
import { asking, Done, failure, flow, Go, Question, type MemoryStorage } from '../support/flows'

const most = 20_000
const tooMuch = 'x'.repeat(most)
const refusal = (): Promise<never> =>
  Promise.reject(new DOMException('the value is too large', 'QuotaExceededError'))

/** A storage that never takes a value of more than 20,000 characters; `full`: nothing at all. */
function narrow(inner: MemoryStorage = memoryStorage()): {
  storage: SessionStorage
  inner: MemoryStorage
  mood: { full: boolean }
} {
  const mood = { full: false }
  const fits = (data: unknown): boolean => !mood.full && String(data).length < most
  const storage: SessionStorage = {
    ...inner,
    append: (id, epoch, batch, how) => (fits(batch.data) ? inner.append(id, epoch, batch, how) : refusal()),
    compact: (id, epoch, copy) => (fits(copy.data) ? inner.compact(id, epoch, copy) : refusal()),
    keepPart: async (id, epoch, part) => (fits(part[1]) ? inner.keepPart?.(id, epoch, part) : refusal()),
  }
  return { storage, inner, mood }
}

function page(options: EngineOptions & { readonly inner?: MemoryStorage } = {}) {
  const clock = virtualClock()
  const { storage, inner, mood } = narrow(options.inner)
  const errors: unknown[] = []
  const engine = createEngine({ storage, clock, onError: (error) => errors.push(error), ...options })
  const reloaded = () => {
    crash(engine)
    return createEngine({ storage: inner, clock }).open(asking)
  }
  return { clock, storage, inner, mood, errors, engine, reloaded }
}

/** It asks, does what must not be done twice, and asks once more. */
function charging() {
  let calls = 0
  const working = defineWorkflow({ ...flow }).step(
    'work',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      await ctx.ask(Question('charge?'))
      const n = await ctx.once('charge', () => ++calls)
      await ctx.ask(Question('sure?'))
      return Done(n)
    },
  )
  return { working, calls: () => calls }
}

describe('a value that storage refuses for good', () => {
  test('is in the state / nothing after it is stored, and it is reported once', async () => {
    const { clock, engine, errors, reloaded } = page()
    const session = await engine.open(asking)
    session.state.set('text', 'before')
    await session.flush()
    session.state.set('file', tooMuch)
    await clock.advance(5000)
    session.state.set('text', 'behind')
    await clock.advance(100_000)
    expect(session.persistence).toMatchObject({ status: 'unsaved', error: { code: 'STORAGE' } })
    expect(errors).toHaveLength(1)
    expect((await reloaded()).state.get()).toEqual({ text: 'before' })
  })

  test.each([
    ['deleted', (state: { delete(path: string): void }) => state.delete('file'), undefined],
    ['replaced', (state: { set(path: string, to: string): void }) => state.set('file', 'small'), 'small'],
  ])('is %s later / saving goes on by itself, with all that was typed', async (_, put, left) => {
    const { clock, engine, errors, reloaded } = page()
    const session = await engine.open(asking)
    session.state.set('file', tooMuch)
    session.state.set('text', 'before')
    await clock.advance(5000)
    session.state.set('text', 'behind')
    await clock.advance(5000)
    expect(session.persistence.status).toBe('unsaved')
    put(session.state)
    await clock.advance(20_000)
    expect(session.persistence.status).toBe('saved')
    expect(session.persistence.error).toBeUndefined()
    session.state.set('more', 1)
    await clock.advance(1000)
    expect(session.persistence.status).toBe('saved')
    expect(errors).toHaveLength(1)
    const again = await reloaded()
    expect(again.state.get()).toEqual({ text: 'behind', more: 1, ...(left && { file: left }) })
  })

  test('is deleted before it was tried / saving goes on by itself', async () => {
    const { clock, engine, reloaded } = page()
    const session = await engine.open(asking)
    session.state.set('file', tooMuch)
    session.state.delete('file')
    session.state.set('text', 'typed')
    await clock.advance(150_000)
    expect(session.persistence.status).toBe('saved')
    expect((await reloaded()).state.get()).toEqual({ text: 'typed' })
  })

  test('is deleted, then flush() / resolves', async () => {
    const { engine } = page()
    const session = await engine.open(asking)
    session.state.set('file', tooMuch)
    expect(await failure(session.flush())).toMatchObject({ code: 'STORAGE' })
    session.state.delete('file')
    await session.flush()
    expect(session.persistence.status).toBe('saved')
  })

  test('comes and goes while an ask is open, after an effect / both are recorded, and the effect ran once', async () => {
    const { clock, inner, engine } = page()
    const { working, calls } = charging()
    const session = await engine.open(working)
    void session.run().catch(() => {})
    await clock.advance(0)
    await session.asks[0]?.reply('charge')
    await clock.advance(0)
    session.state.set('file', tooMuch)
    await clock.advance(3000)
    expect([calls(), session.persistence.status]).toEqual([1, 'unsaved'])
    session.state.delete('file')
    await clock.advance(10_000)
    expect(session.persistence.status).toBe('saved')
    crash(engine)
    const again = await createEngine({ storage: inner, clock }).open(working)
    const result = again.run()
    await clock.advance(0)
    expect(again.asks.map((it) => it.data)).toEqual(['sure?'])
    await again.asks[0]?.reply('yes')
    expect([await result, calls()]).toEqual([1, 1])
  })

  test('was there at a reply, and a re-run would read it / stored once the step has ended', async () => {
    const { clock, inner, engine } = page()
    const { working, calls } = charging()
    const session = await engine.open(working)
    void session.run()
    await clock.advance(0)
    session.state.set('file', tooMuch)
    await clock.advance(3000)
    await session.asks[0]?.reply('charge')
    session.state.delete('file')
    await clock.advance(30_000)
    expect(session.persistence.status).toBe('unsaved')
    await session.asks[0]?.reply('yes')
    await clock.advance(30_000)
    expect([session.status, session.persistence.status, calls()]).toEqual(['completed', 'saved', 1])
    crash(engine)
    expect((await createEngine({ storage: inner, clock }).open(working)).result).toBe(1)
  })

  test('was only in the history / the records before are replaced by one snapshot, also after a reload', async () => {
    const { clock, engine, reloaded } = page()
    const session = await engine.open(asking)
    session.state.set('file', tooMuch)
    await clock.advance(3000)
    session.state.delete('file')
    await clock.advance(10_000)
    session.state.set('text', 'a')
    await session.flush()
    const types = session.history().map((it) => it.type)
    expect(types).toEqual(['snapshot', 'wrote'])
    expect((await reloaded()).history().map((it) => it.type)).toEqual(types)
  })

  test('was never there, only a full disk / the history stays whole', async () => {
    const { clock, inner, mood, engine, reloaded } = page()
    const session = await engine.open(asking)
    session.state.set('text', 'a')
    await session.flush()
    mood.full = true
    session.state.set('text', 'b')
    await clock.advance(3000)
    session.state.set('text', 'c')
    await clock.advance(3000)
    mood.full = false
    await clock.advance(20_000)
    expect((await inner.read('flow'))?.head.status).toBe('idle')
    const types = session.history().map((it) => it.type)
    expect(types[0]).toBe('created')
    expect((await reloaded()).history().map((it) => it.type)).toEqual(types)
  })

  test('in a large session / what did not change is not written again', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    let parts = 0
    const storage: SessionStorage = {
      ...inner,
      append: (id, epoch, batch, how) =>
        String(batch.data).includes('refused') ? refusal() : inner.append(id, epoch, batch, how),
      keepPart: async (id, epoch, part) => {
        parts++
        return String(part[1]).includes('refused') ? refusal() : inner.keepPart?.(id, epoch, part)
      },
    }
    const engine = createEngine({ storage, clock })
    const session = await engine.open(asking)
    session.state.set(
      'list',
      Array.from({ length: 3000 }, (_, n) => `${n} ${'y'.repeat(600)}`),
    )
    await session.flush()
    await clock.advance(60_000)
    const before = parts
    expect(before).toBeGreaterThan(10)
    session.state.set('file', 'refused')
    await clock.advance(100_000)
    session.state.delete('file')
    await clock.advance(30_000)
    expect(session.persistence.status).toBe('saved')
    expect(parts - before).toBeLessThan(10)
  })

  test('and a full disk, for ten minutes / no storm of writes', async () => {
    const { clock, mood, storage } = page()
    let tries = 0
    const count =
      <A extends unknown[]>(call: (...args: A) => Promise<void>) =>
      (...args: A): Promise<void> => {
        tries++
        return call(...args)
      }
    const { append, compact } = storage
    const counted = { ...storage, append: count(append), compact: count(compact) }
    const session = await createEngine({ storage: counted, clock }).open(asking)
    mood.full = true
    session.state.set('file', tooMuch)
    await clock.advance(600_000)
    expect(tries).toBeLessThan(40)
    mood.full = false
    session.state.delete('file')
    await clock.advance(30_000)
    expect(session.persistence.status).toBe('saved')
  })
})

describe('a value that storage refuses for good, in one of two tabs', () => {
  test('deleted by the follower / the leader stores, and both say saved', async () => {
    const { clock, storage, engine } = page({ ...virtualTabs() })
    void engine
    const tabs = virtualTabs()
    const [first, second] = [1, 2].map(() => createEngine({ storage, clock, ...tabs }))
    const leader = await first!.open(asking)
    const follower = await second!.open(asking)
    await clock.advance(0)
    expect([leader.role, follower.role]).toEqual(['leader', 'follower'])
    follower.state.set('file', tooMuch)
    await clock.advance(3000)
    expect([leader, follower].map((it) => it.persistence.status)).toEqual(['unsaved', 'unsaved'])
    follower.state.delete('file')
    await clock.advance(10_000)
    expect([leader, follower].map((it) => it.persistence.status)).toEqual(['saved', 'saved'])
  })

  test('and the session was taken over meanwhile / nothing is written over it', async () => {
    const { clock, inner, engine, errors } = page()
    const session = await engine.open(asking)
    session.state.set('text', 'a')
    await session.flush()
    session.state.set('file', tooMuch)
    await clock.advance(3000)
    const other = await createEngine({ storage: inner, clock }).open(asking)
    other.state.set('text', 'theirs')
    await other.flush()
    session.state.delete('file')
    await clock.advance(10_000)
    expect(session.persistence.status).toBe('outdated')
    expect(errors.at(-1)).toBeInstanceOf(StaleEpochError)
    await other.close()
    expect((await createEngine({ storage: inner, clock }).open(asking)).state.get()).toEqual({
      text: 'theirs',
    })
  })
})
