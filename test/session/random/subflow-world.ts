import { z } from 'zod'
import {
  defineEvent,
  defineWorkflow,
  gather,
  resource,
  StepFailed,
  TimeoutError,
  type AnyWorkflow,
  type Session,
} from '../../../src/index'
import { virtualClock } from '../../../src/testing'
import type { Flow, Instruction, Program, Script, Sub } from './subflow-script'

const Begin = defineEvent('begin', z.looseObject({ path: z.string() }))
const Done = defineEvent('done', z.unknown())
const Answer = defineEvent('answer', z.unknown())
const Question = defineEvent('question', z.string(), { reply: Answer })
export const Nudge = defineEvent('nudge', z.object({ for: z.string() }))
export const Bell = defineEvent('bell')
const Sent = defineEvent('sent', z.string())
const Part = defineEvent('part', z.unknown())
const Worked = defineEvent('worked', z.unknown())
const Ended = defineEvent('ended', z.unknown())

// oxlint-disable-next-line typescript/no-explicit-any -- flows that are made of data have no types that say anything
export type Any = any

/**
 * Everything outside the pages, which outlives them. How a flow ends depends on nothing but its script: replies, results
 * and errors are the same however often it is cut off. So it is its own model, played in one go.
 */
export class World {
  readonly clock = virtualClock()
  readonly tool = { name: 'tool' }
  readonly wrong: string[] = []
  readonly script: Script
  /** What was done, to look into a failure. */
  readonly trace: string[] = []
  /** The effects that were called, by name in their line of history: their keys. */
  readonly calls = new Map<string, string[]>()
  /** Whose key it is. */
  readonly owners = new Map<string, string>()
  /** How often effects have failed, and which steps have hung. */
  readonly flaky = new Map<string, number>()
  readonly hung = new Set<string>()
  /** Effects that have returned, and those of them that are known to be stored. */
  returned = new Set<string>()
  settled = new Set<string>()
  /** The same for asks and their answers. */
  answered = new Set<string>()
  stored = new Set<string>()
  /** Lines of history: each has keys of its own. */
  line = 0
  /** Of the code that a page loads. */
  version = 1

  constructor(script: Script) {
    this.script = script
  }

  complain(what: string): void {
    if (this.wrong.length < 10) this.wrong.push(what)
  }

  leaveLine(): void {
    this.line++
    this.returned = new Set()
    this.settled = new Set()
    this.answered = new Set()
    this.stored = new Set()
  }

  /** A state begins with its version, and every migration adds its own. */
  checkMigrations(made: readonly number[] = [], version: number): void {
    const first = this.script.versions ? version - made.length + 1 : 0
    if (made.some((it, n) => it !== first + n) || (this.script.versions && made.length === 0))
      this.complain(`version ${version} was reached by the migrations to ${made.join()}`)
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimeout(resolve, ms))
  }
}

/** One page: what dies with it. */
export interface Page {
  alive: boolean
  closed?: boolean
  session?: Session<Any>
  /** The effects on their way, by key, since it leads. */
  flying?: Set<string>
  readonly version: number
}

/** What a flow at this path is given: its path, and the same for the flows in it. */
export function inputOf(
  flows: readonly Flow[],
  at: number,
  path: string,
): { readonly path: string; readonly kids: object } {
  const { steps, subs } = flows[at] as Flow
  const kids: Record<string, unknown> = {}
  const look = (body: Program): void => {
    for (const it of body) {
      if (it.do === 'sub') kids[it.name] = inputOf(flows, it.flow, `${path}>${it.name}`)
      if (it.do === 'all') look([...it.a, ...it.b])
    }
  }
  for (const it of steps) look(it.body)
  look(subs)
  return { path, kids }
}

function sendsIn(body: Program): number {
  let count = 0
  for (const it of body) count += it.do === 'send' ? 1 : it.do === 'all' ? sendsIn(it.a) + sendsIn(it.b) : 0
  return count
}

export function namesOf(script: Script, kind: string): string[] {
  const found: string[] = []
  const look = (body: Program): void => {
    for (const it of body) {
      if (it.do === kind) found.push(it.name)
      if (it.do === 'all') look([...it.a, ...it.b])
    }
  }
  for (const { steps } of script.flows) for (const { body } of steps) look(body)
  return found
}

