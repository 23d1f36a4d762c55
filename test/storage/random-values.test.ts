import { isDeepStrictEqual, inspect } from 'node:util'
import { expect, test } from 'vitest'
import {
  createEngine,
  defineWorkflow,
  DogearError,
  memoryStorage,
  structuredCloneSerializer,
  type Engine,
  type Session,
} from 'dogear'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { Done, flow, Go, Item, Question } from '../support/flows'
import { Page } from '../support/page'
import type { Any } from '../session/random/subflow-world'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

/*
 * Values beyond JSON, written by people and steps in every tab and returned by effects, beside plain flow state: after whatever
 * happens they are what a plain object says.
 */

type Roll = () => number

function made(roll: Roll, depth = 2): unknown {
  const kinds: readonly (() => unknown)[] = [
    () => new Date(Math.floor(roll() * 1e12)),
    () => BigInt(Math.floor(roll() * 1e9)) << 70n,
    () => NaN,
    () => Infinity,
    () => 0,
    () => null,
    () => false,
    () => '',
    () => 'text\u0000\ud800',
    () => Math.floor(roll() * 4),
    () => new Uint8Array([1, 2, Math.floor(roll() * 200)]),
    () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
    () => new Float64Array([NaN, -0, 1.5]),
    () => new Uint8Array([7, 8]).buffer,
    () => new DataView(new Uint8Array([1, 2, 3]).buffer, 1),
    () => /a.b/giu,
    () => new Map<unknown, unknown>(),
    () => new Set<unknown>([Math.floor(roll() * 3), 'a']),
  ]
  const deep: readonly (() => unknown)[] = [
    () =>
      new Map<unknown, unknown>(
        Array.from({ length: Math.floor(roll() * 3) }, (_, n) => [
          roll() < 0.5 ? n : { n },
          made(roll, depth - 1),
        ]),
      ),
    () => new Set<unknown>(Array.from({ length: Math.floor(roll() * 3) }, () => made(roll, depth - 1))),
    () => Array.from({ length: Math.floor(roll() * 3) }, () => made(roll, depth - 1)),
    () =>
      Object.fromEntries(
        Array.from({ length: Math.floor(roll() * 4) }, (_, n) => [
          roll() < 0.2 ? String(n) : 'abcd'[n]!,
          made(roll, depth - 1),
        ]),
      ),
    () =>
      Object.fromEntries(
        Array.from({ length: Math.floor(roll() * 4) }, (_, n) => ['a.b', '$map', 'toJSON', 'then'][n]!).map(
          (key) => [key, made(roll, depth - 1)],
        ),
      ),
  ]
  const all = depth > 0 ? [...kinds, ...deep, ...deep, ...deep] : kinds
  return all[Math.floor(roll() * all.length)]!()
}

const FIELDS = ['a', 'b', 'c', 'd']

const rounds = (value: (name: string) => unknown, wrong: string[]) =>
  defineWorkflow({ ...flow }).step(
    'round',
    { on: [Go, Item], asks: [Question], emits: [Item, Done] },
    async (ctx, event) => {
      const n = event.type === 'item' ? event.data : 0
      const got = await ctx.once('effect', () => value(`effect ${n}`))
      if (!isDeepStrictEqual(got, value(`effect ${n}`)))
        wrong.push(`once gave ${inspect(got)}, not ${inspect(value(`effect ${n}`))}`)
      await ctx.state.set(`steps.s${n}`, got)
      await ctx.ask(Question(n))
      await ctx.state.append('list', got)
      await ctx.state.edit((draft) => void (draft['edited'] = [draft['edited'], got].slice(-1)))
      return n === 3 ? Done(n) : Item(n + 1)
    },
  )
type Flow = ReturnType<typeof rounds>

interface Tab {
  readonly engine: Engine
  readonly page: Page
  readonly session: Session<Flow>
}

