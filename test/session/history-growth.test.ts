import { afterEach, describe, expect, test, vi } from 'vitest'
import { defineWorkflow } from '../../src/index'
import { History } from '../../src/session/model/history'
import { createModel } from '../../src/session/model/model'
import type { SessionRecord } from '../../src/session/model/record'
import { Tree } from '../../src/state/tree'
import { Done, flow, Go, Item, profile, Question } from '../support/flows'

afterEach(() => {
  vi.restoreAllMocks()
})

const ends = { on: Go, emits: [Done] }

/** One question after the other, each in a step of its own. */
const wizard = defineWorkflow(flow).step(
  'page',
  { on: [Go, Item], asks: [Question], emits: [Item, Done] },
  async (ctx, { data = 0 }) => {
    const { data: more } = await ctx.ask(Question(data))
    await ctx.state.set('page', data)
    return more === 'end' ? Done(data) : Item(data + 1)
  },
)

describe('hours of edits on one page', () => {
  test('of a list that is moved as a whole, and of its items / the history holds the last of each, also in storage', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, history: 20 }).step(
      'page',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(0))).data),
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    session.state.set('list', ['a', 'b', 'c', 'd'])
    const sizes: number[] = []
    for (let n = 1; n <= 3000; n++) {
      session.state.set(`list.${n % 4}`, `text ${n % 10}`)
      session.state.set('list', (list: unknown) => [...(list as unknown[])].reverse())
      session.state.set('title', n % 10)
      if (n % 10 === 0) await session.flush()
      if (n % 1000 === 0) sizes.push(JSON.stringify(session.toJSON()).length)
    }
    expect(Math.max(...sizes)).toBeLessThan(Math.min(...sizes) * 1.5)
    const first = session.history().find((it) => it.type === 'opened')
    expect(first).toBeDefined()
    session.rewind(session.history().at(-1)!.seq)
    expect(session.state.get('title')).toBe(0)
  })
})

describe('a thousand fields are written at once, again and again', () => {
  const most = 20
  const written = async (batches: number) => {
    const page = profile()
    const session = await page.open(
      defineWorkflow({ ...flow, history: most }).step('end', ends, () => Done(0)),
    )
    for (let n = 1; n <= batches; n++) {
      session.state.batch(() => {
        for (let at = 0; at < 1000; at++) session.state.set(`prices.p${at}`, n)
      })
      await session.flush()
    }
    return session
  }
  const edits = (session: { history(): readonly object[] }) =>
    session.history().flatMap((it) => ('ops' in it && Array.isArray(it.ops) ? [it.ops.length] : []))

  test('the history is no longer after sixty times, long before it has as many records / nor is what is stored', async () => {
    const [some, many] = [await written(10), await written(60)]
    const sum = (session: typeof some) => edits(session).reduce((all, it) => all + it, 0)
    expect(sum(some)).toBeLessThan(12_000)
    expect(sum(many)).toBeLessThan(12_000)
    expect(JSON.stringify(many.toJSON()).length).toBeLessThan(JSON.stringify(some.toJSON()).length * 2)
    const [first] = many.history().filter((it) => 'ops' in it)
    many.rewind(first!.seq)
    const price = many.state.get('prices.p7')
    expect(price).toBeGreaterThan(0)
    expect(many.state.get('prices.p999')).toBe(price)
  })
})

test.each([
  ['twelve edits of a thousand fields each / the newest', 20, 12, 1000, 4],
  ['eight edits of thirty fields each, with a short history / all of them', 10, 8, 30, 8],
] as const)('%s can be taken back one by one', async (_, history, edits, fields, most) => {
  const page = profile()
  const session = await page.open(defineWorkflow({ ...flow, history }).step('end', ends, () => Done(0)))
  for (let n = 1; n <= edits; n++) {
    session.state.batch(() => {
      for (let at = 0; at < fields; at++) session.state.set(`cells.c${at}`, n)
    })
    await session.flush()
  }
  const seqs = session.history().flatMap((it) => (it.type === 'wrote' ? [it.seq] : []))
  expect(seqs.length).toBeGreaterThanOrEqual(most)
  for (const [back, seq] of seqs.slice(-most).reverse().entries()) {
    session.rewind(seq)
    expect(session.state.get('cells.c0')).toBe(edits - back)
  }
})