/** Plays one step's program. */
class Player {
  readonly notes: Record<string, unknown[]> = {}
  readonly #world: World
  readonly #page: Page
  readonly #ctx: Any
  readonly #path: string
  readonly #kids: Any
  readonly #workflows: readonly AnyWorkflow[]
  /** Attempts that it has. */
  readonly #most: number

  constructor(
    world: World,
    page: Page,
    ctx: Any,
    begin: Any,
    workflows: readonly AnyWorkflow[],
    most: number,
  ) {
    this.#most = most
    this.#world = world
    this.#page = page
    this.#ctx = ctx
    this.#path = begin.path
    this.#kids = begin.kids
    this.#workflows = workflows
  }

  async play(body: Program, own: string): Promise<void> {
    for (const it of body) {
      const value = await this.#do(it, own)
      ;(this.notes[own] ??= []).push(value === undefined ? it.name : [it.name, value])
    }
  }

  async #do(it: Instruction, own: string): Promise<unknown> {
    const ctx = this.#ctx
    const { state } = ctx
    const world = this.#world
    const name = `${this.#path} ${it.name}`
    switch (it.do) {
      case 'write':
        await state.append(own, it.name)
        // Newer code reads what older code wrote only later, because that is in the migrated state.
        return world.script.versions ? undefined : state.get(own)
      case 'flow':
        return ctx.flowState.append(own, it.name)
      case 'secret':
        return state.set('secret', `SECRET ${name}`)
      case 'commit':
        return ctx.commit()
      case 'send':
        return ctx.send(Sent(it.name))
      case 'wait':
        await ctx.waitFor(Nudge, { where: (event: Any) => event.data.for === it.name })
        return
      case 'bell':
        await ctx.waitFor(Bell)
        return
      case 'sleep':
        return ctx.sleep(it.ms)
      case 'raw':
        await (it.ms === 0 ? undefined : world.pass(it.ms))
        return
      case 'hang':
        if (world.hung.has(name)) return
        world.hung.add(name)
        return new Promise(() => {})
      case 'throw':
        if (ctx.attempt <= Math.min(it.until, this.#most - 1))
          throw new Error(`on purpose, attempt ${ctx.attempt}`)
        return
      case 'ask':
        if (it.late)
          return ctx.ask(Question(`late ${name}`), { timeout: 35 }).then(
            () => 'answered',
            (error: unknown) => {
              if (error instanceof TimeoutError) return 'late'
              throw error
            },
          )
        return (await ctx.ask(Question(name))).data
      case 'once':
        return this.#once(it, name)
      case 'sub':
        return this.#sub(it, own)
      case 'all':
        await Promise.all([this.play(it.a, `${own}a`), this.play(it.b, `${own}b`)])
    }
  }

  #once(it: Instruction & { do: 'once' }, name: string): Promise<unknown> {
    const world = this.#world
    const { how } = it
    const effect = async (key: string): Promise<unknown> => {
      if (!this.#page.alive || this.#page.closed || this.#page.session?.role !== 'leader')
        world.complain(`${name} was called by a page that does not lead`)
      const line = `${world.line} ${name}`
      const calls = world.calls.get(line) ?? []
      world.calls.set(line, [...calls, key])
      if (calls.some((other) => other !== key))
        world.complain(`${name} got two keys: ${[...calls, key].join()}`)
      const owner = world.owners.get(key)
      if (owner !== undefined && owner !== name) world.complain(`${name} has the key of ${owner}`)
      world.owners.set(key, name)
      if (world.settled.has(name)) world.complain(`${name} was called again, and was stored`)
      const { flying } = this.#page
      if (flying?.has(key)) world.complain(`${name} was called while it was on its way`)
      flying?.add(key)
      if (how === 'slow') await world.pass(30)
      flying?.delete(key)
      if (how === 'caught') throw new Error('always')
      if (typeof how === 'number') {
        const times = world.flaky.get(name) ?? 0
        world.flaky.set(name, times + 1)
        if (times < how) throw new Error(`flaky ${times}`)
      }
      if (
        this.#page.alive &&
        this.#page.session?.role === 'leader' &&
        world.line === Number(line.split(' ')[0])
      )
        world.returned.add(name)
      return `did ${it.name}`
    }
    const called: Promise<unknown> = this.#ctx.once(
      it.name,
      effect,
      how === 'asks' ? { onUnknownOutcome: 'ask' } : {},
    )
    if (how !== 'caught') return called
    return called.catch((error: Error) => {
      if (error.message === 'always') return 'caught'
      throw error
    })
  }

