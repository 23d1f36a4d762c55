import {
  createEngine,
  memoryStorage,
  type AnyWorkflow,
  type Engine,
  type Session,
  type SessionStorage,
} from '../../../src/index'
import { nextTask } from '../../../src/clock'
import { crash } from '../../../src/testing'
import { overheardTabs } from '../../support/overheard'
import type { Act, Script } from './subflow-script'
import { build, inputOf, namesOf } from './subflow-flow'
import { endOf } from './subflow-model'
import { Bell, Nudge } from './subflow-player'
import { ordered, World, type Any, type Page } from './subflow-world'

interface Tab {
  readonly name: string
  readonly page: Page
  readonly engine: Engine
  readonly session: Session<Any>
  readonly workflows: readonly AnyWorkflow[]
  /** After so many storage operations it dies. */
  readonly fate: { operations: number; lands: boolean }
  supplied: boolean
  /** Steps by hand that have not ended. */
  readonly steps: Set<unknown>
  /** Replies and events that were not heard of yet. */
  replying: number
}

export interface Played {
  readonly wrong: readonly string[]
  readonly result: unknown
  readonly state: unknown
  readonly trace: readonly string[]
}

/** Plays a script. */
export async function play(script: Script): Promise<Played> {
  const world = new World(script)
  const browser = new Browser(world)
  const lost = (error: unknown): void =>
    world.complain(`unhandled: ${(error as Error)?.stack ?? String(error)}`)
  process.on('unhandledRejection', lost)
  try {
    return await browser.play()
  } finally {
    process.off('unhandledRejection', lost)
  }
}

const EXPECTED = new Set(['LeaderSilentError', 'OvertakenError', 'StaleEpochError', 'BadConditionError'])
/** A reply or an event that nobody takes is told so, without an error: unless it is not known who asks, or leads. */
const REFUSED = new Set(['SessionStateError', 'LeaderSilentError', 'StaleEpochError'])

class Browser {
  readonly world: World
  #memory = memoryStorage()
  #tabs = overheardTabs()
  open: Tab[] = []
  #names = 0
  #ids = 0
  id = 'session-0'
  #forks = 0
  readonly #nudges: readonly string[]

  constructor(world: World) {
    this.world = world
    this.#nudges = namesOf(world.script, 'wait')
  }

  /** Opens a tab with all resources, or those of the session alone, or none. */
  enter(supplied: 'all' | 'own' | 'none' = 'all', version = this.world.version): Tab {
    const { world } = this
    const page: Page = { alive: true, flying: new Set(), version }
    const fate = { operations: Infinity, lands: false }
    const memory = this.#memory
    const operation = (call: () => Promise<unknown>): Promise<Any> => {
      if (!page.alive) return new Promise(() => {})
      if (--fate.operations > 0) return world.script.lag ? world.pass(world.script.lag).then(call) : call()
      const die = (): void => this.kill(tab)
      if (fate.lands) void call().then(die, die)
      else die()
      return new Promise(() => {})
    }
    const storage: SessionStorage = {
      ...memory,
      read: (id) => operation(() => memory.read(id)),
      claim: (...args) => operation(() => memory.claim(...args)),
      append: (...args) => operation(() => memory.append(...args)),
      compact: (...args) => operation(() => memory.compact(...args)),
    }
    const { locks, channel } = this.#tabs
    const engine = createEngine({
      ...{ storage, clock: world.clock, locks, channel },
      ids: () => `id-${++this.#ids}`,
      random: () => 0.5,
      onError: (error: unknown) =>
        EXPECTED.has((error as Error).name) ||
        // The flow state of newer code.
        ((error as Error).name === 'LoadError' && version < world.version) ||
        world.complain(`onError: ${(error as Error)?.stack ?? String(error)}`),
      ...(world.script.compact && { serializer: heavy }),
    })
    const workflows = build(world, page)
    const session = engine.session(workflows[0] as Any, { id: this.id })
    page.session = session
    // A page that leads again knows nothing of what it had begun before another one did.
    session.subscribe(() => {
      if (session.role !== 'leader') page.flying = new Set()
    })
    session.ready.catch((error: unknown) => {
      const { name, code } = error as Error & { readonly code?: string }
      const isOutdated = version < world.version && ['NEWER_VERSION', 'STALE_EPOCH'].includes(String(code))
      if (page.alive && name !== 'SessionClosedError' && !isOutdated)
        world.complain(`ready: ${String(error)}`)
    })
    const tab: Tab = {
      name: `t${++this.#names}`,
      page,
      engine,
      session,
      workflows,
      fate,
      supplied: false,
      steps: new Set(),
      replying: 0,
    }
    this.open.push(tab)
    if (supplied === 'all') this.supply(tab)
    if (supplied === 'own') session.setResources({ tool: world.tool })
    return tab
  }

