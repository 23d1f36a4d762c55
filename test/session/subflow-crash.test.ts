import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  type Session,
  type SessionStorage,
} from '../../src/index'
import { crash, virtualClock } from '../../src/testing'
import { Done, Go, Item, Question, Worked } from '../support/flows'

const State = z.object({ log: z.array(z.string()).default([]), sum: z.number().default(0) })
const Input = defineEvent('input', z.object({ n: z.number() }))
const Output = defineEvent(
  'output',
  z.object({ sum: z.number(), log: z.array(z.string()), flow: z.number() }),
)

/** The effects that servers have seen, by key. */
type World = Map<string, string[]>

function seen(world: World, name: string, key: string): number {
  world.set(name, [...(world.get(name) ?? []), key])
  return name.length
}

/** Asks, fans out, sleeps, retries and writes: all of it inside a child of a child. */
const inner = (world: World) =>
  defineWorkflow({
    name: 'inner',
    version: 1,
    state: State,
    flowState: z.object({ n: z.number().default(0) }),
    start: Input,
    stop: Output,
  })
    .step('ask', { on: Input, asks: [Question], emits: [Item] }, async (ctx, { data }) => {
      await ctx.state.append('log', 'asks')
      await ctx.flowState.set('n', (it) => it + data.n)
      const reply = await ctx.ask(Question('inner'))
      await ctx.state.append('log', String(reply.data))
      return [1, 2].map((it) => Item(it))
    })
    .step('work', { on: Item, emits: [Worked], retry: { attempts: 3, delay: 20 } }, async (ctx, { data }) => {
      await ctx.state.set('sum', (it) => it + data)
      if (data === 2 && ctx.attempt === 1) throw new Error('not yet')
      await ctx.once('effect', async (key) => seen(world, `effect ${data}`, key))
      await ctx.sleep(data * 10)
      return Worked(data)
    })
    .step('end', { on: Worked, emits: [Output] }, async (ctx, event) => {
      const all = await ctx.collect(event, [Worked, Worked])
      const { log, sum } = ctx.state.get()
      return all && Output({ sum, log, flow: ctx.flowState.get('n') })
    })

const outer = (world: World) =>
  defineWorkflow({ name: 'outer', version: 1, state: State, start: Go, stop: Done })
    .step('before', { on: Go, emits: [Input] }, async (ctx) => {
      await ctx.state.append('log', 'before')
      return Input({ n: await ctx.once('n', (key) => seen(world, 'outer', key)) })
    })
    .step('sub', { on: Input, emits: [Done] }, async (ctx) => {
      await ctx.state.append('log', 'sub')
      const first = await ctx.subflow(inner(world), {
        capture: { state: { log: 'state.log' } },
        writeBack: { state: { sum: 'result.sum' } },
      })
      await ctx.state.append('log', 'between')
      const second = await ctx.subflow(inner(world), { capture: { flowState: { n: 'state.sum' } } })
      return Done([first, second, ctx.state.get()])
    })

const top = (world: World) =>
  defineWorkflow({ name: 'top', version: 1, state: State, start: Go, stop: Done }).subflow('outer', {
    on: Go,
    workflow: outer(world),
    emits: [Done],
    writeBack: { state: { log: 'result.2.log' as never } },
  })

interface Outcome {
  readonly result: unknown
  readonly state: unknown
  readonly effects: Record<string, number>
  readonly operations: readonly number[]
}

/** A storage that dies with its page at an operation, before or after that one has landed. */
function mortal(inside: SessionStorage, at: number, lands: boolean, onDeath: () => void) {
  let count = 0
  let dead = false
  const operation = <T>(call: () => Promise<T>): Promise<T> => {
    if (dead) return new Promise(() => {})
    if (++count !== at) return call()
    dead = true
    if (lands) void call().then(onDeath, onDeath)
    else onDeath()
    return new Promise(() => {})
  }
  const storage: SessionStorage = {
    ...inside,
    read: (id) => operation(() => inside.read(id)),
    claim: (...args) => operation(() => inside.claim(...args)),
    append: (...args) => operation(() => inside.append(...args)),
    compact: (...args) => operation(() => inside.compact(...args)),
  }
  return { storage, count: () => count }
}

/** Runs to the end, with a crash at one operation of the first page. */
async function play(at = 0, lands = false, watched = false): Promise<Outcome> {
  const clock = virtualClock()
  const world: World = new Map()
  const operations: number[] = []
  let ids = 0
  let inside = memoryStorage()
  for (let page = 0; page < 2; page++) {
    let alive = true
    let died = (): void => {}
    const death = new Promise<undefined>((resolve) => {
      died = () => {
        alive = false
        resolve(undefined)
      }
    })
    const { storage, count } = mortal(inside, page === 0 ? at : 0, lands, died)
    const engine = createEngine({ storage, clock, ids: () => `id-${++ids}` })
    const session: Session<ReturnType<typeof top>> | undefined = await Promise.race([
      engine.open(top(world)),
      death,
    ])
    if (session?.status === 'idle') session.run().catch(() => {})
    for (let round = 0; session && alive && session.status !== 'completed' && round < 100; round++) {
      await clock.advance(7)
      if (watched) JSON.stringify(session.toJSON())
      const [ask] = session.asks as readonly { reply(data: unknown): Promise<boolean> }[]
      if (alive) void ask?.reply(`answer`)
    }
    if (session && alive) await Promise.race([session.flush(), death])
    operations.push(count())
    if (session && alive) {
      const effects = Object.fromEntries([...world].map(([name, keys]) => [name, new Set(keys).size]))
      return { result: session.result, state: session.state.get(), effects, operations }
    }
    await clock.advance(0)
    crash(engine)
    inside = inside.restart()
  }
  throw new Error('unreachable')
}

describe('a sub-flow in a sub-flow', () => {
  let whole: Outcome
  beforeAll(async () => {
    whole = await play()
  })

  test('without a crash / the expected result, state and effects', () => {
    expect(whole.result).toEqual([
      { sum: 3, log: ['before', 'sub', 'asks', 'answer'], flow: 5 },
      { sum: 3, log: ['asks', 'answer'], flow: 8 },
      { sum: 3, log: ['before', 'sub', 'between'] },
    ])
    expect(whole.state).toEqual({ sum: 0, log: ['before', 'sub', 'between'] })
    expect(whole.effects).toEqual({ outer: 1, 'effect 1': 2, 'effect 2': 2 })
  })

  test('toJSON() all the time / the same', async () => {
    expect(await play(0, false, true)).toEqual(whole)
  })

  test.each([
    ['before the write lands', false],
    ['after it has landed, before the answer', true],
  ])(
    'crashed at every storage operation, %s / as if it had not crashed, one key for each effect',
    async (_, lands) => {
      for (let at = 1; at <= (whole.operations[0] ?? 0); at++) {
        const { result, state, effects } = await play(at, lands)
        expect({ at, result, state, effects }).toEqual({
          ...{ at, result: whole.result, state: whole.state, effects: whole.effects },
        })
      }
    },
    3_600_000,
  )
})
