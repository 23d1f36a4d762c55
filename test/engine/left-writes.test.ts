import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  type Engine,
  type SessionStorage,
} from '../../src/index'
import { crash, virtualClock } from '../../src/testing'
import { Done, flow, Go, Question } from '../support/flows'
import { Page } from '../support/page'

const Shared = z.object({
  count: z.number().default(0),
  names: z.array(z.string()).max(5).default([]),
  note: z.string().default(''),
  guest: z.object({ name: z.string(), seat: z.string().default('any') }).optional(),
})

const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
  'work',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    await ctx.flowState.append('names', 'of the step')
    await ctx.ask(Question(1))
    return Done(1)
  },
)

/** A browser: its storage, which may be full, and its pages, which share their `localStorage`. */
function browser() {
  const box = new Map<string, string>()
  const clock = virtualClock()
  const disk = { full: false }
  const errors: unknown[] = []
  let ids = 0
  const storage = memoryStorage({ failAt: () => disk.full })
  const enter = (own: SessionStorage = storage) => {
    const page = new Page(box)
    const engine = createEngine({
      storage: own,
      clock,
      page,
      ids: () => `id-${++ids}`,
      onError: (it) => errors.push(it),
    })
    return { page, engine, handle: engine.flow(workflow) }
  }
  const leave = ({ page, engine }: { readonly page: Page; readonly engine: Engine }): void => {
    page.hide()
    crash(engine)
  }
  return { box, clock, disk, errors, storage, enter, leave }
}