  supply(tab: Tab): void {
    if (tab.supplied) return
    tab.supplied = true
    tab.session.setResources({ tool: this.world.tool })
    for (const [at, it] of tab.workflows.entries())
      if (at > 0 && this.world.script.flows[at]?.tool)
        (tab.engine.flow(it) as Any).setResources({ tool: this.world.tool })
  }

  kill(tab: Tab): void {
    if (!tab.page.alive) return
    const { world } = this
    tab.page.alive = false
    this.open = this.open.filter((it) => it !== tab)
    crash(tab.engine)
    this.owed()
    // What is not known to be stored may be gone.
    world.returned = new Set(world.settled)
    world.answered = new Set(world.stored)
  }

  /** What somebody has stepped by hand may begin once more with another leader. */
  owed(): void {
    for (const { steps } of this.open) this.world.credit += steps.size
  }

  get shown(): Tab[] {
    return this.open.filter(
      ({ session }) =>
        !['loading', 'error'].includes(session.status) && session.persistence.status !== 'outdated',
    )
  }

  async play(): Promise<Played> {
    const { world } = this
    const { acts } = world.script
    this.enter()
    await world.clock.advance(world.script.lag * 4)
    await this.begin()
    for (const it of acts) {
      world.trace.push(JSON.stringify(it))
      if (this.open.length === 0) this.enter(suppliedBy((it as { pick?: number }).pick ?? 0))
      await this.act(it)
      if (it.act !== 'ticks' && it.act !== 'advance') await world.clock.advance(0)
      if (it.act !== 'ticks') this.compare(JSON.stringify(it))
      if (world.wrong.length > 0) return this.outcome()
    }
    await this.calm()
    return this.outcome()
  }

  async begin(): Promise<void> {
    for (const { session, page } of this.shown) {
      if (session.status !== 'idle' && session.status !== 'cancelled') continue
      if (session.status === 'cancelled') {
        session.reset()
        this.world.leaveLine()
        await this.world.clock.advance(0)
        if (!page.alive) continue
      }
      if (this.world.script.byHand) session.pause()
      this.run(session).catch(() => {})
      await this.world.clock.advance(0)
      return
    }
  }

  run(session: Session<Any>): Promise<unknown> {
    return session.run(inputOf(this.world.script.flows, 0, 'top'))
  }

  outcome(): Played {
    const session = this.open[0]?.session
    const { wrong, trace } = this.world
    return { wrong, trace, result: ordered(session?.result), state: ordered(stateOf(session)) }
  }

