import assert from 'node:assert/strict'
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow, memoryStorage, type Session } from '../../../src/index'
import { crash, virtualClock } from '../../../src/testing'
import { random } from '../../support/random'
import { fewer } from './fewer'

/*
 * Sessions that people go back and forward in, rewind, fork, reload and type into at random, beside a model of it that
 * knows nothing of records: the answers of the way that was taken, those that are kept, and a state.
 */

const Go = defineEvent('go')
const Text = defineEvent('text', z.string())
const Ask = defineEvent('ask', z.object({ page: z.string() }), { reply: Text })
const Next = defineEvent('next', z.object({ page: z.string() }))
const End = defineEvent('end', z.array(z.string()))

/** Where an answer leads. Pages b and c are on two branches; page d has two asks in one step. */
function after(page: string, answer: string): string | undefined {
  if (page === 'a') return answer < 'm' ? 'b' : 'c'
  if (page === 'b' || page === 'c') return 'd1'
  return page === 'e' ? undefined : 'e'
}

/** Each version calls the step that asks by another name, and its migration leaves its number in the state. */
function wizardOf(version: number) {
  const versions = Array.from({ length: version - 1 }, (_, index) => index + 2)
  const migrations = Object.fromEntries(
    versions.map((it) => [
      it,
      (state: Migrated) => ({ ...state, versions: [...(state.versions ?? []), it] }),
    ]),
  )
  const renamedSteps = Object.fromEntries(versions.map((it) => [`page-${it - 1}`, `page-${version}`]))
  const options = {
    name: 'wizard',
    version,
    start: Go,
    stop: End,
    history: 60,
    migrations,
    renamedSteps,
    private: ['secret'],
  } as const
  return defineWorkflow(options)
    .step('start', { on: Go, emits: [Next] }, () => Next({ page: 'a' }))
    .step(
      `page-${version}`,
      { on: Next, asks: [Ask], emits: [Next, End] },
      async (ctx, { data: { page } }) => {
        const { data } = await ctx.ask(Ask({ page }))
        await ctx.state.set(`answers.${page}`, data)
        await ctx.state.set('secret', `SECRET of ${page}`)
        await ctx.once('effect', () => data.length)
        await ctx.state.append('log', { page })
        let last = page
        if (page === 'd1') {
          last = 'd2'
          const more = await ctx.ask(Ask({ page: last }))
          await ctx.state.set(`answers.${last}`, more.data)
        }
        const next = after(last, data)
        if (next !== undefined) return Next({ page: next })
        return End(Object.values(ctx.state.get('answers') as Record<string, string>))
      },
    )
}

interface Migrated {
  readonly versions?: readonly number[]
}

type Wizard = Session<ReturnType<typeof wizardOf>>

interface Turn {
  readonly page: string
  readonly answer: string
}

/** What a user would say of the session. */
interface Reference {
  /** The answered pages in order, and the open ask. */
  readonly turned: readonly Turn[]
  readonly kept: readonly Turn[]
  readonly typed: Readonly<Record<string, string>>
  readonly running: boolean
  /** The versions that it was migrated to. */
  readonly versions: readonly number[]
  /** How many pages were answered before the last migration: `back()` does not reach those. */
  readonly wall: number
}

const begun: Reference = { turned: [], kept: [], typed: {}, running: true, versions: [], wall: 0 }

/** Opened with newer code: one version after the other. */
function migrated(it: Reference, from: number, to: number): Reference {
  const versions = Array.from({ length: to - from }, (_, index) => from + index + 1)
  return versions.length === 0
    ? it
    : { ...it, versions: [...it.versions, ...versions], wall: it.turned.length }
}

function pageOf({ turned, running }: Reference): string | undefined {
  if (!running) return undefined
  const last = turned.at(-1)
  if (last === undefined) return 'a'
  if (last.page === 'd1') return 'd2'
  // What d1 answered leads on from d2; all of them lead to the same page.
  return after(last.page, last.answer)
}