async function play(seed: number): Promise<string[]> {
  const chance = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const clock = virtualClock()
  const tabs = virtualTabs()
  let storage = memoryStorage()
  const wrong: string[] = []
  let ids = 0
  let id = 'session-0'
  let copies = 0
  const value = (name: string): unknown =>
    made(
      random(seed * 1000 + (Array.from(name).reduce((sum, it) => sum * 31 + it.charCodeAt(0), 7) % 100_000)),
    )
  const workflow = rounds(value, wrong)
  let open: Tab[] = []
  const expected: Record<string, unknown> = {}
  const flowExpected: Record<string, unknown> = {}
  const box = new Map<string, string>()
  const large = seed % 4 === 0
  const serializer =
    seed % 4 === 1
      ? {
          ...structuredCloneSerializer,
          serialize: (it: unknown) => ({ it: structuredCloneSerializer.serialize(it), size: 400_000 }),
          deserialize: (it: unknown) => structuredCloneSerializer.deserialize((it as { it: unknown }).it),
        }
      : structuredCloneSerializer

  const enter = (): void => {
    const page = new Page(box)
    const engine = createEngine({
      storage,
      clock,
      page,
      serializer,
      ...tabs,
      ids: () => `id-${++ids}`,
      onError: (error) => void wrong.push(`told ${String(error)}`),
    })
    const session = engine.session(workflow, { id })
    session.ready.catch((error) => wrong.push(`refused ${String(error)}`))
    open.push({ engine, page, session })
  }
  let at = 0
  const act: { readonly [name: string]: (tab: Tab) => unknown } = {
    set({ session }) {
      const field = pick(FIELDS)
      const it = made(chance)
      expected[field] = structuredClone(it)
      ;(session.state as Any).set(['own', field], it)
    },
    below({ session }) {
      const field = pick(FIELDS)
      const it = made(chance)
      const name = `k${at % 3}`
      const old = expected[field]
      if (typeof old !== 'object' || old === null || Object.getPrototypeOf(old) !== Object.prototype) return
      ;(session.state as Any).set(['own', field, name], it)
      ;(old as Record<string, unknown>)[name] = structuredClone(it)
    },
    remove({ session }) {
      const field = pick(FIELDS)
      ;(session.state as Any).delete(['own', field])
      delete expected[field]
    },
    edit({ session }) {
      const field = pick(FIELDS)
      const it = made(chance)
      expected[field] = [structuredClone(it), { deep: structuredClone(it) }]
      session.state.edit((draft: Any) => {
        draft.own ??= {}
        draft.own[field] = []
        draft.own[field].push(it, { deep: it })
      })
    },
    flow({ session }) {
      const it = JSON.parse(
        JSON.stringify({ it: made(chance, 0) }, (_, v) => (typeof v === 'bigint' ? 1 : v)),
      )
      const field = `f${at}`
      flowExpected[field] = structuredClone(it)
      session.flowState.set(field, it)
    },
    run: ({ session }) => void session.run().catch(() => {}),
    reply: ({ session }) => void session.asks[0]?.reply('yes').catch(() => {}),
    enter: () => void (open.length < 3 && enter()),
    takeOver: ({ session }) => void session.takeOver().catch(() => {}),
    async reload() {
      await Promise.race([Promise.all(open.map((it) => it.session.flush())), clock.advance(3000)])
      for (const it of open) {
        it.page.hide()
        crash(it.engine)
      }
      open = []
      storage = storage.restart()
      enter()
    },
    async leave(tab) {
      await Promise.race([tab.session.flush(), clock.advance(3000)])
      tab.page.hide()
      crash(tab.engine)
      open = open.filter((it) => it !== tab)
    },
    async fork(tab) {
      if (copies > 2 || tab.session.role !== 'leader') return
      id = `session-${++copies}`
      await Promise.race([tab.session.fork(undefined, id), clock.advance(1000)])
      for (const it of open) crash(it.engine)
      open = []
      enter()
    },
    rewind({ session }) {
      const last = session.history().at(-1)
      if (!last || session.role !== 'leader') return
      session.rewind(last.seq)
      session.resume()
    },
  }
  const names = [
    'set',
    'set',
    'set',
    'below',
    'below',
    'remove',
    'edit',
    'edit',
    'flow',
    'run',
    'reply',
    'reply',
    'enter',
    'takeOver',
    'reload',
    'leave',
    'fork',
    'rewind',
  ]
  enter()
  await clock.advance(10)
  if (large) {
    const rest = 'x'.repeat(1_300_000)
    ;(open[0]!.session.state as Any).set('rest', rest)
  }
  const check = (when: string): void => {
    for (const { session } of open) {
      if (session.status === 'loading') continue
      const own = ((session.state.get() as Any).own ?? {}) as object
      if (!isDeepStrictEqual(own, expected))
        wrong.push(`${when}: own is ${inspect(own, { depth: 9 })}, not ${inspect(expected, { depth: 9 })}`)
      if (!isDeepStrictEqual(session.flowState.get(), flowExpected))
        wrong.push(
          `${when}: flow is ${inspect(session.flowState.get(), { depth: 9 })}, not ${inspect(flowExpected, { depth: 9 })}`,
        )
      const steps = ((session.state.get() as Any).steps ?? {}) as Record<string, unknown>
      for (const [name, it] of Object.entries(steps))
        if (!isDeepStrictEqual(it, value(`effect ${name.slice(1)}`)))
          wrong.push(`${when}: ${name} is ${inspect(it)}`)
    }
  }
  for (; at < 30 && wrong.length === 0; at++) {
    if (open.length === 0) enter()
    const what = pick(names)
    try {
      await act[what]!(pick(open))
    } catch (error) {
      if (!(error instanceof DogearError)) throw error
      wrong.push(`${what} threw ${error.message}`)
    }
    await clock.advance(pick([200, 300, 2000]))
    check(`turn ${at}, ${what}`)
  }
  for (const it of open) crash(it.engine)
  return wrong
}

test('random values beyond JSON / are what they were, in every tab, after reloads and in copies', async () => {
  expect(await failuresOf(15, play)).toEqual([])
}, 3_600_000)