test('edits of two tabs that the history has joined / are not taken for those of one tab, whose next write is checked again', () => {
  const history = new History(3)
  const model = createModel({}, 'line', new Tree({}))
  const fold = (record: object): void => history.fold(model, { at: 0, ...record } as SessionRecord)
  fold({ seq: 1, kind: 'created', state: {}, lineage: 'line' })
  for (const seq of [2, 3, 4]) fold({ seq, kind: 'paused' })
  const edits = (by?: string) => ({ kind: 'wrote', ops: [['set', 'a', by ?? '']], ...(by && { by, n: 1 }) })
  fold({ seq: 5, ...edits() })
  fold({ seq: 6, ...edits('one') })
  expect([history.isOwnSince(4, 'one'), history.isOwnSince(5, 'one')]).toEqual([false, false])
  fold({ seq: 7, kind: 'wrote', ops: [['set', 'b', 1]], by: 'one', n: 2 })
  expect(history.since(4).map((it) => it.seq)).toEqual([6, 7])
  expect(history.isOwnSince(4, 'one')).toBe(false)
  expect(history.isOwnSince(6, 'one')).toBe(true)
})

describe('a long way back', () => {
  test('through 160 pages and through 40 / about four times the work', async () => {
    const counts: number[] = []
    for (const pages of [40, 160]) {
      const page = profile()
      const session = await page.open(wizard)
      session.run().catch(() => {})
      for (let at = 0; at < pages; at++) {
        await page.settle()
        await session.asks[0]?.reply(at)
      }
      await page.settle()
      const applied = vi.spyOn(Tree.prototype, 'apply')
      for (let at = pages; at-- > 0;) {
        expect(session.back()).toBe(true)
        await page.settle()
        expect([session.asks[0]?.data, session.state.get()]).toEqual([at, at ? { page: at - 1 } : {}])
      }
      expect(session.back()).toBe(false)
      counts.push(applied.mock.calls.length)
      applied.mockRestore()
    }
    const [few = 0, many = 0] = counts
    expect(many).toBeLessThan(few * 7)
  })

  test('the history is read at random moments between writes / each moment equals a fold from the beginning', () => {
    const history = new History(100)
    const model = createModel({}, 'line')
    const states = new Map<number, unknown>()
    let random = 7
    const next = (below: number): number => (random = (random * 16807) % 2147483647) % below
    const write = (record: SessionRecord): void => {
      history.fold(model, record)
      states.set(record.seq, model.tree.root())
    }
    for (let seq = 1; seq <= 1000; seq++) {
      write({ seq, at: seq, kind: 'wrote', ops: [['set', `n${next(5)}`, seq]] })
      if (next(3) === 0) write({ seq, at: seq, kind: 'wrote', ops: [['set', 'more', seq]] })
      const list = next(4)
      if (list === 0) write({ seq: ++seq, at: seq, kind: 'wrote', ops: [['set', 'list', [seq]]] })
      if (list === 1) write({ seq: ++seq, at: seq, kind: 'wrote', ops: [['set', 'list.0', seq]] })
      if (list === 2) write({ seq: ++seq, at: seq, kind: 'wrote', ops: [['append', 'list', seq, 'list']] })
      if (next(5) === 0) write({ seq: ++seq, at: seq, kind: 'paused' })
      for (let looks = next(4); looks > 0; looks--) {
        const kept = history.entries()
        const { seq: at } = kept[next(kept.length)] as { seq: number }
        expect(history.at(at).tree.root()).toEqual(states.get(at))
      }
    }
  })
})

test('a step writes 50 times while somebody types, and 200 times / about four times the work: what it saw is compared once', async () => {
  const counts: number[] = []
  for (const times of [50, 200]) {
    const page = profile()
    const session = await page.open(
      defineWorkflow({ ...flow, history: 20 }).step('fill', ends, async (ctx) => {
        for (let n = 1; n <= times; n++) {
          session.state.set('typed', n)
          await ctx.state.set('row', n)
        }
        return Done(0)
      }),
    )
    const listed = vi.spyOn(Object, 'keys')
    await session.run()
    counts.push(listed.mock.calls.length)
    listed.mockRestore()
  }
  const [few = 0, many = 0] = counts
  expect(few).toBeGreaterThan(50)
  expect(many).toBeLessThan(few * 6)
})
