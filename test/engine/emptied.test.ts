import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  indexedDBStorage,
  memoryStorage,
  OvertakenError,
  type Engine,
  type SessionStorage,
} from 'dogear'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { webStorage } from 'dogear/web-storage'
import { area } from '../storage/area'
import { Done, failure, flow, gate, Go, Question, unhandled } from '../support/flows'
import { ears } from '../support/leaving'
import { Page } from '../support/page'

const effects: string[] = []
const asking = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    await ctx.once('before', () => effects.push('before'))
    const { data } = await ctx.ask(Question(1))
    await ctx.once('after', () => effects.push('after'))
    return Done(data)
  },
)

/** A browser whose storage somebody may empty. */
const browser = (alone = true) => {
  const clock = virtualClock()
  const texts = area()
  const tabs = virtualTabs()
  const errors: unknown[] = []
  const storage = webStorage(texts)
  effects.length = 0
  return {
    clock,
    errors,
    storage,
    texts,
    tab: (): Engine =>
      createEngine({ storage, clock, onError: (it) => errors.push(it), ...(alone ? {} : tabs) }),
    empty: () => texts.texts.clear(),
  }
}

describe('storage is emptied under an open page', () => {
  test('then something is typed / all that the page holds is stored again, and onError hears of it once', async () => {
    const { clock, tab, errors, empty } = browser()
    const heard = await unhandled(async () => {
      const session = await tab().open(asking)
      session.state.set('old', 1)
      await session.flush()
      empty()
      session.state.set('new', 2)
      await clock.advance(5000)
      expect(session.persistence).toMatchObject({ status: 'saved', error: undefined })
      session.state.set('later', 3)
      await session.flush()
    })
    expect(heard).toEqual([])
    expect(errors).toMatchObject([{ code: 'STORAGE', message: expect.stringContaining('emptied') as string }])
    expect((await tab().open(asking)).state.get()).toEqual({ old: 1, new: 2, later: 3 })
  })

  test('then something is typed, and storage falls silent when all is stored again / saved, as nothing is left to write', async () => {
    const { clock, storage, empty } = browser()
    let silent = false
    const compact: SessionStorage['compact'] = async (...call) => {
      await storage.compact(...call)
      silent = true
    }
    const append: SessionStorage['append'] = (...call) =>
      silent ? new Promise(() => {}) : storage.append(...call)
    const session = await createEngine({ clock, storage: { ...storage, append, compact } }).open(asking)
    session.state.set('old', 1)
    await session.flush()
    empty()
    session.state.set('new', 2)
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
  })

  test('then flush() / resolves when everything is stored again', async () => {
    const { tab, empty } = browser()
    const session = await tab().open(asking)
    session.state.set('old', 1)
    await session.flush()
    empty()
    session.state.set('new', 2)
    await session.flush()
    expect(session.persistence.status).toBe('saved')
    expect((await tab().open(asking)).state.get()).toEqual({ old: 1, new: 2 })
  })

  test('while the page looks after a lost connection, and slowly / it looks once more, and stores everything again', async () => {
    const { clock, storage, empty } = browser()
    const watching = new Set<() => void>()
    const watch = (listener: () => void) => (watching.add(listener), () => watching.delete(listener))
    const began = async (): Promise<number> => {
      const first = await storage.began!()
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 100))
      return first
    }
    const session = await createEngine({ clock, storage: { ...storage, watch, began } }).open(asking)
    session.state.set('old', 1)
    await session.flush()
    for (const it of watching) it()
    await clock.advance(50)
    empty()
    for (const it of watching) it()
    await clock.advance(5000)
    expect((await createEngine({ storage, clock }).open(asking)).state.get()).toEqual({ old: 1 })
  })

  test('or its connection is lost, and it does not answer again / it is looked at a few times, and no timer stays', async () => {
    const clock = virtualClock()
    let lose = (): void => {}
    let lost = false
    const memory = memoryStorage()
    const refused = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (lost) throw new Error('gone')
        return call(...args)
      }
    }
    const storage = {
      ...memory,
      ...{ read: refused(memory.read), claim: refused(memory.claim), readFlow: refused(memory.readFlow) },
      began: refused(async () => 1),
      watch: (listener: () => void) => {
        lose = listener
        return () => {}
      },
    }
    const session = await createEngine({ storage, clock, onError: () => {} }).open(asking)
    session.state.set('old', 1)
    await session.flush()
    lost = true
    lose()
    await clock.advance(10_000)
    expect(clock.pending).toBe(0)
  })

  test('and the answer to the claim that follows is lost / another claim is made, and all is stored again', async () => {
    const { clock, storage, empty, tab } = browser()
    let isLost = false
    const claim: SessionStorage['claim'] = async (...call) => {
      const answer = await storage.claim(...call)
      return isLost ? new Promise(() => {}) : answer
    }
    const session = await createEngine({ storage: { ...storage, claim }, clock, onError: () => {} }).open(
      asking,
    )
    session.state.set('old', 1)
    await session.flush()
    empty()
    isLost = true
    session.state.set('new', 2)
    await clock.advance(10_000)
    expect(session.persistence.status).toBe('unsaved')
    isLost = false
    await clock.advance(90_000)
    expect(session.persistence.status).toBe('saved')
    expect((await tab().open(asking)).state.get()).toEqual({ old: 1, new: 2 })
  })

  test('and text is typed all the while, letter by letter / all of it is stored', async () => {
    const { clock, storage, empty } = browser()
    const slowly = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 100))
    const slow: SessionStorage = {
      ...storage,
      compact: (...call) => slowly().then(() => storage.compact(...call)),
      claim: (...call) => slowly().then(() => storage.claim(...call)),
    }
    const engine = createEngine({ storage: slow, clock, onError: () => {} })
    const opening = engine.open(asking)
    await clock.advance(1000)
    const session = await opening
    session.state.set('text', '')
    await session.flush()
    empty()
    for (const letter of 'all that was typed while somebody emptied the storage') {
      session.state.append('text', letter)
      await clock.advance(20)
    }
    await clock.advance(5000)
    crash(engine)
    const again = await createEngine({ storage, clock }).open(asking)
    expect(again.state.get('text')).toBe('all that was typed while somebody emptied the storage')
  })

  test('and the page notices, then flush() / resolves only when its copy is stored', async () => {
    const { clock, storage, empty } = browser()
    let tell = (): void => {}
    const slow: SessionStorage = {
      ...storage,
      compact: async (...call) => {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 50))
        return storage.compact(...call)
      },
      watch: (listener) => ((tell = listener), () => {}),
    }
    const session = await createEngine({ storage: slow, clock, onError: () => {} }).open(asking)
    session.state.set('old', 1)
    await session.flush()
    empty()
    tell()
    await expect.poll(() => session.persistence.status).toBe('saving')
    let flushed = false
    const flushing = session.flush().then(() => (flushed = true))
    await clock.advance(10)
    expect([flushed, await storage.read('flow')]).toEqual([false, undefined])
    await clock.advance(1000)
    await flushing
    expect(await storage.read('flow')).toBeDefined()
  })

  test.each([
    ['in one tab', true],
    ['in one of several tabs', false],
  ])(
    '%s, and the claim that the page makes at once lands while a write of before waits / all that it holds is stored again',
    async (_, alone) => {
      const { clock, storage, empty } = browser()
      let tell = (): void => {}
      const late = (): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, 1000))
      let isSlow = false
      const slow: SessionStorage = {
        ...storage,
        claim: (...call) => (isSlow ? late() : Promise.resolve()).then(() => storage.claim(...call)),
        append: (...call) => (isSlow ? late() : Promise.resolve()).then(() => storage.append(...call)),
        watch: (listener) => ((tell = listener), () => {}),
      }
      const tabs = alone ? {} : virtualTabs()
      const session = await createEngine({ storage: slow, clock, onError: () => {}, ...tabs }).open(asking)
      session.state.set('old', 1)
      await session.flush()
      isSlow = true
      empty()
      tell()
      await clock.advance(10)
      session.state.set('new', 2)
      await Promise.all([session.flush(), clock.advance(20_000)])
      expect(session.role).toBe('leader')
      expect(session.persistence.status).toBe('saved')
      expect(session.state.get()).toEqual({ old: 1, new: 2 })
      expect((await createEngine({ storage, clock }).open(asking)).state.get()).toEqual({ old: 1, new: 2 })
    },
  )

  test('again and again, as by an area that keeps nothing / unsaved, said once, and asked no oftener than a full disk', async () => {
    const { clock, texts, errors } = browser()
    let keeps = false
    let writes = 0
    const storage = webStorage({
      ...{ length: 0, key: () => null, removeItem: (key) => texts.removeItem(key) },
      getItem: (key) => texts.getItem(key),
      setItem(key, text) {
        writes++
        if (keeps) texts.setItem(key, text)
      },
    })
    const session = await createEngine({ storage, clock, onError: (it) => errors.push(it) }).open(asking)
    void session.run().catch(() => {})
    session.state.set('text', 'a')
    await clock.advance(10_000)
    expect(session.asks).toHaveLength(1)
    expect(session.persistence).toMatchObject({ status: 'unsaved', error: { code: 'STORAGE' } })
    expect(errors).toEqual([session.persistence.error])
    expect(writes).toBeLessThan(40)
    keeps = true
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
  })

  /** A stored session whose claims are answered after `slow.wait` from now on; they are counted. */
  async function claimedSlowly(more: Partial<SessionStorage> = {}) {
    const it = browser()
    const slow = { claims: 0, wait: 0 }
    const storage: SessionStorage = {
      ...it.storage,
      ...more,
      claim: async (...call) => {
        slow.claims++
        const claim = await it.storage.claim(...call)
        await new Promise<void>((resolve) => void it.clock.setTimeout(resolve, slow.wait))
        return claim
      },
    }
    const opened = createEngine({ storage, clock: it.clock, onError: () => {} }).open(asking)
    await it.clock.advance(0)
    const session = await opened
    session.state.set('old', 1)
    await Promise.all([session.flush(), it.clock.advance(0)])
    slow.claims = 0
    const stored = async () =>
      (await createEngine({ storage: it.storage, clock: it.clock }).open(asking)).state.get()
    return { ...it, slow, session, stored }
  }

  test('and the answer to the claim that the page makes comes after the refusal of a write / all that it holds is stored again', async () => {
    let tell = (): void => {}
    const watch: SessionStorage['watch'] = (listener) => ((tell = listener), () => {})
    const { clock, empty, slow, session, stored } = await claimedSlowly({ watch })
    slow.wait = 1000
    empty()
    tell()
    await clock.advance(10)
    session.state.set('new', 2)
    await Promise.all([session.flush(), clock.advance(2000)])
    expect(session.persistence.status).toBe('saved')
    expect(await stored()).toEqual({ old: 1, new: 2 })
  })

  test('and each answer to a claim takes longer than the time limit / all that it holds is stored again', async () => {
    const { clock, empty, slow, session, stored } = await claimedSlowly()
    slow.wait = 20_000
    empty()
    session.state.set('new', 2)
    await clock.advance(25_000)
    expect([session.persistence.status, slow.claims]).toEqual(['saved', 1])
    expect(await stored()).toEqual({ old: 1, new: 2 })
  })

  test('in the middle of a run / it goes on, also after a reload, and no effect is repeated', async () => {
    const { clock, tab, empty } = browser()
    const engine = tab()
    const session = await engine.open(asking)
    session.run().catch(() => {})
    await clock.advance(2000)
    empty()
    session.state.set('typed', 1)
    await clock.advance(5000)
    crash(engine)
    const again = await tab().open(asking)
    await clock.advance(1000)
    expect(await again.asks[0]?.reply('yes')).toBe(true)
    await clock.advance(1000)
    expect(again.result).toBe('yes')
    expect(effects).toEqual(['before', 'after'])
  })

  test('before the session could be claimed, because the disk was full / what the page shows stays, and is stored again', async () => {
    const { clock, storage, empty, tab, errors } = browser()
    const before = await tab().open(asking)
    before.state.set('old', 1)
    await before.close()
    let full = true
    const claim: typeof storage.claim = (...call) =>
      full ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : storage.claim(...call)
    const options = { storage: { ...storage, claim }, clock, ...virtualTabs() }
    const session = createEngine({ ...options, onError: (it) => errors.push(it) }).session(asking)
    await clock.advance(1000)
    session.state.set('new', 2)
    await clock.advance(1000)
    expect([session.persistence.status, session.state.get()]).toEqual(['unsaved', { old: 1, new: 2 }])
    empty()
    full = false
    await clock.advance(40_000)
    expect([session.persistence.status, session.state.get()]).toEqual(['saved', { old: 1, new: 2 }])
    expect(errors.filter((it) => String(it).includes('emptied'))).toHaveLength(1)
    expect((await tab().open(asking)).state.get()).toEqual({ old: 1, new: 2 })
  })

  test('between the read and the claim of a new page / the run goes on there, another tab follows, and everything is stored again', async () => {
    const { clock, storage, empty, tab } = browser()
    const before = await tab().open(asking)
    before.run().catch(() => {})
    await clock.advance(2000)
    await before.close()
    let claims = 0
    const claim: typeof storage.claim = (...call) => {
      if (++claims === 1) empty()
      return storage.claim(...call)
    }
    const options = { storage: { ...storage, claim }, clock, ...virtualTabs(), onError: () => {} }
    const session = createEngine(options).session(asking)
    await clock.advance(5000)
    const other = createEngine(options).session(asking)
    await clock.advance(5000)
    const replied = other.asks[0]?.reply('yes')
    await clock.advance(5000)
    expect([await replied, session.role, other.role]).toEqual([true, 'leader', 'follower'])
    expect([other.result, session.persistence.status]).toEqual(['yes', 'saved'])
    expect(effects).toEqual(['before', 'after'])
    expect((await tab().open(asking)).result).toBe('yes')
  })

  test('five times / everything is stored again each time', async () => {
    const { clock, tab, errors, empty } = browser()
    const session = await tab().open(asking)
    for (let n = 0; n < 5; n++) {
      session.state.set(`n${n}`, n)
      await clock.advance(2000)
      expect(session.persistence.status).toBe('saved')
      empty()
    }
    session.state.set('last', true)
    await session.flush()
    expect((await tab().open(asking)).state.get()).toEqual({ n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, last: true })
    expect(errors).toHaveLength(5)
  })

  test('before anything was written / the first write is stored', async () => {
    const { tab, empty } = browser()
    const session = await tab().open(asking)
    empty()
    session.state.set('first', 1)
    await session.flush()
    expect((await tab().open(asking)).state.get()).toEqual({ first: 1 })
  })

  test('and another page has begun the session anew / the new session stays; this one is outdated and keeps what it shows', async () => {
    const { clock, tab, empty } = browser()
    const older = await tab().open(asking)
    older.state.set('by', 'older')
    await older.flush()
    empty()
    const newer = await tab().open(asking)
    newer.state.set('by', 'newer')
    await newer.flush()
    older.state.set('by', 'older again')
    await clock.advance(5000)
    expect(older.persistence).toMatchObject({ status: 'outdated', error: { code: 'STALE_EPOCH' } })
    expect(older.state.get('by')).toBe('older again')
    expect((await tab().open(asking)).state.get()).toEqual({ by: 'newer' })
  })

  test('and another session was stored since / this one is stored again beside it', async () => {
    const { tab, empty } = browser()
    const session = await tab().open(asking, { id: 'one' })
    session.state.set('old', 1)
    await session.flush()
    empty()
    const other = await tab().open(asking, { id: 'two' })
    other.state.set('other', 1)
    await other.flush()
    session.state.set('new', 2)
    await session.flush()
    expect((await tab().open(asking, { id: 'one' })).state.get()).toEqual({ old: 1, new: 2 })
    expect((await tab().open(asking, { id: 'two' })).state.get()).toEqual({ other: 1 })
  })

  test('but only this session was deleted, by another page / it is outdated and does not come back', async () => {
    const { clock, tab, storage } = browser()
    const older = await tab().open(asking)
    older.state.set('by', 'older')
    await older.flush()
    await tab().clear()
    older.state.set('by', 'older again')
    expect(await failure(older.flush())).toMatchObject({ code: 'STALE_EPOCH' })
    await clock.advance(60_000)
    expect(older.persistence.status).toBe('outdated')
    expect(await storage.list()).toEqual([])
  })
})