  /** From here on nothing bad happens any more. */
  async calm(): Promise<void> {
    const { world } = this
    world.trace.push('calm')
    for (const tab of this.open) tab.fate.operations = Infinity
    // Older code is loaded anew.
    await world.clock.advance(world.version > 1 ? 20 : 0)
    for (const tab of this.open) if (tab.page.version < world.version) this.kill(tab)
    if (this.open.length === 0) this.enter()
    await world.clock.advance(world.version > 1 || world.script.lag > 0 ? 1000 : 0)
    for (const tab of this.open) this.supply(tab)
    const runs = this.shown
      .filter(({ session }) => ['running', 'waiting', 'paused'].includes(session.status))
      .map(({ name, session }) => {
        if (world.script.byHand) session.pause()
        const over = this.run(session).catch((error: Error) => error)
        return { name, session, over }
      })
    for (let round = 0; round < 400; round++) {
      await this.begin()
      const tab = this.shown[round % Math.max(1, this.shown.length)]
      if (tab === undefined)
        return world.complain(`nothing is shown: ${this.open.map((it) => it.session.status).join()}`)
      const { session } = tab
      if (session.status === 'completed') break
      if (session.status === 'failed') session.retry().catch(() => {})
      if (!world.script.byHand) session.resume()
      else if (round > 0) this.step(tab)
      else session.pause()
      for (const ask of session.asks) this.answer(ask, tab, round)
      for (const name of this.#nudges) this.send(tab, Nudge({ for: name }))
      this.send(tab, Bell())
      await world.clock.advance(round < 20 ? 50 : 500)
      this.compare('calm')
      if (world.wrong.length > 0) return
    }
    const tab = this.shown[0] as Tab
    const { session } = tab
    if (session.status !== 'completed')
      return world.complain(
        `it is ${session.status}, asks ${session.asks.map((it: Any) => it.data).join()}, error ${session.error?.stack ?? ''}, missing ${session.missingResources.join()}`,
      )
    for (const run of runs) {
      const result = await Promise.race([run.over, world.clock.advance(0).then(() => 'nothing')])
      const failed = result instanceof Error && result.name === 'StepError'
      if (!failed && JSON.stringify(result) !== JSON.stringify(run.session.result))
        world.complain(
          `run() of ${run.name} gave ${String(result)}, not ${JSON.stringify(run.session.result)}`,
        )
    }
    world.checkMigrations(session.state.get('made') as Any, world.version)
    for (const { steps } of this.open)
      if (steps.size > 0) world.complain(`${steps.size} steps by hand never ended`)
    await Promise.race([session.flush(), world.clock.advance(5000).then(() => world.complain('flush hangs'))])
    const json = JSON.stringify(session.toJSON())
    this.noSecret(json, 'toJSON')
    this.noSecret(JSON.stringify(this.#tabs.heard), 'the channel')
    this.noSecret(JSON.stringify(await this.#memory.read(this.id)), 'storage')
    const engine = createEngine({
      storage: this.#memory,
      clock: world.clock,
      ...(world.script.compact && { serializer: heavy }),
    })
    const again = await engine.open(
      build(world, { alive: true, version: world.version })[0] as Any,
      { id: this.id, autoResume: false } as Any,
    )
    const stored = JSON.stringify(again.toJSON())
    const [is, was] = [plain(stored), plain(json)]
    if (is !== was) {
      const at = is.split('').findIndex((it, n) => it !== was[n])
      world.complain(`stored is ${is.slice(at - 300, at + 300)}, it was ${was.slice(at - 300, at + 300)}`)
    }
    crash(engine)
  }

  noSecret(text: string | undefined, where: string): void {
    if (text?.includes('SECRET'))
      this.world.complain(`a secret is in ${where}: ${/.{60}SECRET.{60}/.exec(text)?.[0]}`)
  }

  answer(ask: Any, tab: Tab, n: number): void {
    const { world } = this
    const { line } = world
    let value: unknown = `to ${ask.data}`
    if (ask.type === 'outcomeUnknown')
      value = n % 2 === 0 ? { rerun: true } : { value: `did ${ask.data.key}` }
    else if (String(ask.data).startsWith('late')) return
    const heard = (): void => void tab.replying--
    tab.replying++
    const reply = ask.reply(value) as Promise<boolean>
    reply.then(heard, heard)
    reply.then(
      (taken: boolean) => {
        if (taken && world.line === line && ask.type === 'question') world.answered.add(ask.data)
      },
      (error: unknown) => this.refused(tab, error),
    )
  }

  send(tab: Tab, event: Any): void {
    const heard = (): void => void tab.replying--
    tab.replying++
    const sent = tab.session.send(event)
    sent.then(heard, heard)
    sent.catch((error: unknown) => this.refused(tab, error))
  }

  refused({ page }: Tab, error: unknown): void {
    if (page.alive && !page.closed && !REFUSED.has((error as Error).name))
      this.world.complain(`refused: ${(error as Error).stack ?? String(error)}`)
  }

  step(tab: Tab): void {
    this.world.credit++
    const step = tab.session.step()
    tab.steps.add(step)
    const over = (): void => void tab.steps.delete(step)
    step.then(over, over)
  }

  compare(when: string): void {
    const { world } = this
    const { shown } = this
    for (const { session } of shown)
      for (const ask of session.asks)
        if (world.stored.has(ask.data as string))
          world.complain(`${when}: ${String(ask.data)} is asked again, its answer was stored`)
    const leader = shown.find((it) => it.session.role === 'leader')
    const others = shown.filter((it) => it !== leader && it.session.role !== 'reader')
    if (leader === undefined || others.length === 0 || shown.some((it) => it.replying > 0)) return
    const view = ({ session }: Tab): string =>
      JSON.stringify(
        ordered([
          session.status,
          stateOf(session),
          session.asks.map((it: Any) => it.id),
          session.result,
          session.missingResources,
          session.progress,
          session.error?.message,
          session.orphans,
        ]),
      )
    for (const tab of others)
      if (view(tab) !== view(leader))
        world.complain(`${when}: ${tab.name} shows ${view(tab)}, ${leader.name} ${view(leader)}`)
    const past = pastOf(leader.session)
    for (const { name, session } of others) {
      const other = pastOf(session)
      if ([...past.keys()].at(-1) !== [...other.keys()].at(-1))
        world.complain(
          `${when}: the history of ${name} ends at ${[...other.keys()].at(-1)}, not ${[...past.keys()].at(-1)}`,
        )
      // Edits in a row become one, under the last number, when a history is full: not in each tab at one time.
      const mayBeJoined = (seq: number, entry: string): boolean =>
        entry.includes('"type":"wrote"') && !(past.has(seq - 1) && other.has(seq - 1))
      for (const [seq, entry] of other)
        if ((past.get(seq) ?? entry) !== entry && !mayBeJoined(seq, entry))
          world.complain(`${when}: ${name} has in its history ${entry}, not ${past.get(seq)}`)
    }
  }

  async act(it: Act): Promise<void> {
    const { world } = this
    if ('ms' in it) return world.clock.advance(it.ms)
    if ('n' in it) {
      for (let n = 0; n < it.n; n++) await new Promise<void>(nextTask)
      return
    }
    const tab = this.open[it.pick % this.open.length] as Tab
    if ('operation' in it) {
      Object.assign(tab.fate, { operations: it.operation, lands: it.lands })
      return
    }
    const { session } = tab
    const isShown = this.shown.includes(tab)
    const { pick } = it
    switch (it.act) {
      case 'enter':
        if (this.open.length < 3) this.enter(suppliedBy(pick))
        return
      case 'late':
        return this.supply(tab)
      case 'deploy':
        world.version++
        return
      case 'old':
        if (this.open.length < 3 && world.version > 1) this.enter('all', 1 + (pick % (world.version - 1)))
        return
      case 'crash':
        for (const other of [...this.open]) this.kill(other)
        return
      case 'kill':
        return this.kill(tab)
      case 'close': {
        this.open.splice(this.open.indexOf(tab), 1)
        let closed = false
        tab.page.closed = true
        void session.close().then(
          () => (closed = true),
          (error: unknown) => (
            (closed = true),
            (error as Error).name === 'LeaderSilentError' || world.complain(`close: ${String(error)}`)
          ),
        )
        await world.clock.advance(1000)
        for (let n = 0; !closed && n < 5000; n++) await new Promise<void>(nextTask)
        await world.clock.advance(1000)
        if (!closed && tab.page.alive) world.complain('close hangs')
        tab.page.alive = false
        void tab.engine.close()
        return
      }
      default:
    }
    if (!isShown) return
    switch (it.act) {
      case 'reply': {
        const { asks } = session
        const ask = asks[pick % Math.max(1, asks.length)]
        if (ask) this.answer(ask, tab, pick)
        return
      }
      case 'nudge': {
        const name = this.#nudges[pick % Math.max(1, this.#nudges.length)]
        if (name) this.send(tab, Nudge({ for: name }))
        return
      }
      case 'bell':
        return this.send(tab, Bell())
      case 'type':
        return session.state.append(`typed.f${pick % 3}`, 'x')
      case 'look':
        return this.noSecret(JSON.stringify(session.toJSON()), 'toJSON')
      case 'flush': {
        const { line } = world
        const [returned, answered] = [[...world.returned], [...world.answered]]
        session.flush().then(
          () => {
            if (world.line !== line) return
            for (const name of returned) world.settled.add(name)
            for (const name of answered) world.stored.add(name)
          },
          () => {},
        )
        return
      }
      case 'takeOver':
        this.owed()
        void session.takeOver().catch(() => {})
        return
      case 'pause':
        return session.pause()
      case 'resume':
        return session.resume()
      case 'step':
        return this.step(tab)
      case 'run':
        if (['running', 'waiting', 'paused'].includes(session.status)) this.run(session).catch(() => {})
        return
      default: {
        const { line } = world
        await this.travel(it.act, tab, pick)
        if (world.line === line) return
        // The leader may hear of it only now.
        await world.clock.advance(0)
        return world.leaveLine()
      }
    }
  }

  async travel(act: string, tab: Tab, pick: number): Promise<void> {
    const { world } = this
    const { session } = tab
    const all = session.history()
    // Nobody can go back to before a migration.
    const wall = all.map((it: Any) => it.type).lastIndexOf('migrated')
    const past = all.slice(wall + 1).filter((it: Any) => it.type !== 'snapshot')
    const { seq } = past.at(pick < 50 ? -1 - (pick % 5) : pick % Math.max(1, past.length)) ?? {}
    switch (act) {
      case 'back':
        if (session.back()) world.leaveLine()
        return
      case 'forward':
        session.forward()
        return
      case 'rewind':
        if (seq === undefined) return
        session.rewind(seq)
        world.leaveLine()
        await world.clock.advance(0)
        if (pick % 2 === 0 && tab.page.alive) session.resume()
        return
      case 'reset':
        session.reset()
        world.leaveLine()
        await world.clock.advance(0)
        return this.begin()
      case 'cancel':
        session.cancel()
        await world.clock.advance(0)
        if (pick % 2 === 0) return this.begin()
        return
      case 'fork': {
        if (seq === undefined || this.#forks > 3 || session.role !== 'leader') return
        const id = `session-${++this.#forks}`
        const forking = session.fork(pick % 3 === 0 ? undefined : seq, id).then(
          () => true,
          (error: unknown) => {
            if (tab.page.alive) world.complain(`fork: ${(error as Error).stack}`)
            return false
          },
        )
        const forked = await Promise.race([forking, world.clock.advance(500).then(() => undefined)])
        if (!tab.page.alive) return
        if (forked === undefined) return world.complain('fork hangs')
        for (const other of [...this.open]) this.kill(other)
        this.id = id
        world.leaveLine()
        this.enter()
        return
      }
      case 'import': {
        const json = JSON.parse(JSON.stringify(session.toJSON())) as object
        this.noSecret(JSON.stringify(json), 'toJSON')
        for (const other of [...this.open]) this.kill(other)
        world.leaveLine()
        this.#memory = memoryStorage()
        this.#tabs = overheardTabs()
        const engine = createEngine({
          storage: this.#memory,
          clock: world.clock,
          ...(world.script.compact && { serializer: heavy }),
        })
        const dead: Page = { alive: false, version: world.version }
        // Whether it works at once or only in the page after it.
        const opening = engine
          .import(build(world, dead)[0] as Any, json as Any, { id: this.id, autoResume: false } as Any)
          .catch((error: unknown) => world.complain(`import: ${(error as Error).stack}`))
        await Promise.race([opening, world.clock.advance(500)])
        crash(engine)
        this.enter()
        return
      }
      default:
        throw new Error(`no such act: ${act}`)
    }
  }
}

/** The newest entries of a history by their numbers. Tabs may keep more or less of it. */
function pastOf(session: Session<Any>): ReadonlyMap<number, string> {
  const entries = session
    .history()
    .slice(-30)
    .map((it) => [it.seq, JSON.stringify(ordered(it))] as const)
  return new Map(entries.filter(([, it]) => !it.includes('"type":"snapshot"')))
}

function suppliedBy(pick: number): 'all' | 'own' | 'none' {
  return pick % 4 === 1 ? 'own' : pick % 4 === 2 ? 'none' : 'all'
}

/** Stored values that weigh so much that every append is followed by a snapshot. */
const heavy = {
  serialize: (value: unknown): unknown => ({ text: JSON.stringify(value), size: 400_000 }),
  deserialize: (stored: unknown): unknown => JSON.parse((stored as { text: string }).text),
}

function stateOf(session: Session<Any> | undefined): unknown {
  const { secret: _, made: __, pairs: ___, ...rest } = session?.state.get() ?? {}
  return rest
}

function plain(json: string): string {
  const {
    resourceKeys: _,
    history: __,
    ...rest
  } = JSON.parse(json) as { resourceKeys?: unknown; history?: unknown }
  return JSON.stringify(ordered(rest))
}

/** What goes wrong: against the rules, or in how it ends. */
export async function compared(script: Script): Promise<readonly string[]> {
  const { wrong, result, state, trace } = await play(script)
  if (wrong.length > 0) return [...wrong, ...trace]
  const end = endOf(script)
  const [is, was] = [JSON.stringify([result, state]), JSON.stringify([end, end.state])]
  return stripped(is) === stripped(was) ? [] : [`it is ${is}`, `not ${was}`, ...trace]
}

/** Without what was typed. What a failed step has left of an object may be an empty one, or nothing. */
function stripped(json: string): string {
  const left = (key: string, value: unknown): boolean =>
    key === 'typed' || (['back', 'in'].includes(key) && JSON.stringify(value) === '{}')
  return JSON.stringify(JSON.parse(json, (key, value: unknown) => (left(key, value) ? undefined : value)))
}
