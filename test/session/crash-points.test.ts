import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  createEngine,
  defineEvent,
  defineWorkflow,
  gather,
  memoryStorage,
  type Session,
  type SessionStorage,
} from '../../src/index'
import { crash, virtualClock } from '../../src/testing'
import { Done, Go, Nudge, Question, sorted, type MemoryStorage } from '../support/flows'

const Priced = defineEvent('priced', z.object({ total: z.number() }))
const Split = defineEvent('split', z.number())
const Part = defineEvent('part', z.number())
const Piece = defineEvent('piece', z.number())
const Left = defineEvent('left', z.number())
const Right = defineEvent('right', z.string())
const Pack = defineEvent('pack', z.string())
const Wait = defineEvent('wait', z.string())
const Side = defineEvent('side', z.string())
const Last = defineEvent('last', z.string())

const State = z.object({
  form: z.object({ name: z.string(), note: z.string(), tags: z.array(z.string()) }).default({
    name: '',
    note: '',
    tags: [],
  }),
  log: z.array(z.string()).default([]),
  parts: z.record(z.string(), z.number()).default({}),
  sides: z.record(z.string(), z.number()).default({}),
  ui: z.record(z.string(), z.unknown()).default({}),
  blob: z.string().default(''),
})

/** The world outside the page: what its servers have seen. It outlives every crash. */
class World {
  /** The idempotency keys that came, by effect, in order. */
  readonly tries = new Map<string, string[]>()
  readonly done = new Set<string>()
  /** Effects that ended before everything was stored: none of them may ever be called again. */
  readonly kept = new Set<string>()
  readonly wrong: string[] = []
  /** What the person does while the server answers. */
  meanwhile = (): void => {}

  call<T>(name: string, key: string, value: T, failures = 0): T {
    const keys = this.tries.get(name) ?? []
    this.tries.set(name, [...keys, key])
    if (this.kept.has(name)) this.wrong.push(`${name} was called again after its result was stored`)
    if (keys.some((it) => it !== key)) this.wrong.push(`${name} was called with another key`)
    if (keys.length < failures) throw new Error(`${name} is down`)
    this.done.add(name)
    return value
  }
}

/** Eleven steps with everything that a step can do. */
const trip = (world: World, ballast: number) =>
  defineWorkflow({
    name: 'trip',
    version: 1,
    state: State,
    start: Go,
    stop: Done,
    events: [Nudge],
    skip: ['deadEnd'],
  })
    .step('intake', { on: Go, asks: [Question], emits: [Priced] }, async (ctx) => {
      await ctx.state.set('form.name', 'from the step')
      await ctx.state.append('log', 'intake')
      const name = await ctx.ask(Question('name'))
      await ctx.state.append('log', `name ${String(name.data)}, typed ${ctx.state.get('form.name')}`)
      const total = await ctx.once('quote', (key) => {
        world.meanwhile()
        return world.call('quote', key, ctx.state.get('form.name').length)
      })
      await ctx.state.set('form.note', (note) => `${note}, total ${total}`)
      await ctx.commit()
      await ctx.state.append('form.tags', 'after the commit')
      const second = await ctx.ask(Question('second'))
      await ctx.state.append('log', `second ${String(second.data)} of ${ctx.state.get('form.tags').length}`)
      return Priced({ total })
    })
    .step(
      'price',
      { on: Priced, emits: [Split], retry: { attempts: 5, delay: 30, factor: 2 } },
      async (ctx, { data }) => {
        await ctx.state.append('log', 'price')
        if (ballast > 0) await ctx.state.set('blob', 'x'.repeat(ballast))
        const price = await ctx.once('price', async (key) => world.call('price', key, data.total * 2, 2))
        if (ballast > 0) await ctx.state.set('blob', 'y'.repeat(ballast))
        await ctx.state.append('log', `priced ${price}`)
        return Split(price)
      },
    )
    .step('split', { on: Split, emits: [Part] }, (_, { data }) => [1, 2, 3].map((n) => Part(data + n)))
    .step('part', { on: Part, emits: [Piece, Side], workers: 2 }, async (ctx, { data }) => {
      const n = data % 3
      const half = await ctx.once('half', async (key) => world.call(`half ${data}`, key, data * 10))
      await ctx.state.set(`parts.p${n}` as 'parts.p', half)
      if (n === 1) await ctx.sleep(20)
      if (n === 2) ctx.send(Side(`part ${n}`))
      await ctx.once('whole', async (key) => world.call(`whole ${data}`, key, half))
      return Piece(ctx.state.get(`parts.p${n}` as 'parts.p') ?? 0)
    })
    .step('join', { on: gather(Piece), emits: [Left] }, (_, pieces) =>
      Left(pieces.reduce((sum, it) => sum * 7 + it.data, 0)),
    )
    .step('right', { on: Priced, emits: [Right, Side] }, async (ctx, { data }) => {
      ctx.send(Side('right before'))
      await ctx.sleep(40)
      ctx.send(Side('right after'))
      return Right(`right ${data.total}`)
    })
    .step('both', { on: allOf(Left, Right), emits: [Pack] }, async (ctx, [left, right]) => {
      await ctx.state.append('log', 'both')
      ctx.send(Pack(`left ${left.data}`))
      await ctx.commit()
      await ctx.state.append('log', 'both, committed')
      ctx.send(Pack(right.data))
    })
    .step('pack', { on: Pack, emits: [Wait] }, async (ctx, event) => {
      const both = await ctx.collect(event, [Pack, Pack])
      return both && Wait(both.map((it) => it.data).join(' + '))
    })
    .step('wait', { on: Wait, emits: [Last, Side] }, async (ctx, { data }) => {
      await ctx.state.append('log', 'waiting')
      if (ballast > 0) await ctx.state.set('blob', 'z'.repeat(ballast))
      const nudge = await ctx.waitFor(Nudge, { where: (it) => it.data === 'right', timeout: 600_000 })
      ctx.send(Side('nudged'))
      await ctx.state.append('log', `nudged ${String(nudge.data)} ${String(ctx.state.get('ui')['during'])}`)
      await ctx.sleep(50)
      await ctx.once('notify', async (key) => world.call('notify', key, null))
      return Last(data)
    })
    .step('side', { on: Side }, async (ctx, { data }) => {
      await ctx.state.set(`sides.${data}` as 'sides.x', (count: number | undefined) => (count ?? 0) + 1)
    })
    .step('last', { on: Last, emits: [Done] }, async (ctx, { data }) => {
      await ctx.state.edit(async (draft) => {
        draft.log.push(`edited after ${draft.log.length}`)
        await Promise.resolve()
        draft.parts['edited'] = Object.keys(draft.parts).length
      })
      const all = await ctx.once('all', () => ctx.state.get())
      await ctx.state.set('blob', '')
      return Done({ data, log: all.log, parts: all.parts })
    })