  async #sub({ name, flow, input, back }: Sub, own: string): Promise<unknown> {
    const { state } = this.#ctx
    const { fails } = this.#world.script.flows[flow] as Flow
    await state.append(own, name)
    if (input === 'state') await state.set(`in.${name}`, this.#kids[name])
    const called: Promise<unknown> = this.#ctx.subflow(
      this.#workflows[flow],
      mappingOf(name, input, back, own),
    )
    if (!fails) {
      const value = await called
      const written = state.get(`back.${name}`) as unknown
      if (back.includes('state') && written === undefined && !this.#ctx.signal.aborted)
        this.#world.complain(`${this.#path} ${name} wrote nothing back`)
      return value
    }
    return called.catch((error: Error) => {
      if (error.name === 'StepError') return 'failed'
      throw error
    })
  }
}

function mappingOf(name: string, input: Sub['input'], back: Sub['back'], own?: string): object {
  return {
    capture: {
      input: input === 'value' ? `value.kids.${name}` : `state.in.${name}`,
      ...(own !== undefined && { state: { given: `state.${own}` } }),
      ...(input === 'state' && { resources: 'resources' }),
    },
    writeBack: {
      ...(back.includes('value') && { value: 'result.logs' }),
      ...(back.includes('state') && { state: { [`back.${name}`]: 'result.logs' } }),
      ...(back.includes('flowState') && { flowState: { [`back.${name}`]: 'result.logs' } }),
    },
  }
}

/** The workflows of a page, made from the last to the first. */
export function build(world: World, page: Page): AnyWorkflow[] {
  const { flows, history } = world.script
  const made: AnyWorkflow[] = []
  for (let at = flows.length - 1; at >= 0; at--)
    made[at] = flowOf(world, page, at, made, at === 0 ? history : undefined)
  return made
}

