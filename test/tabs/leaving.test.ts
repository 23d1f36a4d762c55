import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  type AnySession,
  type AnyWorkflow,
  type Engine,
  type EngineOptions,
  OvertakenError,
  structuredCloneSerializer,
} from 'dogear'
import { crash, virtualTabs } from 'dogear/testing'
import { asking, Done, flow, gate, Go, Nudge, Question, type MemoryStorage } from '../support/flows'
import { area } from '../storage/area'
import { watched } from '../storage/desk'
import { browser } from '../support/leaving'
import { Page } from '../support/page'

/** A page is left with "a" stored, and "b" after it not stored yet. */
async function leftBehind(
  tab: ReturnType<typeof browser>['tab'],
  workflow: AnyWorkflow = asking,
): Promise<void> {
  const page = tab()
  const session: AnySession = await page.engine.open(workflow)
  session.state.set('text', 'a')
  await session.flush()
  session.state.append('text', 'b')
  page.leave()
}

/** What is asked of storage is done, and no answer comes. */
function unheard<A extends unknown[]>(call: (...args: A) => Promise<unknown>, then: () => void = () => {}) {
  return async (...args: A): Promise<never> => {
    await call(...args)
    then()
    return new Promise(() => {})
  }
}

describe('leaving the page', () => {
  test('text younger than the save window / is there after a reload, and the exit journal is empty again', async () => {
    const { tab, clock, box } = browser()
    const first = tab()
    const session = await first.engine.open(asking)
    session.state.set('text', 'ten milliseconds old')
    first.leave()
    expect(box.size).toBe(1)
    const again = await tab().engine.open(asking)
    expect(again.state.get('text')).toBe('ten milliseconds old')
    expect(again.resumed).toMatchObject({ found: true })
    await clock.advance(1000)
    expect(box.size).toBe(0)
    expect(again.persistence.status).toBe('saved')
  })

  test('stored text, then text not yet stored / both are there, in order, also after a second reload', async () => {
    const { tab, clock } = browser()
    await leftBehind(tab)
    const second = tab()
    const again = await second.engine.open(asking)
    expect(again.state.get('text')).toBe('ab')
    again.state.append('text', 'c')
    second.leave()
    const third = await tab().engine.open(asking)
    expect(third.state.get('text')).toBe('abc')
    await clock.advance(1000)
  })

  test.each([
    ['after stored text', 'a'],
    ['in a session that was never stored', ''],
  ])(
    'unstored text %s, then a new version of the code / the text is there, migrated once, also when that page dies',
    async (_, stored) => {
      const { tab, clock } = browser()
      const first = tab()
      const session = await first.engine.open(asking)
      if (stored) session.state.set('text', stored)
      if (stored) await session.flush()
      session.state.append('text', 'b')
      first.leave()
      const migrations = { 2: (state: unknown) => ({ body: `${(state as { text: string }).text}!` }) }
      const next = defineWorkflow({ ...flow, version: 2, migrations }).step(
        'end',
        { on: Go, emits: [Done] },
        () => Done(1),
      )
      const second = tab()
      expect((await second.engine.open(next)).state.get()).toEqual({ body: `${stored}b!` })
      crash(second.engine)
      const third = await tab().engine.open(next)
      expect(third.state.get()).toEqual({ body: `${stored}b!` })
      await clock.advance(1000)
      expect(third.persistence.status).toBe('saved')
    },
  )

  test('a new version that cannot migrate the unstored text / opens with what is stored, and onError is told what is lost', async () => {
    const errors: unknown[] = []
    const { tab } = browser({ onError: (error) => errors.push(error) })
    await leftBehind(tab)
    const second = (to: (text: string) => object | undefined) =>
      defineWorkflow({
        ...{ ...flow, version: 2 },
        migrations: { 2: (state: unknown) => to((state as { text: string }).text) },
      }).step('end', { on: Go, emits: [Done] }, () => Done(1))
    const session = await tab().engine.open(second((text) => (text === 'a' ? { body: text } : undefined)))
    expect([session.state.get(), errors]).toMatchObject([{ body: 'a' }, [{ code: 'OVERTAKEN' }]])
  })

  test('the next page dies before it has stored the exit journal / the page after it has the text', async () => {
    const { tab } = browser()
    const first = tab()
    ;(await first.engine.open(asking)).state.set('text', 'kept')
    first.leave()
    const second = tab()
    expect((await second.engine.open(asking)).state.get('text')).toBe('kept')
    crash(second.engine)
    expect((await tab().engine.open(asking)).state.get('text')).toBe('kept')
  })

  test.each([
    ['never lands', false],
    ['lands without an answer', true],
  ])(
    'text from the last page, more typed while the claim %s, and left / both are there',
    async (_, lands) => {
      const { tab, clock, storage } = browser()
      const claiming = (): EngineOptions => ({
        storage: {
          ...storage,
          claim: async (...call) => {
            if (lands) await storage.claim(...call)
            return new Promise(() => {})
          },
        },
      })
      await leftBehind(tab)
      await clock.advance(100)
      for (const letter of ['c', 'd']) {
        const next = tab(claiming())
        const shown = next.engine.session(asking)
        shown.ready.catch(() => {})
        await clock.advance(100)
        shown.state.append('text', letter)
        next.leave()
        await clock.advance(100)
      }
      const last = await tab().engine.open(asking)
      expect(last.state.get('text')).toBe('abcd')
      await last.flush()
      expect(last.persistence.status).toBe('saved')
    },
  )

  test.each([
    ['dies', 'ab', (it: ReturnType<ReturnType<typeof browser>['tab']>) => crash(it.engine)],
    ['is left', 'abc', (it: ReturnType<ReturnType<typeof browser>['tab']>) => it.leave()],
  ])(
    'the next page has claimed the session, cannot store the exit journal, and %s / the page after it has "%s"',
    async (_, text, end) => {
      const { tab, clock, storage } = browser()
      await leftBehind(tab)
      const never = () => new Promise<never>(() => {})
      const next = tab({ storage: { ...storage, append: never, compact: never } })
      const session = await next.engine.open(asking)
      await clock.advance(100)
      session.state.append('text', 'c')
      end(next)
      await clock.advance(100)
      expect((await tab().engine.open(asking)).state.get('text')).toBe(text)
    },
  )

  test("text is typed while the last page's exit journal is being stored, and the page is left just before that is done / both are there", async () => {
    const { tab, clock, storage } = browser()
    const first = tab()
    ;(await first.engine.open(asking)).state.set('text', 'a')
    first.leave()
    await clock.advance(100)
    const landing = gate()
    const next = tab({
      storage: {
        ...storage,
        compact: async (...call) => {
          await storage.compact(...call)
          await landing.promise
        },
        append: () => new Promise(() => {}),
      },
    })
    const session = await next.engine.open(asking)
    session.state.append('text', 'b')
    next.page.hide(true)
    landing.open()
    await clock.advance(10)
    crash(next.engine)
    expect((await tab().engine.open(asking)).state.get('text')).toBe('ab')
  })

  test.each<[string, number, (storage: MemoryStorage, die: () => void) => Partial<MemoryStorage>]>([
    ['during its claim', 500, ({ claim }, die) => ({ claim: unheard(claim, die) })],
    [
      'when it has claimed the session, which keeps no history',
      0,
      (_, die) => ({ append: unheard(async () => {}, die), compact: unheard(async () => {}, die) }),
    ],
  ])(
    'a page is left whose last write lands without its knowing, and the next page dies %s / all text is there',
    async (_, history, dying) => {
      const { tab, clock, storage } = browser()
      const keeping = defineWorkflow({ ...flow, history }).step('end', { on: Go, emits: [Done] }, () =>
        Done(1),
      )
      const first = tab({ storage: { ...storage, append: unheard(storage.append) } })
      const session = await first.engine.open(keeping)
      session.state.set('text', 'a')
      void session.flush()
      await clock.advance(10)
      session.state.append('text', 'b')
      first.leave()
      const next = tab({ storage: { ...storage, ...dying(storage, () => crash(next.engine)) } })
      next.engine.session(keeping)
      await clock.advance(1000)
      expect((await tab().engine.open(keeping)).state.get('text')).toBe('ab')
    },
  )

  test('a page is left while it claims the session, and somebody else writes after that / its text is dropped, and onError is told', async () => {
    const errors: unknown[] = []
    const { tab, clock, storage } = browser({ onError: (it) => errors.push(it) })
    const first = tab()
    await (await first.engine.open(asking)).flush()
    first.leave()
    await clock.advance(100)
    const next = tab({ storage: { ...storage, claim: () => new Promise(() => {}) } })
    const shown = next.engine.session(asking)
    shown.ready.catch(() => {})
    await clock.advance(100)
    shown.state.set('text', 'claiming')
    next.leave()
    const other = await createEngine({ storage, clock }).open(asking)
    other.state.set('text', 'newer')
    await other.flush()
    expect((await tab().engine.open(asking)).state.get('text')).toBe('newer')
    expect(errors).toMatchObject([{ code: 'OVERTAKEN' }])
  })

  test.each<[string, (session: AnySession) => void]>([
    ['text', (it) => it.state.append('text', 'b')],
    ['a reset', (it) => it.reset()],
  ])(
    '%s is left, and another device deletes the session and begins another of the same length / the exit journal is not merged into it, and onError is told',
    async (_, change) => {
      const errors: unknown[] = []
      const { tab, clock, storage } = browser({ onError: (it) => errors.push(it) })
      const first = tab()
      const session = await first.engine.open(asking)
      session.state.set('text', 'a')
      await session.flush()
      change(session)
      first.leave()
      const device = createEngine({ storage, clock })
      await device.delete('flow')
      const other = await device.open(asking)
      other.state.set('text', 'another')
      await other.flush()
      await device.close()
      expect((await tab().engine.open(asking)).state.get('text')).toBe('another')
      expect(errors).toMatchObject([{ code: 'OVERTAKEN' }])
    },
  )

  test('a power cut takes what storage had acknowledged, but not the exit journal / what does not continue the rest is dropped, and onError is told', async () => {
    const errors: unknown[] = []
    const { tab, storage } = browser({ onError: (it) => errors.push(it) })
    let kept = true
    const append: typeof storage.append = async (...call) => (kept ? storage.append(...call) : undefined)
    const first = tab({ storage: { ...storage, append } })
    const session = await first.engine.open(asking)
    session.state.set('text', 'a')
    await session.flush()
    kept = false
    session.state.append('text', 'b')
    await session.flush()
    session.state.append('text', 'c')
    first.leave()
    expect((await tab().engine.open(asking)).state.get('text')).toBe('a')
    expect(errors).toMatchObject([{ code: 'OVERTAKEN', lost: ['wrote'] }])
  })

  test('text in the exit journal is refused by storage after the page comes back, and stored later; left again / all text is there', async () => {
    let full = false
    const storage = memoryStorage({ failAt: () => full })
    const { tab, clock } = browser({ storage })
    const { engine, page, leave } = tab()
    const session = await engine.open(asking)
    session.state.set('text', 'a')
    await session.flush()
    full = true
    session.state.append('text', 'b')
    page.hide(true)
    page.show(true)
    await clock.advance(1000)
    expect(session.persistence.status).toBe('unsaved')
    full = false
    session.state.append('text', 'c')
    await session.flush()
    session.state.append('text', 'd')
    leave()
    expect((await tab().engine.open(asking)).state.get('text')).toBe('abcd')
  })

  test('everything was stored / nothing is left in localStorage', async () => {
    const { tab, box } = browser()
    const first = tab()
    const session = await first.engine.open(asking)
    session.state.set('text', 'a')
    await session.flush()
    first.leave()
    expect(box.size).toBe(0)
  })

  test('somebody else has written since / the tail of the older epoch is dropped, and onError is told what it held', async () => {
    const errors: unknown[] = []
    const { tab, storage, clock, box } = browser({ onError: (it) => errors.push(it) })
    await leftBehind(tab)
    const other = await createEngine({ storage, clock }).open(asking)
    other.state.set('text', 'newer')
    await other.flush()
    expect((await tab().engine.open(asking)).state.get('text')).toBe('newer')
    expect(errors).toMatchObject([{ code: 'OVERTAKEN', id: 'flow', lost: ['wrote'] }])
    expect(errors[0]).toBeInstanceOf(OvertakenError)
    // Reported once: the next page finds nothing.
    await clock.advance(1000)
    expect(box.size).toBe(0)
    await tab().engine.open(asking)
    expect(errors).toHaveLength(1)
  })

  test.each([0, 500])(
    'text is typed before what the last page left is read, and after; left before any of it is stored, with a history of %s / all of it is there',
    async (history) => {
      const keeping = defineWorkflow({ ...flow, history }).step('end', { on: Go, emits: [Done] }, () =>
        Done(1),
      )
      const { tab, storage } = browser({ locks: null, channel: null })
      await leftBehind(tab, keeping)
      const silent = () => new Promise<void>(() => {})
      const second = tab({ storage: { ...storage, append: silent, compact: silent } })
      const again = second.engine.session(keeping)
      again.state.append('text', 'c')
      await again.ready
      again.state.append('text', 'd')
      second.leave()
      expect((await tab().engine.open(keeping)).state.get('text')).toBe('abcd')
    },
  )

  test.each([0, 5000])(
    'another device has deleted the session, and storage answers after %s ms / the tail is dropped, and onError is told what it held',
    async (late) => {
      const errors: unknown[] = []
      const { tab, storage, clock, box } = browser({ onError: (it) => errors.push(it) })
      await leftBehind(tab)
      await storage.delete('flow')
      const read = async (id: string) => {
        if (late > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, late))
        return storage.read(id)
      }
      const opened = tab({ storage: { ...storage, read } }).engine.open(asking)
      await clock.advance(late + 1000)
      expect((await opened).state.get()).toEqual({})
      expect(errors.at(-1)).toMatchObject({ code: 'OVERTAKEN', id: 'flow', lost: ['wrote'] })
      expect(box.size).toBe(0)
    },
  )

  test.each([
    ['garbage', () => 'garbage'],
    ['a changed byte', (text: string) => text.replace('fresh', 'frosh')],
    ['another version', (text: string) => text.replace('"version":1', '"version":2')],
    ['a number', () => '42'],
    ['null', () => 'null'],
  ])('the exit journal is %s / it is ignored', async (_, spoil) => {
    const { tab, box } = browser()
    const first = tab()
    const session = await first.engine.open(asking)
    session.state.set('text', 'stored')
    await session.flush()
    session.state.set('text', 'fresh')
    first.leave()
    for (const [key, value] of box) box.set(key, spoil(value))
    expect((await tab().engine.open(asking)).state.get('text')).toBe('stored')
  })

  test('private fields / are neither in the exit journal nor in the stored history', async () => {
    const { tab, box, storage, clock } = browser()
    const state = z.object({ name: z.string().default(''), card: z.string().default('') })
    const secretive = defineWorkflow({ ...flow, state, private: ['card'] }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(1))).data),
    )
    const first = tab()
    const session = await first.engine.open(secretive)
    session.state.set('card', '4111')
    session.state.set('name', 'Ada')
    session.state.replace({ name: 'Ada', card: '4111 again' })
    first.leave()
    expect([...box.values()].join()).toContain('Ada')
    expect([...box.values()].join()).not.toContain('4111')
    const again = await tab().engine.open(secretive)
    expect(again.state.get()).toEqual({ name: 'Ada', card: '' })
    again.state.set('card', '4111')
    again.state.set('name', 'x'.repeat(300_000))
    await clock.advance(2000)
    const stored = await storage.export('flow')
    expect(JSON.stringify(stored?.session?.snapshot)).toContain('records')
    expect(JSON.stringify([stored, again.toJSON()])).not.toContain('4111')
  })

  test('localStorage is full or forbidden / nothing else changes', async () => {
    for (const trouble of ['full', 'forbidden'] as const) {
      const { tab, clock } = browser()
      const first = tab()
      first.page[trouble] = true
      const session = await first.engine.open(asking)
      session.state.set('text', 'a')
      await session.flush()
      session.state.set('text', 'lost')
      first.leave()
      const next = tab()
      next.page[trouble] = true
      const again = await next.engine.open(asking)
      expect(again.state.get('text')).toBe('a')
      await clock.advance(1000)
    }
  })

  test.each(['session', 'engine'] as const)(
    'the page is left while its %s is still being closed / the text is there after a reload',
    async (what) => {
      const { tab, storage } = browser()
      const slow = { ...storage, append: () => new Promise<never>(() => {}) }
      const page = tab({ storage: slow })
      const session = await page.engine.open(asking)
      session.state.set('text', 'typed')
      void { session, engine: page.engine }[what].close()
      page.leave()
      expect((await tab().engine.open(asking)).state.get('text')).toBe('typed')
    },
  )

  test('more than the exit journal has room for / the beginning is kept', async () => {
    const { tab, box } = browser()
    const first = tab()
    const session = await first.engine.open(asking)
    session.run().catch(() => {})
    for (let i = 0; i < 40; i++) {
      session.state.set('i', i)
      session.state.set('text', String(i % 10).repeat(10_000))
      session.pause()
      session.resume()
    }
    first.leave()
    expect([...box.values()].join('').length).toBeLessThan(300_000)
    const again = await tab().engine.open(asking)
    const i = again.state.get('i') as number
    expect(i).toBeGreaterThan(5)
    expect(again.state.get('text')).toBe(String(i % 10).repeat(10_000))
  })

  test('a single write larger than the exit journal / nothing is left behind', async () => {
    const { tab, box } = browser()
    const first = tab()
    const session = await first.engine.open(asking)
    session.state.set('text', 'a')
    await session.flush()
    session.state.set('text', 'x'.repeat(300_000))
    first.leave()
    expect(box.size).toBe(0)
  })

  test('the disk is full for longer than memory keeps all records / the beginning is kept', async () => {
    const disk = { full: false }
    const { tab, clock } = browser({ storage: memoryStorage({ failAt: () => disk.full }) })
    const counting = defineWorkflow({ ...flow, events: [Nudge] })
      .step('wait', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
        Done((await ctx.ask(Question(1))).data),
      )
      .step('count', { on: Nudge }, (ctx) =>
        ctx.state.edit((draft) => void (draft['n'] = Number(draft['n'] ?? 0) + 1)),
      )
    const first = tab()
    const session = await first.engine.open(counting)
    void session.run().catch(() => {})
    await session.send(Nudge('stored'))
    await clock.advance(10)
    await session.flush()
    disk.full = true
    await session.send(Nudge('first'))
    await clock.advance(10)
    for (let count = 0; count < 1000; count++) await session.send(Nudge(count))
    await clock.advance(10)
    expect(session.state.get('n')).toBe(1002)
    first.leave()
    disk.full = false
    const again = await tab().engine.open(counting)
    expect(again.state.get('n')).toBe(2)
  })

  test('an asynchronous serializer / nothing is written to the exit journal around it', async () => {
    const { tab, box } = browser({
      serializer: {
        serialize: async (it) => JSON.stringify(it),
        deserialize: async (it) => JSON.parse(it as string) as unknown,
      },
    })
    const first = tab()
    ;(await first.engine.open(asking)).state.set('secret', 1)
    first.leave()
    expect(box.size).toBe(0)
  })

  test('the session is deleted / its exit journal is deleted too, and nothing else in localStorage', async () => {
    const { tab, box } = browser()
    const first = tab()
    for (const id of ['a', 'b']) (await first.engine.open(asking, { id })).state.set('text', id)
    first.leave()
    box.set('theme', 'dark')
    const next = tab()
    await next.engine.delete('a')
    expect([...box.keys()].map((it) => it.split(':').at(-1))).toEqual(['b', 'theme'])
    expect((await next.engine.open(asking, { id: 'a' })).state.get()).toEqual({})
  })

  test.each<[string, (texts: ReturnType<typeof area>) => object, (engine: Engine) => Promise<void>]>([
    [
      'no more than it must',
      ({ getItem, setItem, removeItem }) => ({ getItem, setItem, removeItem }),
      (it) => it.delete('a-1'),
    ],
    ['its items by key() alone', (texts) => texts, (it) => it.clear({ prefix: 'a-' })],
    ['its items by key() alone', (texts) => texts, (it) => it.clear()],
  ])('a localStorage that shows %s / an exit journal is removed all the same', async (_, shown, remove) => {
    const { tab } = browser()
    const texts = area()
    const page = () => Object.defineProperty(new Page(new Map()), 'localStorage', { value: shown(texts) })
    const left = page()
    const first = tab({ page: left }).engine
    ;(await first.open(asking, { id: 'a-1' })).state.set('text', 'secret')
    left.hide()
    crash(first)
    expect(texts.length).toBe(1)
    const next = tab({ page: page() }).engine
    await remove(next)
    expect(texts.length).toBe(0)
    expect((await next.open(asking, { id: 'a-1' })).state.get()).toEqual({})
  })

  test('sessions are cleared by a prefix / the exit journals of others stay', async () => {
    const { tab, box } = browser()
    const first = tab()
    for (const id of ['a-1', 'a-2', 'b-1']) (await first.engine.open(asking, { id })).state.set('text', id)
    first.leave()
    expect(box.size).toBe(3)
    await tab().engine.clear({ prefix: 'a-' })
    expect([...box.keys()].map((it) => it.slice(-3))).toEqual(['b-1'])
  })

  test.each([
    ['text', 'last words', true],
    ['a date', new Date(1), false],
  ])(
    'a serializer that leaves values as they are, and %s typed last / the exit journal has it if it is JSON',
    async (_, value, kept) => {
      const { tab, box } = browser({ serializer: structuredCloneSerializer })
      const first = tab()
      const session = await first.engine.open(asking)
      session.state.set('when', new Date(0))
      await session.flush()
      session.state.set('last', value)
      first.leave()
      expect(box.size).toBe(kept ? 1 : 0)
      const again = await tab().engine.open(asking)
      expect(again.state.get()).toEqual({ when: new Date(0), ...(kept && { last: value }) })
    },
  )

  test('a serializer that leaves values as they are, and a private field / all but that field is in the exit journal', async () => {
    const { tab, box } = browser({ serializer: structuredCloneSerializer })
    const paying = defineWorkflow({ ...flow, private: ['card'] }).step(
      'work',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    const first = tab()
    const session = await first.engine.open(paying)
    session.state.set('card', '4111')
    session.state.set('note', 'last words')
    first.leave()
    expect([...box.values()].join()).not.toContain('4111')
    expect((await tab().engine.open(paying)).state.get()).toEqual({ note: 'last words' })
  })

  test('a storage whose release() throws / the page gives up the session all the same', async () => {
    const release = () => {
      throw new Error('nothing is open')
    }
    const { tab, clock } = browser({ storage: { ...memoryStorage(), release } })
    const first = tab()
    ;(await first.engine.open(asking)).state.set('text', 'a')
    const other = await tab().engine.open(asking)
    first.page.hide(true)
    await clock.advance(10)
    expect([other.role, other.state.get('text')]).toEqual(['leader', 'a'])
  })

  test('left and then hidden, as in browsers / no write begins that would be frozen with the page', async () => {
    const { storage, log } = watched()
    const { tab, clock, box } = browser({ storage })
    const { engine, page } = tab()
    const session = await engine.open(asking)
    session.state.set('text', 'a')
    page.hide(true)
    page.look('hidden')
    await clock.advance(0)
    expect([log, box.size]).toEqual([[], 1])
    page.look('visible')
    page.show(true)
    await session.flush()
    session.state.append('text', 'b')
    page.look('hidden')
    await clock.advance(0)
    expect(session.persistence.status).toBe('saved')
  })

  test.each([
    ['takes what was typed', 'ends', false, false, 0, true],
    ['takes what was typed', 'goes to the cache', false, true, 0, true],
    ['is forbidden', 'ends', true, false, 1, false],
    ['is forbidden', 'goes to the cache', true, true, 0, true],
  ])(
    'localStorage %s, and the page %s / either a write begins at once, or storage gives up what is under way',
    async (_, __, forbidden, cached, writes, gaveUp) => {
      const { storage, log } = watched()
      let released = false
      const { tab, clock } = browser({ storage: { ...storage, release: () => void (released = true) } })
      const { engine, page } = tab()
      page.forbidden = forbidden
      ;(await engine.open(asking)).state.set('text', 'a')
      page.hide(cached)
      await clock.advance(0)
      expect({ writes: log.length, released }).toEqual({ writes, released: gaveUp })
    },
  )

  test('only hidden / what was typed is stored at once', async () => {
    const { tab, clock, storage } = browser()
    const { engine, page } = tab()
    const session = await engine.open(asking)
    session.state.set('text', 'a')
    page.look('hidden')
    await clock.advance(0)
    expect(session.persistence.status).toBe('saved')
    crash(engine)
    expect((await createEngine({ storage, clock }).open(asking)).state.get('text')).toBe('a')
  })
})