/** Uses up the answer that was kept for this page. Those to other questions stay: their branch may be taken again. */
function answered(it: Reference, answer: string): Reference {
  const page = pageOf(it) ?? ''
  const at = it.kept.findIndex((kept) => kept.page === page)
  const kept = at < 0 ? it.kept : it.kept.filter((_, index) => index !== at)
  return { ...it, kept, turned: [...it.turned, { page, answer }] }
}

function back(it: Reference): Reference | undefined {
  const last = it.turned.at(-1)
  if (last === undefined || pageOf(it) === undefined || it.turned.length === it.wall) return undefined
  return { ...it, turned: it.turned.slice(0, -1), kept: [last, ...it.kept] }
}

function forward(it: Reference): Reference | undefined {
  const page = pageOf(it)
  const kept = it.kept.find((other) => other.page === page)
  return kept && answered(it, kept.answer)
}

function stateOf({ turned, typed, versions }: Reference): unknown {
  const answers = Object.fromEntries(turned.map((it) => [it.page, it.answer]))
  const log = turned.filter((it) => it.page !== 'd2').map(({ page }) => ({ page }))
  return {
    ...(turned.length > 0 && { answers, log }),
    ...(Object.keys(typed).length > 0 && { typed }),
    ...(versions.length > 0 && { versions }),
  }
}

/** What there is to see of a session. */
interface Look {
  readonly status: string
  readonly open: readonly string[]
  readonly state: unknown
  readonly result: unknown
}

function look(session: Wizard): Look {
  const { status, asks } = session
  const kinds = { status, open: asks.map((it) => it.data.page) }
  const { secret: _, ...state } = session.state.get() as { readonly secret?: string }
  return { ...kinds, state, result: session.result }
}

function expected(it: Reference): Look {
  const page = pageOf(it)
  const answers = Object.fromEntries(it.turned.map((turn) => [turn.page, turn.answer]))
  return {
    status: !it.running ? 'idle' : page === undefined ? 'completed' : 'waiting',
    open: page === undefined ? [] : [page],
    state: stateOf(it),
    result: it.running && page === undefined ? Object.values(answers) : undefined,
  }
}

/** A move, with the numbers that decide it: the same again, whatever comes before it. */
export interface Move {
  readonly move: string
  /** From 0 to below 1. */
  readonly rolls: readonly [first: number, second: number]
  /** Milliseconds that go by after it. */
  readonly rest: number
}

const names = ['answer', 'answer', 'answer', 'type', 'type', 'back', 'back', 'forward', 'forward', 'begin']
const rare = ['rewind', 'fork', 'reload', 'migrate', 'import']

/** Forty moves at random. */
export function moves(seed: number): readonly Move[] {
  const roll = random(seed)
  const pick = (n: number): number => Math.floor(roll() * n)
  return Array.from({ length: 40 }, () => {
    const list = pick(5) === 0 ? rare : names
    return { move: list[pick(list.length)] ?? '', rolls: [roll(), roll()], rest: pick(3) * 100 }
  })
}

/** Every script with fewer moves, or with less time between them. */
export function* easier(script: readonly Move[]): Generator<readonly Move[]> {
  yield* fewer(script)
  for (const [n, move] of script.entries()) if (move.rest > 0) yield script.with(n, { ...move, rest: 0 })
}