describe('storage is emptied under several tabs', () => {
  const pair = async () => {
    const home = browser(false)
    const [first, second] = [home.tab(), home.tab()]
    const one = await first.open(asking)
    one.state.set('old', 1)
    await one.flush()
    const two = await second.open(asking)
    return { ...home, first, one, two }
  }

  test('the leader types / it stores everything again, and the other tab still follows', async () => {
    const { clock, tab, one, two, first, empty } = await pair()
    empty()
    one.state.set('new', 2)
    await clock.advance(5000)
    two.state.set('from two', 3)
    await clock.advance(2000)
    expect([one.role, two.role]).toEqual(['leader', 'follower'])
    expect([one.persistence.status, two.persistence.status]).toEqual(['saved', 'saved'])
    expect(two.state.get()).toEqual({ old: 1, new: 2, 'from two': 3 })
    crash(first)
    await clock.advance(2000)
    expect((await tab().open(asking)).state.get()).toEqual({ old: 1, new: 2, 'from two': 3 })
  })

  test('a backup takes its place, and the leader types / the tabs go on together, with what was typed on top', async () => {
    const { clock, tab, one, texts } = await pair()
    const backup = new Map(texts.texts)
    let engine = tab()
    let two = await engine.open(asking)
    for (let n = 0; n < 3; n++) {
      const last = engine
      engine = tab()
      two = await engine.open(asking)
      await two.takeOver()
      crash(last)
      await clock.advance(1000)
    }
    expect([one.role, two.role]).toEqual(['follower', 'leader'])
    for (const [key, text] of backup) texts.texts.set(key, text)
    two.state.set('new', 3)
    await clock.advance(5000)
    one.state.set('newer', 4)
    await clock.advance(20_000)
    expect([one.persistence.status, two.persistence.status]).toEqual(['saved', 'saved'])
    expect(one.state.get()).toEqual({ old: 1, new: 3, newer: 4 })
    expect(two.state.get()).toEqual(one.state.get())
    expect((await tab().open(asking)).state.get()).toEqual(one.state.get())
  })

  test('a backup takes its place while a tab sleeps in the back/forward cache, and a new tab leads / they go on together', async () => {
    const { clock, storage, texts } = browser()
    const tabs = virtualTabs()
    const box = new Map<string, string>()
    const page = new Page(box)
    const tab = (own = new Page(box)): Engine => createEngine({ storage, clock, page: own, ...tabs })
    const one = await tab(page).open(asking)
    one.state.set('old', 1)
    await one.flush()
    const backup = new Map(texts.texts)
    const later = [tab(), tab(), tab()]
    for (const it of later) {
      await (await it.open(asking)).takeOver()
      await clock.advance(1000)
    }
    page.hide(true)
    later.forEach(crash)
    for (const [key, text] of backup) texts.texts.set(key, text)
    const two = await tab().open(asking)
    two.state.set('new', 2)
    await clock.advance(1000)
    page.show(true)
    await clock.advance(1000)
    expect([one.role, two.role]).toEqual(['follower', 'leader'])
    expect(one.state.get()).toEqual({ old: 1, new: 2 })
    one.state.set('newer', 3)
    await clock.advance(5000)
    expect([one.persistence.status, two.persistence.status]).toEqual(['saved', 'saved'])
    expect(two.state.get()).toEqual({ old: 1, new: 2, newer: 3 })
  })

  test('and a tab that had led, and sleeps, notices it too / the tab that leads now stores everything again', async () => {
    const { clock, storage, empty } = browser()
    const watching = new Set<() => void>()
    const watch = (listener: () => void) => (watching.add(listener), () => watching.delete(listener))
    const compact: SessionStorage['compact'] = async (...call) => {
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10))
      return storage.compact(...call)
    }
    const [page, tabs] = [new Page(new Map()), virtualTabs()]
    const tab = (own: Page): Engine =>
      createEngine({ storage: { ...storage, compact, watch }, clock, page: own, ...tabs })
    const one = await tab(new Page(new Map())).open(asking)
    one.state.set('old', 1)
    await one.flush()
    const two = await tab(page).open(asking)
    await two.takeOver()
    page.hide(true)
    await clock.advance(5000)
    expect(one.role).toBe('leader')
    empty()
    for (const it of watching) it()
    await clock.advance(5000)
    expect([one.role, one.persistence.status, one.state.get()]).toEqual(['leader', 'saved', { old: 1 }])
    page.show(true)
    await clock.advance(1000)
    two.state.set('new', 2)
    await clock.advance(1000)
    expect([two.role, one.state.get()]).toEqual(['follower', { old: 1, new: 2 }])
    expect((await createEngine({ storage, clock }).open(asking)).state.get()).toEqual({ old: 1, new: 2 })
  })

  test.each([false, true])(
    'the only tab sleeps as it notices (and writes: %j), and comes back / it stores everything again',
    async (writes) => {
      const { clock, storage, empty } = browser()
      const watching = new Set<() => void>()
      const watch = (listener: () => void) => (watching.add(listener), () => watching.delete(listener))
      const page = new Page(new Map())
      const own = { storage: { ...storage, watch }, clock, page, ...virtualTabs() }
      const one = await createEngine(own).open(asking)
      one.state.set('old', 1)
      await one.flush()
      page.hide(true)
      empty()
      for (const it of watching) it()
      if (writes) one.state.set('new', 2)
      await clock.advance(5000)
      page.show(true)
      await clock.advance(5000)
      expect([one.role, one.persistence.status]).toEqual(['leader', 'saved'])
      expect((await createEngine({ storage, clock }).open(asking)).state.get()).toEqual({
        old: 1,
        ...(writes && { new: 2 }),
      })
    },
  )

  test('the leader dies before it has noticed / the next leader stores what it has heard', async () => {
    const { clock, two, first, tab, empty } = await pair()
    empty()
    crash(first)
    await clock.advance(5000)
    expect(two.role).toBe('leader')
    two.state.set('new', 2)
    await two.flush()
    expect((await tab().open(asking)).state.get()).toEqual({ old: 1, new: 2 })
  })

  test('a tab that nobody has welcomed has read the session, and then leads / it stores again what it has read', async () => {
    const { clock, storage, empty } = browser()
    const tabs = virtualTabs()
    const hearing = ears(tabs)
    const first = createEngine({ storage, clock, ...tabs, channel: hearing.channel })
    const one = await first.open(asking)
    one.state.set('old', 1)
    await one.flush()
    hearing.close()
    const two = createEngine({ storage, clock, ...tabs }).session(asking)
    await clock.advance(2000)
    expect([two.role, two.state.get()]).toEqual(['follower', { old: 1 }])
    empty()
    crash(first)
    await clock.advance(5000)
    two.state.set('new', 2)
    await two.flush()
    expect((await createEngine({ storage, clock }).open(asking)).state.get()).toEqual({ old: 1, new: 2 })
  })

  test('a tab leads in memory, another one has stored more by the time storage answers, and that is emptied / all that the tab holds is stored again', async () => {
    const { clock, storage, empty, errors } = browser()
    const answers = { now: Promise.resolve() }
    const later =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => (await answers.now, call(...args))
    const claim: SessionStorage['claim'] = async (...args) => {
      const claimed = await storage.claim(...args)
      if (claimed.epoch === undefined) empty()
      return claimed
    }
    const slow = { read: later(storage.read), claim: later(claim), append: later(storage.append) }
    const options = { clock, storage: { ...storage, ...slow }, ...virtualTabs() }
    const first = createEngine(options)
    const one = await first.open(asking)
    one.state.set('old', 1)
    await one.flush()
    const two = await createEngine({ ...options, onError: (it) => errors.push(it) }).open(asking)
    const { promise, open } = gate()
    answers.now = promise
    one.state.set('late', 2)
    await clock.advance(1000)
    crash(first)
    await clock.advance(6000)
    expect([two.role, two.persistence.status]).toEqual(['leader', 'unsaved'])
    two.state.set('new', 3)
    open()
    await clock.advance(40_000)
    expect([two.persistence.status, two.state.get()]).toEqual(['saved', { old: 1, late: 2, new: 3 }])
    const { state } = await createEngine({ storage, clock }).open(asking)
    expect(state.get()).toEqual({ old: 1, late: 2, new: 3 })
    expect(errors.filter((it) => it instanceof OvertakenError)).toEqual([])
  })

  test('a third tab deletes the session / the leader is outdated, and nothing comes back', async () => {
    const { clock, one, two, tab, storage } = await pair()
    await two.close()
    await tab().delete('flow')
    one.state.set('too late', 1)
    await clock.advance(10_000)
    expect(one.persistence.status).toBe('outdated')
    expect(await storage.list()).toEqual([])
  })

  test('the session is deleted, then the leader dies / the next leader begins anew', async () => {
    const { clock, first, two, tab } = await pair()
    await tab().delete('flow')
    crash(first)
    await clock.advance(5000)
    expect(two.role).toBe('leader')
    expect(two.state.get()).toEqual({})
  })
})