type Trip = Session<ReturnType<typeof trip>>

/** What the person does: each of it when its time has come and it does not show yet. */
function person(session: Trip, nudges: { sent: number }): void {
  const { state } = session
  const ui = state.get('ui')
  for (const ask of session.asks) {
    if (ask.data === 'name' && ui['name'] === undefined) {
      state.set('form.name', 'typed')
      state.set('form', { name: 'pasted', note: 'pasted', tags: ['pasted'] })
      state.append('form.tags', 'and typed')
      state.set('form.name', 'in the end')
      state.set('ui.name', true)
      return
    }
    if (ask.data === 'second' && ui['second'] === undefined) {
      state.batch(() => {
        state.set('form.tags.0', 'changed')
        state.append('form.tags', 'late')
        state.set('ui.second', true)
      })
      return
    }
    void ask.reply(`answer to ${String(ask.data)}`)
    return
  }
  if (state.get('log').at(-1) !== 'waiting') return
  if (ui['during'] === undefined) state.set('ui.during', 'typed while it waits')
  else {
    nudges.sent++
    void session.send(Nudge('wrong'))
    void session.send(Nudge('right'))
  }
}

interface Point {
  /** The number of the storage operation, from 1. */
  readonly at: number
  /** Whether the operation lands before the page dies. */
  readonly lands: boolean
}

/** A storage that dies with its page at an operation: reads and claims count as well. */
function mortal(inner: MemoryStorage, point: Point | undefined, onDeath: () => void) {
  let count = 0
  let compactions = 0
  let dead = false
  const operation = <T>(call: () => Promise<T>): Promise<T> => {
    if (dead) return new Promise(() => {})
    if (point?.at !== ++count) return call()
    dead = true
    if (point.lands) void call().then(onDeath, onDeath)
    else onDeath()
    return new Promise(() => {})
  }
  const storage: SessionStorage = {
    ...inner,
    read: (id) => operation(() => inner.read(id)),
    claim: (...args) => operation(() => inner.claim(...args)),
    append: (...args) => operation(() => inner.append(...args)),
    compact: (...args) => {
      compactions++
      return operation(() => inner.compact(...args))
    },
  }
  return { storage, count: () => count, compactions: () => compactions }
}

interface Outcome {
  readonly result: unknown
  readonly state: unknown
  readonly tries: Record<string, number>
  readonly wrong: readonly string[]
  /** How many storage operations each page made. */
  readonly operations: readonly number[]
  readonly compactions: number
  /** Everything that is stored in the end. */
  readonly stored: unknown
}