/** Makes the moves; rejects when the session is not what the model says. */
export async function travel(script: readonly Move[]): Promise<void> {
  let rolls: Move['rolls'] = [0, 0]
  const pick = (n: number, which: 0 | 1 = 0): number => Math.floor(rolls[which] * n)
  const clock = virtualClock()
  let storage = memoryStorage()
  let engine = createEngine({ storage, clock })
  let id = 'session-0'
  let forks = 0
  let version = 1
  let wizard = wizardOf(version)
  let session: Wizard = await engine.open(wizard, { id })
  let reference: Reference = { ...begun, running: false }
  /** What the session was like after the record of that number. */
  const past = new Map<number, Reference>()
  const others = new Map<string, readonly [Reference, version: number]>()
  /** Behind a migration. */
  let walled: readonly number[] = []

  const settle = async (rest: number): Promise<void> => {
    await clock.advance(rest)
    const seq = session.history().at(-1)?.seq
    if (seq !== undefined) past.set(seq, reference)
    assert.deepEqual(look(session), expected(reference))
    assert.doesNotMatch(JSON.stringify([session, await storage.export(id)]), /SECRET/)
  }
  const reload = async (): Promise<void> => {
    await session.flush()
    crash(engine)
    storage = storage.restart()
    engine = createEngine({ storage, clock })
    session = await engine.open(wizard, { id })
  }
  const acts: Record<string, () => Promise<void> | void> = {
    begin() {
      if (pageOf(reference) !== undefined || session.status === 'completed') return
      session.run().catch(() => {})
      const { typed, versions } = reference
      reference = { ...begun, typed, versions }
    },
    async answer() {
      const answer = 'akz'.charAt(pick(3)) + String(pick(10, 1))
      if (pageOf(reference) === undefined) return
      reference = answered(reference, answer)
      assert.deepEqual(await session.asks[0]?.reply(answer), true)
    },
    type() {
      const [field, value] = [`field${pick(2)}`, String(pick(100, 1))]
      reference = { ...reference, typed: { ...reference.typed, [field]: value } }
      session.state.set(`typed.${field}`, value)
      session.state.set('secret', 'SECRET, typed')
    },
    back() {
      const next = back(reference)
      // What is out of the history cannot be gone back to; all else must be.
      const moved = session.back()
      if (moved || session.history()[0]?.type !== 'snapshot')
        assert.deepEqual({ back: moved }, { back: !!next })
      if (moved && next) reference = next
    },
    forward() {
      const next = forward(reference)
      assert.deepEqual({ forward: session.forward() }, { forward: next !== undefined })
      reference = next ?? reference
    },
    rewind() {
      const there = session.history().filter((it) => past.has(it.seq))
      const { seq = 0 } = there[pick(there.length)] ?? {}
      const next = past.get(seq)
      for (const old of walled) assert.throws(() => session.rewind(old), { code: 'HISTORY' })
      if (next === undefined) return
      session.rewind(seq)
      session.resume()
      reference = next
    },
    async fork() {
      const there = session.history().filter((it) => past.has(it.seq))
      const { seq = 0 } = there[pick(there.length)] ?? {}
      const next = past.get(seq)
      if (next === undefined || forks === 3) return
      await session.flush()
      others.set(id, [reference, version])
      const parent = { id, seq }
      id = `session-${++forks}`
      session = await session.fork(seq, id)
      assert.deepEqual(session.parent, parent)
      reference = next
      for (const known of past.keys()) if (known > seq) past.delete(known)
    },
    async import() {
      const json = JSON.parse(JSON.stringify(session.toJSON())) as object
      await engine.close()
      storage = memoryStorage()
      engine = createEngine({ storage, clock })
      others.clear()
      session = await engine.import(wizard, json)
    },
    reload,
    async migrate() {
      if (session.history().length === 0) return
      walled = [...past.keys()]
      past.clear()
      reference = migrated(reference, version, version + 1)
      wizard = wizardOf(++version)
      await reload()
      // Cut off before what was migrated is known to be stored, or after.
      if (pick(2) === 0) return
      crash(engine)
      storage = storage.restart()
      engine = createEngine({ storage, clock })
      session = await engine.open(wizard, { id })
    },
  }
  for (const { move, rolls: own, rest } of script) {
    rolls = own
    await acts[move]?.()
    await settle(rest)
  }
  for (const [other, [was, of]] of others) {
    const again = await engine.open(wizard, { id: other })
    await clock.advance(0)
    assert.deepEqual({ other, ...look(again) }, { other, ...expected(migrated(was, of, version)) })
  }
  await engine.close()
}