describe('storage is emptied, with the flow state in it', () => {
  const counting = defineWorkflow({
    ...flow,
    flowState: z.object({ count: z.number().default(0), names: z.array(z.string()).default([]) }),
  }).step('end', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.flowState.set('count', (it) => it + 1)
    return Done(1)
  })
  const stored = async ({ tab }: ReturnType<typeof browser>) => {
    const shared = tab().flow(counting)
    await shared.ready
    return shared.state.get()
  }

  test('then the flow state is written / all of it is stored again, once, and onError hears of it once', async () => {
    const home = browser()
    const engine = home.tab()
    const session = await engine.open(counting)
    await session.run()
    await session.flush()
    home.empty()
    engine.flow(counting).state.append('names', 'Ada')
    await home.clock.advance(5000)
    expect(engine.flow(counting).state.get()).toEqual({ count: 1, names: ['Ada'] })
    expect(await stored(home)).toEqual({ count: 1, names: ['Ada'] })
    expect(home.errors.filter((it) => String(it).includes('flow state'))).toHaveLength(1)
    await session.run()
    await home.clock.advance(2000)
    expect(await stored(home)).toEqual({ count: 2, names: ['Ada'] })
  })

  test('and a page with it had asked in vain when the storage began / it has asked again, and stores all of it', async () => {
    const home = browser()
    const { clock, storage } = home
    let failures = 2
    const began = () => (failures-- > 0 ? Promise.reject(new Error('busy')) : storage.began!())
    const { state } = createEngine({ clock, storage: { ...storage, began } }).flow(counting)
    state.append('names', 'Ada')
    await clock.advance(5000)
    home.empty()
    state.append('names', 'Eve')
    await clock.advance(5000)
    expect(await stored(home)).toEqual({ count: 0, names: ['Ada', 'Eve'] })
  })

  test('and cannot be read at that moment, with nothing written / it is tried again, and no failure is reported', async () => {
    const home = browser()
    const listeners: (() => void)[] = []
    let busy = 0
    const storage: SessionStorage = {
      ...home.storage,
      watch: (listener) => (listeners.push(listener), () => {}),
      readFlow: (name) =>
        busy-- > 0 ? Promise.reject(new Error('it is being cleared')) : home.storage.readFlow(name),
    }
    const engine = createEngine({ storage, clock: home.clock, onError: (it) => home.errors.push(it) })
    const session = await engine.open(counting)
    await session.run()
    await session.flush()
    await home.clock.advance(1000)
    home.empty()
    busy = 2
    for (const it of listeners) it()
    await home.clock.advance(5000)
    await engine.flow(counting).ready
    expect(await stored(home)).toEqual({ count: 1, names: [] })
    expect(home.errors.map(String).filter((it) => !it.includes('was emptied'))).toEqual([])
  })

  test('under two tabs / the writes of both are there, once', async () => {
    const home = browser(false)
    const [one, two] = [home.tab(), home.tab()]
    await one.open(counting)
    one.flow(counting).state.append('names', 'Ada')
    await home.clock.advance(1000)
    await two.flow(counting).ready
    home.empty()
    two.flow(counting).state.append('names', 'Bob')
    one.flow(counting).state.append('names', 'Cy')
    await home.clock.advance(5000)
    for (const it of [one.flow(counting).state.get(), two.flow(counting).state.get(), await stored(home)])
      expect([...it.names].sort()).toEqual(['Ada', 'Bob', 'Cy'])
  })

  test('and a tab that had not read it writes first / what both have written is there, and theirs where it is the same field', async () => {
    const home = browser()
    const engine = home.tab()
    const { state } = engine.flow(counting)
    state.append('names', 'Ada')
    state.set('count', 7)
    await home.clock.advance(1000)
    home.empty()
    const other = home.tab().flow(counting)
    await other.ready
    other.state.append('names', 'Bob')
    await home.clock.advance(1000)
    await engine.open(counting)
    await home.clock.advance(1000)
    expect(state.get('count')).toBe(7)
    expect([...state.get('names')].sort()).toEqual(['Ada', 'Bob'])
    expect(await stored(home)).toEqual(state.get())
    expect(home.errors.filter((it) => String(it).includes('flow state'))).toHaveLength(1)
    other.state.set('count', 8)
    await home.clock.advance(1000)
    expect(await stored(home)).toEqual({ ...state.get(), count: 8 })
  })

  test('and a tab that had not read it writes the same field first / that stays, and onError names the field that is lost', async () => {
    const home = browser()
    const { state } = home.tab().flow(counting)
    state.set('count', 7)
    state.append('names', 'Ada')
    await home.clock.advance(1000)
    home.empty()
    home.tab().flow(counting).state.set('count', 8)
    await home.clock.advance(1000)
    state.append('names', 'Bob')
    await home.clock.advance(1000)
    expect(state.get()).toEqual({ count: 8, names: ['Ada', 'Bob'] })
    expect(await stored(home)).toEqual(state.get())
    expect(home.errors.filter((it) => (it as { lost?: unknown }).lost)).toEqual([
      expect.objectContaining({
        name: 'StorageError',
        lost: ['count'],
        message: expect.stringMatching(/flow state of workflow "flow".*"count" is lost/),
      }),
    ])
  })

  /** Storage is emptied under two tabs, of which the other one knows of Ada alone. */
  const heardLess = async () => {
    const home = browser()
    const [engine, other] = [home.tab(), home.tab()]
    const { state } = engine.flow(counting)
    state.append('names', 'Ada')
    await home.clock.advance(1000)
    await other.open(counting)
    await home.clock.advance(1000)
    state.set('names', ['Ann', 'Bea'])
    await home.clock.advance(1000)
    home.empty()
    return { home, engine, other, state }
  }

  test('and a tab that had heard less stores its own first, and writes / that stays, and onError names what is lost', async () => {
    const { home, engine, other, state } = await heardLess()
    other.flow(counting).state.set('count', 2)
    await home.clock.advance(1000)
    await engine.open(counting)
    await home.clock.advance(1000)
    expect(state.get()).toEqual({ count: 2, names: ['Ada'] })
    expect(home.errors.filter((it) => (it as { lost?: unknown }).lost)).toMatchObject([{ lost: ['names'] }])
  })

  test('and a tab that had heard less stores its own first / that one is stored over it', async () => {
    const { home, other, state } = await heardLess()
    await other.open(counting, { id: 'second' })
    await home.clock.advance(1000)
    expect(await stored(home)).toMatchObject({ names: ['Ada'] })
    state.set('count', 1)
    await home.clock.advance(1000)
    expect(state.get()).toEqual({ count: 1, names: ['Ann', 'Bea'] })
    expect(await stored(home)).toEqual(state.get())
  })

  test('while the page asks when the storage began / it waits for the answer, and all of it is stored again', async () => {
    const home = browser()
    const asked = gate()
    const began = async (): Promise<number> => {
      const first = await home.storage.began!()
      await asked.promise
      return first
    }
    const { state } = createEngine({ storage: { ...home.storage, began }, clock: home.clock }).flow(counting)
    state.append('names', 'Ada')
    await home.clock.advance(500)
    home.empty()
    state.append('names', 'Bob')
    await home.clock.advance(500)
    asked.open()
    await home.clock.advance(5000)
    expect(state.get('names')).toEqual(['Ada', 'Bob'])
    expect(await stored(home)).toMatchObject({ names: ['Ada', 'Bob'] })
  })

  test('and it is stored again, and then another page clears it on purpose / it does not come back', async () => {
    const home = browser()
    const engine = home.tab()
    await engine.open(counting)
    engine.flow(counting).state.append('names', 'Ada')
    await home.clock.advance(1000)
    home.empty()
    engine.flow(counting).state.append('names', 'Bob')
    await home.clock.advance(5000)
    expect(await stored(home)).toMatchObject({ names: ['Ada', 'Bob'] })
    await home.tab().clear()
    engine.flow(counting).state.append('names', 'Cy')
    await home.clock.advance(5000)
    expect(await stored(home)).toMatchObject({ names: ['Cy'] })
  })

  test.each([false, true])(
    'written before any session was claimed; claimed since: %s / all of it is stored again',
    async (claimed) => {
      const home = browser()
      const engine = home.tab()
      engine.flow(counting).state.append('names', 'Ada')
      await home.clock.advance(1000)
      if (claimed) await engine.open(counting)
      await home.clock.advance(1000)
      home.empty()
      engine.flow(counting).state.append('names', 'Bob')
      await home.clock.advance(5000)
      expect(engine.flow(counting).state.get('names')).toEqual(['Ada', 'Bob'])
      expect(await stored(home)).toMatchObject({ names: ['Ada', 'Bob'] })
    },
  )

  test.each([false, true])(
    'while storage does not say when it began; begun anew by another page: %s / all of it is stored again',
    async (anew) => {
      const home = browser()
      if (anew) await home.tab().open(asking)
      let written = false
      let silent = true
      const late: (() => void)[] = []
      const storage: SessionStorage = {
        ...home.storage,
        async began() {
          if (written && silent) await new Promise<void>((resolve) => late.push(resolve))
          return home.storage.began!()
        },
        writeFlow: (...given) => home.storage.writeFlow(...given).finally(() => (written = true)),
      }
      const engine = createEngine({ storage, clock: home.clock, onError: (it) => home.errors.push(it) })
      engine.flow(counting).state.append('names', 'Ada')
      await home.clock.advance(500)
      home.empty()
      if (anew) await home.tab().open(asking)
      silent = false
      late.forEach((answer) => answer())
      await home.clock.advance(500)
      engine.flow(counting).state.append('names', 'Bob')
      await home.clock.advance(5000)
      expect(engine.flow(counting).state.get('names')).toEqual(['Ada', 'Bob'])
      expect(await stored(home)).toMatchObject({ names: ['Ada', 'Bob'] })
    },
  )

  test('on purpose, by clear() in another page / the flow state does not come back', async () => {
    for (const alone of [true, false]) {
      const home = browser(alone)
      const engine = home.tab()
      await engine.open(counting)
      engine.flow(counting).state.append('names', 'Ada')
      await home.clock.advance(1000)
      await home.tab().clear()
      engine.flow(counting).state.append('names', 'Bob')
      await home.clock.advance(5000)
      expect(await stored(home)).toEqual({ count: 0, names: ['Bob'] })
    }
  })
})