describe('the back/forward cache', () => {
  test('the page comes back and nobody else is there / it leads again, and has everything', async () => {
    const { tab, clock } = browser()
    const { engine, page } = tab()
    const session = await engine.open(asking)
    session.run().catch(() => {})
    await clock.advance(100)
    session.state.set('text', 'a')
    page.hide()
    await clock.advance(10_000)
    page.show(true)
    await clock.advance(100)
    expect([session.role, session.status, session.state.get('text')]).toEqual(['leader', 'waiting', 'a'])
    session.state.append('text', 'b')
    await session.flush()
    expect(session.persistence.status).toBe('saved')
    const reply = session.asks[0]?.reply('yes')
    expect(await reply).toBe(true)
    await clock.advance(100)
    expect(session.result).toBe('yes')
  })

  test.each([
    ['nothing is stored', '', 'typed'],
    ['something is stored', 'stored, ', 'stored, typed'],
  ])(
    'left and back while storage does not answer, and %s / what was typed is there once',
    async (_, stored, expected) => {
      const memory = memoryStorage()
      const before = await createEngine({ storage: memory }).open(asking)
      if (stored) before.state.set('text', stored)
      await before.flush()
      const door = gate()
      const read: typeof memory.read = (id) => door.promise.then(() => memory.read(id))
      const { tab, clock } = browser({ storage: { ...memory, read } })
      const { engine, page } = tab()
      const session = engine.session(asking)
      session.state.append('text', 'typed')
      await clock.advance(5000)
      page.hide(true)
      page.show(true)
      await clock.advance(5000)
      expect(session.state.get('text')).toBe('typed')
      door.open()
      await clock.advance(5000)
      expect([session.state.get('text'), session.persistence.status]).toEqual([expected, 'saved'])
    },
  )

  test('another tab has gone on meanwhile / this one follows, with what that tab has written', async () => {
    const { tab, clock } = browser()
    const old = tab()
    const session = await old.engine.open(asking)
    session.state.set('text', 'a')
    old.page.hide()
    const other = await tab().engine.open(asking)
    expect(other.role).toBe('leader')
    expect(other.state.get('text')).toBe('a')
    other.state.append('text', 'b')
    await clock.advance(1000)
    old.page.show(true)
    await clock.advance(100)
    expect([session.role, session.state.get('text')]).toEqual(['follower', 'ab'])
    session.state.append('text', 'c')
    await clock.advance(100)
    expect(other.state.get('text')).toBe('abc')
  })

  test.each([
    ['and is still there', 'follower'],
    ['and is gone', 'leader'],
  ])(
    'the run has failed, another tab has looked at it, %s / the same error; it was tried again and failed with another one / that one',
    async (_, role) => {
      let message = 'first'
      const failing = defineWorkflow({ ...flow }).step('fail', { on: Go, emits: [Done] }, () => {
        throw new Error(message)
      })
      const { tab, clock } = browser()
      const { engine, page } = tab()
      const session = await engine.open(failing)
      const first: unknown = await session.run().catch((error: unknown) => error)
      await session.flush()
      const seen: unknown[] = [first]
      for (const again of [false, true]) {
        page.hide(true)
        const other = tab()
        const taken = await other.engine.open(failing)
        message = 'second'
        if (again) await taken.retry().catch(() => {})
        await taken.flush()
        if (role === 'leader') await other.engine.close()
        page.show(true)
        await clock.advance(3000)
        expect(session.role).toBe(role)
        seen.push(again ? session.error?.message : session.error)
        other.leave()
        await clock.advance(3000)
      }
      expect(seen).toEqual([first, first, expect.stringContaining('second')])
      expect(seen[1]).toBe(first)
    },
  )

  test.each([
    ['follower', 'begun anew', 'waiting'],
    ['leader', 'begun anew', 'waiting'],
    ['leader', 'gone back', 'paused'],
  ])(
    'a step has said how far it is; back as a %s, and another tab has %s meanwhile / what that step said is gone',
    async (role, act, status) => {
      let says = true
      const workflow = defineWorkflow({ ...flow }).step(
        'ask',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          if (says) ctx.progress(0.9, 'nearly')
          return Done((await ctx.ask(Question(1))).data)
        },
      )
      const { tab, clock } = browser()
      const { engine, page } = tab()
      const session = await engine.open(workflow)
      void session.run().catch(() => {})
      await clock.advance(1000)
      expect(session.progress).toEqual({ fraction: 0.9, label: 'nearly' })
      page.hide(true)
      const other = tab()
      const anew = await other.engine.open(workflow)
      says = false
      if (act === 'gone back') anew.rewind(2)
      else anew.reset()
      if (act === 'begun anew') void anew.run().catch(() => {})
      await clock.advance(1000)
      await anew.flush()
      if (role === 'leader') await other.engine.close()
      page.show(true)
      await clock.advance(3000)
      expect([session.role, session.status, session.progress]).toEqual([role, status, { fraction: 0 }])
    },
  )

  test('the session was deleted meanwhile / it begins anew; what was not stored is reported, and does not come back', async () => {
    const errors: unknown[] = []
    const { tab, clock, storage } = browser({ onError: (it) => errors.push(it) })
    const old = tab()
    const session = await old.engine.open(asking)
    session.state.set('text', 'a secret')
    await session.flush()
    session.state.append('text', ', and more of it')
    old.page.hide(true)
    await tab().engine.delete('flow')
    old.page.show(true)
    await clock.advance(1000)
    expect([session.role, session.state.get()]).toEqual(['leader', {}])
    session.state.set('fresh', true)
    await session.flush()
    expect(JSON.stringify(await storage.read('flow'))).not.toContain('more of it')
    expect(errors).toMatchObject([{ code: 'OVERTAKEN', lost: ['wrote'] }])
  })

  test('another tab has come and gone meanwhile / this one leads, with what that tab has stored', async () => {
    const { tab, clock } = browser()
    const old = tab()
    const session = await old.engine.open(asking)
    session.state.set('text', 'a')
    old.page.hide()
    const visit = tab()
    const other = await visit.engine.open(asking)
    other.state.append('text', 'b')
    visit.leave()
    old.page.show(true)
    await clock.advance(5000)
    expect([session.role, session.state.get('text')]).toEqual(['leader', 'ab'])
  })

  test('a follower goes and comes back / it still follows, and what it types arrives', async () => {
    const { tab, clock } = browser()
    const one = await tab().engine.open(asking)
    const second = tab()
    const two = await second.engine.open(asking)
    second.page.hide()
    one.state.set('text', 'meanwhile')
    await clock.advance(1000)
    second.page.show(true)
    await clock.advance(100)
    expect([two.role, two.state.get('text')]).toEqual(['follower', 'meanwhile'])
    two.state.append('text', '!')
    await clock.advance(100)
    expect(one.state.get('text')).toBe('meanwhile!')
  })

  test.each([0, 1])(
    'a follower of a hanging leader starts a run, types %i ms later, and goes; the leader dies, and it returns / both are done',
    async (past) => {
      const { tab, clock } = browser()
      const hung = tab({ channel: null })
      await hung.engine.open(asking)
      const { engine, page } = tab()
      const opening = engine.open(asking)
      await clock.advance(1000)
      const session = await opening
      session.run().catch(() => {})
      await clock.advance(past)
      session.state.set('text', 'a')
      page.hide(true)
      crash(hung.engine)
      page.show(true)
      await clock.advance(1000)
      expect([session.role, session.status, session.state.get('text')]).toEqual(['leader', 'waiting', 'a'])
    },
  )

  test('the leader goes / the follower leads at once, and has what was not stored', async () => {
    const { tab, clock } = browser()
    const first = tab()
    const one = await first.engine.open(asking)
    const two = await tab().engine.open(asking)
    one.state.set('text', 'a moment ago')
    first.leave()
    await clock.advance(10)
    expect([two.role, two.state.get('text')]).toEqual(['leader', 'a moment ago'])
  })

  test('the leader types and goes at once, and localStorage is forbidden / the follower has the text', async () => {
    const tabs = virtualTabs()
    const { tab, clock } = browser(tabs)
    const first = tab()
    const one = await first.engine.open(asking)
    const last: typeof tabs.locks = {
      request: (name, how, done) =>
        how.ifAvailable ? tabs.locks.request(name, how, done) : new Promise(() => {}),
    }
    const two = await tab({ locks: last }).engine.open(asking)
    expect(two.role).toBe('follower')
    first.page.forbidden = true
    one.state.set('text', 'a moment ago')
    first.page.hide(true)
    crash(first.engine)
    await clock.advance(10)
    expect(two.state.get('text')).toBe('a moment ago')
  })
})