describe('a page is left before its writes to flow state are stored', () => {
  test('the next page / has them, in order, and stores them', async () => {
    const { enter, leave, clock, box, storage } = browser()
    const first = enter()
    await first.handle.ready
    first.handle.state.set('note', 'typed')
    first.handle.state.append('names', 'a')
    first.handle.state.set('count', (it) => it + 1)
    leave(first)
    const second = enter()
    second.handle.state.append('names', 'b')
    await second.handle.ready
    expect(second.handle.state.get()).toEqual({ count: 1, names: ['a', 'b'], note: 'typed' })
    await clock.advance(0)
    crash(second.engine)
    expect([...box]).toEqual([])
    const { handle } = browserOf(storage, clock)
    await handle.ready
    expect(handle.state.get()).toEqual({ count: 1, names: ['a', 'b'], note: 'typed' })
  })

  test('before the first read has settled / they are dropped: they were based on the defaults', async () => {
    const { enter, leave, box } = browser()
    const first = enter()
    first.handle.state.set('note', 'early')
    leave(first)
    expect(box.size).toBe(0)
  })

  test('though they had landed / not made twice', async () => {
    const { enter, leave, storage, clock, box } = browser()
    const first = enter({
      ...storage,
      writeFlow: async (...call) => (await storage.writeFlow(...call), new Promise(() => {})),
    })
    await first.handle.ready
    first.handle.state.append('names', 'a')
    await clock.advance(0)
    leave(first)
    expect(box.size).toBe(1)
    const { handle } = enter()
    await handle.ready
    expect(handle.state.get('names')).toEqual(['a'])
    handle.state.append('names', 'b')
    await clock.advance(0)
    expect([handle.state.get('names'), box.size]).toEqual([['a', 'b'], 0])
  })

  test('two pages open at the same time / made once, whoever stores first', async () => {
    const { enter, leave, clock, storage } = browser()
    const first = enter()
    await first.handle.ready
    for (const name of ['a', 'b', 'c']) first.handle.state.append('names', name)
    leave(first)
    const [left, right] = [enter(), enter()]
    await Promise.all([left.handle.ready, right.handle.ready])
    await clock.advance(0)
    right.handle.state.append('names', 'd')
    left.handle.state.append('names', 'e')
    await clock.advance(0)
    const { handle } = browserOf(storage, clock)
    await handle.ready
    expect([...handle.state.get('names')].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('the page comes back from the cache after another page has made them / not made twice', async () => {
    const { enter, clock, disk, box } = browser()
    const first = enter()
    await first.handle.ready
    disk.full = true
    first.handle.state.append('names', 'a')
    first.handle.state.append('names', 'b')
    await clock.advance(0)
    first.page.hide(true)
    disk.full = false
    const second = enter()
    await second.handle.ready
    await clock.advance(0)
    expect(second.handle.state.get('names')).toEqual(['a', 'b'])
    first.page.show(true)
    first.handle.state.append('names', 'c')
    await clock.advance(2000)
    first.page.hide(true)
    expect([first.handle.state.get('names'), box.size]).toEqual([['a', 'b', 'c'], 0])
  })

  test('the page comes back and is left again while the disk is full / not made twice', async () => {
    const { enter, leave, clock, disk, first } = await asleep()
    first.page.show(true)
    first.handle.state.append('names', 'b')
    leave(first)
    disk.full = false
    const { handle } = enter()
    await handle.ready
    await clock.advance(0)
    expect(handle.state.get('names')).toEqual(['a', 'b'])
  })

  test('and another page has taken over the first of them / in order, once, in every page', async () => {
    const { enter, leave, clock, disk, first } = await asleep()
    const second = enter()
    await second.handle.ready
    second.handle.state.append('names', 'of the second')
    first.page.show(true)
    first.handle.state.append('names', 'b')
    leave(first)
    const third = enter()
    await third.handle.ready
    await second.engine.open(workflow)
    expect(second.handle.state.get('names')).toEqual(['a', 'b', 'of the second'])
    disk.full = false
    for (const { handle } of [second, third]) handle.state.set('note', 'now')
    await clock.advance(70_000)
    third.handle.state.set('note', 'again')
    await clock.advance(0)
    expect(third.handle.state.get('names')).toEqual(['a', 'b', 'of the second'])
  })

  test('by closing the engine while the disk is full / the next page has them', async () => {
    const { enter, clock, disk } = browser()
    const { handle, engine } = enter()
    await handle.ready
    disk.full = true
    handle.state.set('note', 'typed')
    await clock.advance(0)
    await Promise.all([engine.close(), clock.advance(5000)])
    disk.full = false
    const next = enter()
    await next.handle.ready
    expect(next.handle.state.get('note')).toBe('typed')
  })

  test('and one no longer fits what is stored by then / that one is lost and reported, the others are made', async () => {
    const { enter, leave, clock, errors, storage, box } = browser()
    const first = enter()
    await first.handle.ready
    for (const name of ['a', 'b', 'c', 'd']) first.handle.state.append('names', name)
    await clock.advance(0)
    first.handle.state.append('names', 'e')
    first.handle.state.set('note', 'typed')
    leave(first)
    const other = browserOf(storage, clock)
    await other.handle.ready
    other.handle.state.append('names', 'f')
    await clock.advance(0)
    const { handle } = enter()
    await handle.ready
    await clock.advance(0)
    expect(handle.state.get()).toEqual({ count: 0, names: ['a', 'b', 'c', 'd', 'f'], note: 'typed' })
    expect([errors, box.size]).toMatchObject([[{ code: 'STATE_VALIDATION' }], 0])
  })

  test("a step's write / is not in the exit journal: the step makes it, once", async () => {
    const { enter, leave, clock } = browser()
    const first = enter()
    const session = await first.engine.open(workflow)
    session.run().catch(() => {})
    await clock.advance(0)
    leave(first)
    const next = enter()
    await next.engine.open(workflow)
    await clock.advance(0)
    expect(next.handle.state.get('names')).toEqual(['of the step'])
  })

  test("a step's write that storage has not answered / is not there either: the step makes it again, once", async () => {
    const { enter, leave, clock, storage } = browser()
    const first = enter({ ...storage, writeFlow: () => new Promise(() => {}) })
    const session = await first.engine.open(workflow)
    session.run().catch(() => {})
    await clock.advance(0)
    expect(session.flowState.get('names')).toEqual(['of the step'])
    leave(first)
    const next = enter()
    await next.engine.open(workflow)
    await clock.advance(0)
    expect(next.handle.state.get('names')).toEqual(['of the step'])
  })

  test('clear() / they are gone; with a prefix / still there', async () => {
    const { enter, leave, box } = browser()
    const first = enter()
    await first.handle.ready
    first.handle.state.set('note', 'typed')
    leave(first)
    const second = createEngine({ storage: memoryStorage(), page: new Page(box) })
    await second.clear({ prefix: '' })
    expect(box.size).toBe(1)
    await second.clear()
    expect(box.size).toBe(0)
  })

  test('and the code has a new version / they are made', async () => {
    const { enter, leave, box, clock } = browser()
    const first = enter()
    await first.handle.ready
    first.handle.state.set('note', 'typed')
    leave(first)
    const next = defineWorkflow({ ...flow, version: 2, flowState: Shared }).step(
      'end',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    const { engine } = enter()
    const { state, ready } = engine.flow(next)
    await ready
    expect(state.get('note')).toBe('typed')
    await clock.advance(100)
    expect(box.size).toBe(0)
  })

  test('and another page has deleted the object that it wrote into / what is begun anew has its default', async () => {
    const { enter, leave, clock } = browser()
    const first = enter()
    await first.handle.ready
    first.handle.state.set('guest', { name: 'Ada', seat: 'aisle' })
    await clock.advance(100)
    const other = enter()
    await other.handle.ready
    other.handle.state.delete('guest')
    await clock.advance(100)
    first.handle.state.set('guest.name', 'Eve')
    leave(first)
    const next = enter()
    await next.handle.ready
    expect(next.handle.state.get('guest')).toEqual({ name: 'Eve', seat: 'any' })
  })

  test.each([
    ['damaged', (text: string) => text.replace('typed', 'taped')],
    ['no list', () => '{"note":1}'],
    ['of newer code', (text: string) => text.replaceAll('\\"version\\":1', '\\"version\\":2')],
  ])('an exit journal that is %s / ignored', async (_, change) => {
    const { enter, leave, box, errors } = browser()
    const first = enter()
    await first.handle.ready
    first.handle.state.set('note', 'typed')
    leave(first)
    for (const [key, text] of box) box.set(key, change(text))
    const { handle } = enter()
    await handle.ready
    expect([handle.state.get('note'), errors]).toEqual(['', []])
  })

  test('localStorage is forbidden or full / the page works as without it', async () => {
    const { enter, leave, errors } = browser()
    for (const trouble of ['forbidden', 'full'] as const) {
      const first = enter()
      first.page[trouble] = true
      await first.handle.ready
      first.handle.state.set('note', trouble)
      leave(first)
      const { handle } = enter()
      await handle.ready
      expect([handle.state.get('note'), errors]).toEqual(['', []])
    }
  })
})

/** A page that is in the cache, with a write that its disk had no room for. */
async function asleep() {
  const all = browser()
  const first = all.enter()
  await first.handle.ready
  all.disk.full = true
  first.handle.state.append('names', 'a')
  first.page.hide(true)
  return { ...all, first }
}

/** A page that knows nothing of what others have left. */
function browserOf(storage: SessionStorage, clock: ReturnType<typeof virtualClock>) {
  return { handle: createEngine({ storage, clock }).flow(workflow) }
}