describe('a database is deleted under an open page', () => {
  beforeEach(() => {
    vi.stubGlobal('indexedDB', new IDBFactory())
    vi.stubGlobal('IDBKeyRange', IDBKeyRange)
    return () => vi.unstubAllGlobals()
  })

  const remove = (name: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name)
      request.onsuccess = () => resolve()
      request.onerror = () => reject(request.error ?? new Error('refused'))
    })

  test('and nothing is typed any more / the page notices all the same, and stores everything again', async () => {
    const engine = createEngine({
      storage: indexedDBStorage('house'),
      locks: null,
      channel: null,
      page: null,
    })
    const session = await engine.open(asking)
    session.state.set('old', 1)
    await session.flush()
    await remove('house')
    const stored = async () => (await indexedDBStorage('house').read('flow'))?.head.seq ?? 0
    await expect.poll(stored).toBeGreaterThan(0)
    await expect.poll(() => session.persistence.status).toBe('saved')
    const next = createEngine({ storage: indexedDBStorage('house'), locks: null, channel: null, page: null })
    expect((await next.open(asking)).state.get()).toEqual({ old: 1 })
  })

  test('with the flow state in it, and nothing is typed any more / it is stored again', async () => {
    const counting = defineWorkflow({ ...flow, flowState: z.object({ count: z.number().default(0) }) }).step(
      'end',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    const page = { storage: indexedDBStorage('house'), locks: null, channel: null, page: null }
    const engine = createEngine({ ...page, onError: () => {} })
    await engine.open(counting)
    engine.flow(counting).state.set('count', 7)
    const stored = async () => (await indexedDBStorage('house').readFlow('flow'))?.data
    await expect.poll(stored).toBeDefined()
    await remove('house')
    await expect.poll(stored).toBe('{"count":7}')
  })

  test('and one session was closed before / that one stays deleted', async () => {
    const engine = createEngine({
      storage: indexedDBStorage('house'),
      locks: null,
      channel: null,
      page: null,
    })
    const session = await engine.open(asking, { id: 'closed' })
    session.state.set('old', 1)
    await session.close()
    const open = await engine.open(asking, { id: 'open' })
    open.state.set('old', 1)
    await open.flush()
    await remove('house')
    open.state.set('new', 1)
    await open.flush()
    expect(await engine.list()).toMatchObject([{ id: 'open' }])
  })
})