function flowOf(
  world: World,
  page: Page,
  at: number,
  made: readonly AnyWorkflow[],
  history: number | undefined,
): AnyWorkflow {
  const { flows } = world.script
  const { steps, subs, fan, attempts, tool, fails } = flows[at] as Flow
  const retry = { attempts, delay: 10 }
  const sends = steps.reduce((sum, it) => sum + sendsIn(it.body), 0)
  const { version } = page
  const expected = 1 + steps.length + subs.length + sends + (fan ? 1 : 0) + (fails ? 1 : 0)
  let flow: Any = defineWorkflow({
    name: `flow${at}`,
    version,
    ...(world.script.versions && { state: z.looseObject({ made: z.array(z.number()).default([version]) }) }),
    ...(version > 1 && { migrations: migrationsTo(version, world) }),
    ...(version > 1 && at === 0 && { renamedSteps: renamedIn(version, steps.length) }),
    start: Begin,
    stop: Done,
    events: [Nudge, Bell],
    private: ['secret'],
    ...(history !== undefined && { history }),
    ...((tool || at === 0) && { resources: { tool: resource<object>() } }),
    skip: ['deadEnd', 'unconsumed', 'unproduced', 'unreachable', 'stop', 'start'],
  })
  flow = flow
    .step('first', { on: Begin, emits: [Ended] }, () => Ended('first'))
    .step(
      nameIn(version, at, 'sink'),
      { on: Sent, emits: [Ended], retry },
      async (ctx: Any, { data }: Any) => {
        await ctx.state.set(`sunk.${data}`, (it: number | undefined) => (it ?? 0) + 1)
        return Ended(`sunk ${data}`)
      },
    )
    .step('rescue', { on: StepFailed, emits: [Ended], retry }, async (ctx: Any, { data }: Any) => {
      // How far it came is another matter.
      const [own] = data.step.split('_')
      for (const layer of at > 0 ? [ctx.state, ctx.flowState] : [ctx.state])
        for (const path of tracesOf(own, steps[Number(own.slice(1))]?.body ?? [])) await layer.delete(path)
      return Ended('rescued')
    })
    .step('end', { on: Ended, emits: [Done], retry }, async (ctx: Any, event: Any) => {
      const all = await ctx.collect(
        event,
        Array.from({ length: expected }, () => Ended),
      )
      if (!all) return
      const logs = all.map((it: Any) => it.data as unknown)
      const { secret: _, made, ...state } = ctx.state.get()
      world.checkMigrations(made, version)
      return Done({ logs: sorted(logs), state, flow: at > 0 ? ctx.flowState.get() : {} })
    })
  if (fails)
    flow = flow.step('fatal', { on: Begin, emits: [Ended] }, async (ctx: Any) => {
      await ctx.sleep(25)
      throw new Error('fatal')
    })
  for (const [n, { body, lost, timeout }] of steps.entries())
    flow = flow.step(
      nameIn(version, at, `s${n}`),
      {
        ...{ on: Begin, asks: [Question], emits: [Ended, Sent] },
        retry: lost ? { attempts: 2, delay: 10 } : retry,
        ...(timeout && { timeout: 200 }),
        ...(lost && { catchError: 'rescue' }),
      },
      async (ctx: Any, { data }: Any) => {
        if ((tool || at === 0) && ctx.getResource('tool') !== world.tool)
          world.complain(`${String(data.path)} runs without its tool`)
        const player = new Player(world, page, ctx, data, made, lost ? 2 : attempts)
        await player.play(body, `s${n}`)
        if (lost) throw new Error('lost')
        return Ended(player.notes)
      },
    )
  for (const { name, flow: child, input, back, timeout } of subs)
    flow = flow.subflow(name, {
      ...{ on: Begin, workflow: made[child], emits: [Ended], retry },
      ...(timeout && { timeout: 200 }),
      ...mappingOf(name, input, back),
    })
  if (fan) {
    flow = flow
      .step('fan', { on: Begin, emits: [Part] }, (_: Any, { data }: Any) =>
        Array.from({ length: fan.count }, (__, n) => Part(inputOf(flows, fan.flow, `${data.path}>fan${n}`))),
      )
      .subflow('part', { on: Part, workflow: made[fan.flow], emits: [Worked], retry })
      .step('gathered', { on: gather(Worked), emits: [Ended], retry }, (_: Any, parts: Any) =>
        Ended(parts.map((it: Any) => it.data)),
      )
  }
  return flow as AnyWorkflow
}

/** Each version of the outermost flow has names of its own for its steps. */
function nameIn(version: number, at: number, step: string): string {
  return at > 0 || version === 1 ? step : `${step}_${version}`
}

function renamedIn(version: number, steps: number): Record<string, string> {
  const names = ['sink', ...Array.from({ length: steps }, (_, n) => `s${n}`)]
  const older = Array.from({ length: version - 1 }, (_, n) => n + 1)
  return Object.fromEntries(
    older.flatMap((old) => names.map((it) => [nameIn(old, 0, it), nameIn(version, 0, it)])),
  )
}

/** Every other one takes its time. */
function migrationsTo(version: number, world: World): Record<number, (state: Any) => Promise<object>> {
  const to =
    (next: number) =>
    async (state: Any): Promise<object> => {
      if (next % 2 === 0) await world.pass(10)
      return { ...state, made: [...state.made, next] }
    }
  return Object.fromEntries(Array.from({ length: version - 1 }, (_, n) => [n + 2, to(n + 2)]))
}

/** Where a step may have written. */
function tracesOf(own: string, body: Program): string[] {
  return [
    own,
    ...body.flatMap((it) => {
      if (it.do === 'sub') return [`in.${it.name}`, `back.${it.name}`]
      return it.do === 'all' ? [...tracesOf(`${own}a`, it.a), ...tracesOf(`${own}b`, it.b)] : []
    }),
  ]
}

function sorted(list: unknown[]): unknown[] {
  const text = (it: unknown): string => JSON.stringify(ordered(it))
  return [...list].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
}

export function ordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(ordered)
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, it]) => [key, ordered(it)]),
  )
}