/** Runs the script to its end, with a crash in each page that `points` has one for. */
async function play(points: readonly Point[], ballast = 0, watched = false): Promise<Outcome> {
  const clock = virtualClock()
  const world = new World()
  const nudges = { sent: 0 }
  const operations: number[] = []
  let ids = 0
  let inner = memoryStorage()
  for (let page = 0; page <= points.length; page++) {
    let died = (): void => {}
    const death = new Promise<'died'>((resolve) => (died = () => resolve('died')))
    let alive = true
    const { storage, count, compactions } = mortal(inner, points[page], () => {
      alive = false
      died()
    })
    const engine = createEngine({ storage, clock, ids: () => `id-${++ids}` })
    const opened = await Promise.race([engine.open(trip(world, ballast)), death])
    if (opened !== 'died') {
      world.meanwhile = () => opened.state.set('form.note', 'while it was quoted')
      const watch = (): void => void JSON.stringify(watched && opened.toJSON())
      opened.subscribe(watch)
      opened.state.subscribe('', watch)
      if (opened.status === 'idle') opened.run().catch(() => {})
      for (let round = 0; alive && opened.status !== 'completed' && round < 200; round++) {
        await clock.advance(30)
        if (!alive) break
        if (opened.persistence.status === 'saved') for (const name of world.done) world.kept.add(name)
        person(opened, nudges)
        watch()
        if (opened.status === 'failed') break
      }
      if (alive) await Promise.race([opened.flush(), death])
    }
    operations.push(count())
    if (alive && opened !== 'died') {
      const { result, error } = opened
      if (error) throw error
      const state = opened.state.get()
      await engine.close()
      const again = await createEngine({ storage: inner, clock }).open(trip(world, ballast))
      if (JSON.stringify(again.state.get()) !== JSON.stringify(state))
        world.wrong.push('the last state was not stored')
      const tries = Object.fromEntries([...world.tries].map(([name, keys]) => [name, keys.length]))
      const stored = await inner.read('trip')
      return { result, state, tries, wrong: world.wrong, operations, compactions: compactions(), stored }
    }
    await clock.advance(0)
    crash(engine)
    inner = inner.restart()
  }
  throw new Error('unreachable')
}

/** `points` stands on both sides so that a failure says where the page died. */
function expectSame(
  { result, state, wrong, tries }: Outcome,
  whole: Outcome,
  points: readonly Point[],
): void {
  const too = Object.entries(tries).filter(([name, n]) => n > (whole.tries[name] ?? 0) + points.length)
  expect({ points, wrong, result, state, too }).toEqual({
    points,
    wrong: [],
    result: whole.result,
    state: whole.state,
    too: [],
  })
  expect(sorted(Object.keys(tries))).toEqual(sorted(Object.keys(whole.tries)))
}

describe('a trip of eleven steps', () => {
  let whole: Outcome
  beforeAll(async () => {
    whole = await play([])
  })

  test('without a crash / the expected result, state and number of tries', () => {
    expect(whole.wrong).toEqual([])
    expect(whole.result).toEqual({
      data: 'left 12060 + right 10',
      parts: { p0: 210, p1: 220, p2: 230, edited: 3 },
      log: expect.arrayContaining(['waiting', 'both, committed']) as unknown,
    })
    expect(whole.tries).toEqual({
      quote: 1,
      price: 3,
      'half 21': 1,
      'half 22': 1,
      'half 23': 1,
      'whole 21': 1,
      'whole 22': 1,
      'whole 23': 1,
      notify: 1,
    })
    expect(whole.state).toMatchObject({
      sides: { 'part 2': 1, 'right before': 1, 'right after': 1, nudged: 1 },
      form: { name: 'in the end' },
    })
    expect(whole.operations[0]).toBeGreaterThan(15)
  })

  test('toJSON() at every change and in between / the same result, to the byte', async () => {
    expect(await play([], 0, true)).toEqual(whole)
  })

  test.each([
    ['before the write lands', false],
    ['after it has landed, before the answer', true],
  ])(
    'crashed at every storage operation, %s / as if it had not crashed',
    async (_, lands) => {
      for (let at = 1; at <= (whole.operations[0] ?? 0); at++) {
        const points = [{ at, lands }]
        expectSame(await play(points), whole, points)
      }
    },
    3_600_000,
  )

  test('crashed at every storage operation, and at each of the resume / as if it had not crashed', async () => {
    for (let at = 1; at <= (whole.operations[0] ?? 0); at++) {
      const lands = at % 2 === 0
      const [, resume = 0] = (await play([{ at, lands }])).operations
      for (let again = 1; again <= resume; again++) {
        const points = [
          { at, lands },
          { at: again, lands: (at + again) % 3 === 0 },
        ]
        expectSame(await play(points), whole, points)
      }
    }
  }, 3_600_000)

  test('with states so large that the journal is compacted, crashed at every operation / as if it had not crashed', async () => {
    const heavy = await play([], 150_000)
    expect(heavy.state).toEqual(whole.state)
    expect(heavy.compactions).toBeGreaterThan(0)
    for (let at = 1; at <= (heavy.operations[0] ?? 0); at++)
      for (const lands of [false, true]) {
        const points = [{ at, lands }]
        expectSame(await play(points, 150_000), whole, points)
      }
  }, 3_600_000)
})
