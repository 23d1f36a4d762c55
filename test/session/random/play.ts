import { z } from 'zod'
import {
  allOf,
  createEngine,
  defineEvent,
  defineWorkflow,
  gather,
  memoryStorage,
  StepFailed,
  TimeoutError,
  type Session,
  type SessionStorage,
  type StepContext,
} from '../../../src/index'
import { crash, virtualClock, type VirtualClock } from '../../../src/testing'
import { Done, Go, Nudge, Question } from '../../support/flows'
import type { Action, Instruction, Scenario, Value } from './program'
import { Reference, type Attempt, type Entry, type Look, type Seen, type Write } from './reference'

const Sent = defineEvent('sent', z.string())
const Ended = defineEvent('ended', z.string())
const Open = defineEvent('open', z.string())
const Branch = defineEvent('branch', z.string())
const Joined = defineEvent('joined', z.string())
const Left = defineEvent('left')
const Right = defineEvent('right')

type Shape = {
  state: Record<string, unknown>
  flow: Record<string, unknown>
  input: undefined
  result: unknown
  resources: object
}
type Ctx = StepContext<Shape, unknown, never, unknown>
type Random = Session<ReturnType<typeof build>>

/** Thrown into a handler whose page has died or whose attempt is over: nothing that it does counts any more. */
class Gone extends Error {}

/** One page: what dies with it. */
interface Page {
  /** Whether its steps still run. */
  alive: boolean
  /** Whether its storage calls still land. */
  online: boolean
  session: Random | undefined
}

/** A write that was made a moment ago, after the record `since`. */
interface Late {
  readonly entry: Entry
  readonly since: number
}

/** Everything that is outside the page and outlives it. */
class World {
  /** How often the clock was read. A record carries the time, so without another read there is no new record. */
  private stamps = 0
  private known: { readonly stamps: number; readonly session: unknown; readonly look: Look } | undefined
  readonly clock: VirtualClock = this.watched(virtualClock())
  readonly reference = new Reference()
  /** The calls of effects by name: their idempotency keys. */
  readonly calls = new Map<string, string[]>()
  page: Page = { alive: true, online: true, session: undefined }
  /** Writes that were made a moment ago, whose records are still to be found. */
  private late: Late[] = []

  /** Whose edit is open. */
  editing: Attempt | undefined

  /** A write that had to wait is made now. */
  writes(attempt: Attempt, write: Write): Late | undefined {
    if (!this.page.alive || attempt.over) return undefined
    const since = this.look().seq
    const entry = this.reference.wroteLate(attempt, write)
    // One that is repeated waits for nobody.
    if (entry) this.takesTurns(attempt, `writes ${JSON.stringify(write)}`)
    const late = entry && { entry, since }
    if (late) this.late.push(late)
    return late
  }

  /** While an edit is open, no other step may edit or write. */
  takesTurns(attempt: Attempt, what: string): void {
    const other = this.editing
    if (other !== undefined && other !== attempt && !other.over)
      this.reference.complain(`${attempt.step} ${what} while ${other.step} edits`)
  }

  /** Finds out which numbers late writes have got by now. One that is `over` and has none has changed nothing. */
  settle(over: (late: Late) => boolean): void {
    if (this.late.length === 0) return
    const records = this.page.session?.history() ?? []
    for (const late of [...this.late]) {
      const { entry, since } = late
      const record = records.find(
        ({ seq, type, ops }) =>
          seq > since && type === 'wrote' && JSON.stringify(ops) === JSON.stringify([entry.write]),
      )
      if (record === undefined && !over(late)) continue
      this.late.splice(this.late.indexOf(late), 1)
      this.reference.place(entry, record?.seq)
    }
  }

  private watched(clock: VirtualClock): VirtualClock {
    return {
      ...clock,
      now: () => (this.stamps++, clock.now()),
      get pending() {
        return clock.pending
      },
    }
  }

  look(): Look {
    const { stamps, page } = this
    if (this.known?.stamps !== stamps || this.known.session !== page.session)
      this.known = { stamps, session: page.session, look: this.lookAgain() }
    return this.known.look
  }

  private lookAgain(): Look {
    const history = (this.page.session?.history() ?? []) as readonly Happened[]
    let points: ReadonlyMap<string, ReadonlyMap<string, number>> | undefined
    return {
      seq: history.at(-1)?.seq ?? 0,
      points: (step) => (points ??= pointsOf(history)).get(step) ?? new Map(),
    }
  }
}

/** What the reference looks at of a record. */
interface Happened {
  readonly seq: number
  readonly type: string
  readonly exec?: number
  readonly step?: string
  readonly key?: string
  /** What kind of point was opened. */
  readonly point?: string
  /** The events that an execution took. */
  readonly events?: readonly number[]
  readonly emits?: readonly { readonly id: number; readonly data?: unknown }[]
}

/** The points of each step that were recorded, as the reference calls them, with the numbers of their records. */
function pointsOf(history: readonly Happened[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const data = new Map<number, unknown>()
  const execs = new Map<
    number,
    { readonly found: Map<string, number>; readonly kinds: Map<string, string> }
  >()
  const steps = new Map<string, Map<string, number>>()
  for (const { seq, type, exec = 0, step = '', key = '', point = '', events = [], emits = [] } of history) {
    for (const it of emits) data.set(it.id, it.data)
    const { found, kinds } = execs.get(exec) ?? {}
    if (type === 'taken') {
      const own = { found: new Map<string, number>(), kinds: new Map<string, string>() }
      execs.set(exec, own)
      steps.set(step === 'branch' ? `branch ${String(data.get(events[0] ?? 0))}` : step, own.found)
    } else if (type === 'opened') {
      kinds?.set(key, point)
      found?.set(`opened ${key}`, seq)
    } else if (type === 'answered' || type === 'done') {
      const isWait = ['ask', 'wait'].includes(kinds?.get(key) ?? '')
      found?.set(`${isWait ? 'answered' : 'done'} ${key}`, seq)
    }
  }
  return steps
}

/** Plays one step's program, and tells the reference of everything that it does and sees. */
class Player {
  private readonly world: World
  private readonly page: Page
  private readonly ctx: Ctx
  private readonly attempt: Attempt
  private readonly edits: boolean
  /** An edit of this step is open: its context takes no other call then, whichever branch makes it. */
  private editing: Promise<unknown> | undefined

  constructor(world: World, ctx: Ctx, name: string, { edits }: Scenario) {
    this.edits = edits
    this.world = world
    this.page = world.page
    this.ctx = ctx
    this.attempt = world.reference.begin(name, ctx.attempt)
  }

  async play(program: readonly Instruction[], branch = ''): Promise<void> {
    for (const it of program) await this.instruct(it, branch)
  }

  /** Before anything is done: is it still this page's turn? Also notices what was recorded meanwhile. */
  private look(): Look {
    if (!this.page.alive || this.attempt.over) throw new Gone()
    this.world.settle(() => false)
    const look = this.world.look()
    this.world.reference.notice(this.attempt, look)
    return look
  }

  private saw(branch: string, what: string, did = true): Seen {
    return this.world.reference.saw(this.attempt, branch, what, did)
  }

  private get(branch: string, path: string): Value | undefined {
    this.look()
    const value = this.ctx.state.get(path) as Value | undefined
    this.saw(branch, `${path} = ${JSON.stringify(value)}`, false)
    return value
  }

  private async write(
    branch: string,
    write: Parameters<Reference['wrote']>[1],
    call: () => Promise<void>,
  ): Promise<void> {
    const before = this.look().seq
    const done = call()
    this.world.reference.wrote(this.attempt, write, before, this.world.look().seq)
    this.saw(branch, JSON.stringify(write))
    await done
  }

  private async point(branch: string, name: string, call: () => Promise<unknown>): Promise<void> {
    this.look()
    const pending = call()
    this.look()
    const value = await pending
    this.look()
    this.saw(branch, `${name}: ${JSON.stringify(value) ?? 'nothing'}`)
  }

  private async instruct(it: Instruction, branch: string): Promise<void> {
    const { state } = this.ctx
    while (this.editing) await this.editing
    switch (it.do) {
      case 'set':
        return this.set(branch, it.path, it.value)
      case 'increment': {
        const value = Number(this.get(branch, it.path) ?? 0) || 0
        return this.set(branch, it.path, value + 1)
      }
      case 'text':
        return this.write(branch, ['text', it.path, 'x'], () => state.append(it.path, 'x'))
      case 'item': {
        const item = { by: this.attempt.step }
        return this.write(branch, ['item', it.path, item], () => state.append(it.path, item))
      }
      case 'delete':
        if (this.get(branch, it.path) === undefined) return
        return this.write(branch, ['delete', it.path], () => state.delete(it.path))
      case 'edit':
        return this.edit(branch, it)
      case 'branch':
        return this.play(this.get(branch, it.path) ? it.yes : it.no, branch)
      case 'once':
        return this.once(branch, it)
      case 'ask':
        return this.point(branch, it.name, () =>
          this.inTime(this.ctx.ask(Question(it.name) as never, timeoutOf(it))),
        )
      case 'wait':
        return this.point(branch, it.name, () =>
          this.inTime(
            this.ctx.waitFor(Nudge, {
              where: ({ data }) => (data as { for: string }).for === it.name,
              ...timeoutOf(it),
            }),
          ),
        )
      case 'sleep':
        return this.point(branch, `sleep ${it.ms}`, () => this.ctx.sleep(it.ms))
      case 'commit':
        return this.point(branch, 'commit', () => this.ctx.commit())
      case 'send':
        return this.send(branch, it)
      case 'raw':
        return this.pass(it.ms)
      case 'throw':
        this.look()
        if (this.attempt.number <= it.until) throw new Error(`on purpose, attempt ${this.attempt.number}`)
        return
      case 'all':
        await Promise.all([this.play(it.a, `${branch}/a`), this.play(it.b, `${branch}/b`)])
    }
  }

  private async inTime(wait: Promise<unknown>): Promise<unknown> {
    try {
      return await wait
    } catch (error) {
      if (error instanceof TimeoutError && this.page.alive && !this.attempt.over) return 'out of time'
      throw error
    }
  }

  private async set(branch: string, path: string, value: Value): Promise<void> {
    const { state } = this.ctx
    if (!this.edits) return this.write(branch, ['set', path, value], () => state.set(path, value))
    this.look()
    const write: Write = ['set', path, value]
    // While an edit is open, the write waits; its function is called when the write is made.
    let late: Late | undefined
    let made = false
    const done = state.set(path, () => {
      made = true
      late = this.world.writes(this.attempt, write)
      return value
    })
    this.world.settle(() => false)
    const seen = this.saw(branch, JSON.stringify(write), made)
    await done
    seen.did = true
    this.world.settle((it) => it === late)
  }

  /** What an edit changes lands at its end, on top of what was written meanwhile. */
  private async edit(branch: string, it: Instruction & { do: 'edit' }): Promise<void> {
    this.look()
    const { ms } = it
    const mine: { late?: Late | undefined } = {}
    const done =
      ms === undefined
        ? this.ctx.state.edit((draft) => this.change(branch, it, draft, mine)?.())
        : this.ctx.state.edit(async (draft) => {
            const end = this.change(branch, it, draft, mine)
            if (end === undefined) return
            const open = new Promise<void>((resolve) => {
              // Until the session has taken it.
              queueMicrotask(() => void done.catch(() => {}).then(resolve))
            })
            this.editing = open
            void open.then(() => {
              if (this.editing === open) this.editing = undefined
            })
            await this.pass(ms)
            end()
          })
    await done
    this.world.settle((late) => late === mine.late)
    this.look()
  }

  /** Changes the draft; to be called at the end of the edit is what it returns. */
  private change(
    branch: string,
    { root, add }: Instruction & { do: 'edit' },
    draft: Record<string, unknown>,
    mine: { late?: Late | undefined },
  ): (() => void) | undefined {
    if (!this.page.alive || this.attempt.over) return undefined
    this.world.takesTurns(this.attempt, 'edits')
    this.world.editing = this.attempt
    const found = draft[root] as { edited?: unknown } | undefined
    const next = (typeof found?.edited === 'number' ? found.edited : 0) + add
    draft[root] ??= {}
    ;(draft[root] as Record<string, unknown>)['edited'] = next
    return () => {
      if (!this.page.alive || this.attempt.over) return
      // A re-run sees what a recorded edit saw. An edit that was not recorded begins anew, on the state of that time.
      this.saw(branch, `edits ${JSON.stringify(found)}`)
      mine.late = this.world.writes(
        this.attempt,
        found ? ['set', `${root}.edited`, next] : ['set', root, { edited: next }],
      )
      this.world.editing = undefined
    }
  }

  private pass(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve()
    return new Promise((resolve) => void this.world.clock.setTimeout(resolve, ms))
  }

  private async once(branch: string, it: Instruction & { do: 'once' }): Promise<void> {
    const { world, page } = this
    const effect = async (key: string): Promise<Value> => {
      const name = `${this.attempt.step} ${it.name}`
      const calls = world.calls.get(name) ?? []
      world.calls.set(name, [...calls, key])
      if (calls.some((other) => other !== key)) world.reference.complain(`${name} got two keys`)
      const recorded = world.reference.execs.get(this.attempt.step)?.points.has(`done once:${it.name}`)
      if (recorded && it.how !== 'flaky') world.reference.complain(`${name} was called again`)
      if (it.how === 'slow') await new Promise<void>((resolve) => void world.clock.setTimeout(resolve, 30))
      if (it.how === 'flaky' && calls.length < 2) throw new Error('flaky')
      if (it.how === 'caught') throw new Error(`always ${calls.length}`)
      // Another value each time: only the recorded one may ever be seen again.
      return { call: calls.length }
    }
    const call = (): Promise<unknown> => this.ctx.once(it.name, effect)
    if (it.how !== 'caught') return this.point(branch, it.name, call)
    await this.point(branch, it.name, () =>
      call().catch((error: unknown) => {
        if (!page.alive || this.attempt.over) throw new Gone()
        return (error as Error).message
      }),
    )
  }

  private send(branch: string, it: Instruction & { do: 'send' }): void {
    const value = this.get(branch, it.path)
    const data = `${this.attempt.step} ${it.name} ${JSON.stringify(value) ?? 'nothing'}`
    this.look()
    this.ctx.send(Sent(data))
    this.attempt.sends.add(data)
    this.saw(branch, `sent ${data}`)
  }

  /** Runs to the end and tells the reference how that was. */
  async run(program: readonly Instruction[]): Promise<void> {
    try {
      await this.play(program)
      this.look()
    } catch (error) {
      if (error instanceof Gone || !this.page.alive || this.attempt.over) return new Promise(() => {})
      this.world.reference.failed(this.attempt)
      throw error
    }
  }

  /** To be called right after the session has recorded the end. */
  end(): void {
    if (!this.page.alive || this.attempt.over) return
    this.world.reference.ended(this.attempt, this.world.look().seq)
  }
}

/** A handler whose end is noticed right after the session has noticed it. */
function noticed<T>(player: Player, work: Promise<T>): Promise<T> {
  queueMicrotask(() => {
    void work.then(
      () => player.end(),
      () => {},
    )
  })
  return work
}

function timeoutOf({ timeout }: { readonly timeout?: number }): { timeout?: number } {
  return timeout === undefined ? {} : { timeout }
}

function build(world: World, scenario: Scenario) {
  const { steps, fans, pair, lost } = scenario
  const options = {
    on: Go,
    asks: [Question],
    emits: [Sent, Ended],
    retry: { attempts: 60, delay: 10 },
  } as const
  const playing = <T>(
    ctx: unknown,
    name: string,
    program: readonly Instruction[] = [],
    last: () => T,
  ): Promise<T> => {
    const player = new Player(world, ctx as Ctx, name, scenario)
    return noticed(player, player.run(program).then(last))
  }
  const handler = (index: number) => (ctx: unknown) =>
    playing(ctx, `step${index}`, steps[index], () => Ended(`step${index}`))
  const extra = fans.length + (pair.length > 0 ? 1 : 0) + (lost.length > 0 ? 1 : 0)
  const base = defineWorkflow({
    name: 'random',
    version: 1,
    start: Go,
    stop: Done,
    events: [Nudge],
    skip: ['deadEnd', 'unconsumed', 'unproduced', 'unreachable', 'stop'],
  })
    .step('sink', { on: Sent, workers: 2 }, (ctx, { data }) => {
      const player = new Player(world, ctx, `sink ${data}`, scenario)
      return noticed(player, player.run([{ do: 'increment', path: `sink.${data.replaceAll('.', '_')}` }]))
    })
    .step('end', { on: Ended, emits: [Done], workers: 1 }, async (ctx, event) => {
      const all = await ctx.collect(
        event,
        Array.from({ length: steps.length + extra }, () => Ended),
      )
      // Everything that was sent before is on its way to the sink, in front of this.
      if (all) await ctx.sleep(1000)
      return all && Done('done')
    })
    .step('fan', { on: Go, emits: [Open] }, () =>
      fans.length === 0 ? undefined : fans.map((_, index) => Open(String(index))),
    )
    .step('open', { on: Open, emits: [Branch] }, (_, { data }) =>
      (fans[Number(data)] ?? []).map((__, index) => Branch(`${data}.${index}`)),
    )
    .step('branch', { ...options, on: Branch, emits: [Sent, Joined], workers: 2 }, (ctx, { data }) => {
      const [fan, index] = data.split('.').map(Number)
      return playing(ctx, `branch ${data}`, fans[fan ?? 0]?.[index ?? 0], () => Joined(data))
    })
    .step('joined', { on: gather(Joined), emits: [Ended] }, (_, members) => {
      const places = members.map((it) => it.data)
      const fan = fans.findIndex((it, index) =>
        sameText(
          places,
          it.map((_branch, at) => `${index}.${at}`),
        ),
      )
      if (fan < 0) world.reference.complain(`gathered ${JSON.stringify(places)}`)
      return Ended('fan')
    })
    .step('left', { ...options, emits: [Sent, Left] }, (ctx) =>
      pair.length === 0 ? undefined : playing(ctx, 'left', pair[0], () => Left()),
    )
    .step('right', { ...options, emits: [Sent, Right] }, (ctx) =>
      pair.length === 0 ? undefined : playing(ctx, 'right', pair[1], () => Right()),
    )
    .step('both', { ...options, on: allOf(Left, Right) }, (ctx) =>
      playing(ctx, 'both', pair[2], () => Ended('pair')),
    )
    .step('lost', { ...options, retry: { attempts: 2, delay: 10 }, catchError: 'rescue' }, (ctx) =>
      lost.length === 0
        ? undefined
        : playing(ctx, 'lost', [...(lost[0] ?? []), { do: 'throw', until: 9 }], () => Ended('lost')),
    )
    .step('rescue', { ...options, on: StepFailed }, (ctx) =>
      playing(ctx, 'rescue', lost[1], () => Ended('lost')),
    )
    .step('step0', options, handler(0))
  return steps.reduce<typeof base>(
    (workflow, _, index) =>
      index === 0
        ? workflow
        : (workflow.step(`step${index}` as 'any', options, handler(index)) as unknown as typeof base),
    base,
  )
}

export interface Played {
  readonly wrong: readonly string[]
  readonly crashes: number
  /** The whole session at its end. */
  readonly json: string
}

/** Plays a scenario to its end. Says what went wrong. */
export async function play(scenario: Scenario): Promise<Played> {
  const world = new World()
  const { reference, clock } = world
  const names = [...waitsOf(scenario)]
  let inner = memoryStorage()
  let ids = 0
  let crashes = 0
  let operations = Infinity
  let lands = false
  let died: () => void = () => {}
  let death: Promise<'died'> = new Promise(() => {})
  let engine = createEngine({ clock })

  const die = (): void => {
    world.page.alive = world.page.online = false
    died()
  }
  const late = async <T>(call: Promise<T>): Promise<T> => {
    const result = await call
    for (let ticks = 0; ticks < scenario.lag; ticks++) await Promise.resolve()
    return result
  }
  const operation = <T>(page: Page, call: () => Promise<T>): Promise<T> => {
    if (!page.online) return new Promise(() => {})
    if (--operations > 0) return late(call())
    page.online = false
    if (lands) void call().then(die, die)
    else die()
    return new Promise(() => {})
  }
  const storage = (page: Page): SessionStorage => {
    const target = inner
    return {
      ...target,
      read: (id) => operation(page, () => target.read(id)),
      claim: (...args) => operation(page, () => target.claim(...args)),
      append: (...args) => operation(page, () => target.append(...args)),
      compact: (...args) => operation(page, () => target.compact(...args)),
    }
  }
  /** Opens the next page, and another one if that page dies while it opens. */
  const open = async (): Promise<void> => {
    for (;;) {
      const page: Page = { alive: true, online: true, session: undefined }
      world.page = page
      death = new Promise((resolve) => (died = () => resolve('died')))
      engine = createEngine({
        storage: storage(page),
        clock,
        ids: () => `id-${++ids}`,
        ...(scenario.compact && { serializer: heavy }),
      })
      const opened = await Promise.race([engine.open(build(world, scenario)), death])
      if (opened === 'died') {
        await bury()
        continue
      }
      page.session = opened
      compare('opened again')
      if (opened.status === 'idle') opened.run().catch(() => {})
      return
    }
  }
  const bury = async (): Promise<void> => {
    crashes++
    world.settle(() => true)
    world.page.alive = world.page.online = false
    crash(engine)
    operations = Infinity
    inner = inner.restart()
    const stored = await inner.read('random')
    reference.crashed(stored?.head.seq ?? 0, world.look())
  }
  const compare = (when: string): void => {
    const actual = JSON.stringify(ordered(world.page.session?.state.get()))
    const expected = JSON.stringify(ordered(reference.state))
    if (actual !== expected) reference.complain(`${when}: the state is ${actual}, it should be ${expected}`)
  }
  const act = async (it: Action): Promise<void> => {
    const session = world.page.session as Random
    switch (it.act) {
      case 'advance':
        return clock.advance(it.ms)
      case 'type':
        for (const write of it.writes) type(world, write)
        return
      case 'reply': {
        const { asks } = session
        const ask = asks[it.pick % Math.max(1, asks.length)]
        if (ask) void ask.reply(it.value)
        return
      }
      case 'nudge':
        void session.send(Nudge({ for: names[it.pick % Math.max(1, names.length)] ?? '', value: it.value }))
        return
      case 'look':
        return void JSON.stringify(session.toJSON())
      case 'crash':
        die()
        return
      case 'die':
        operations = it.operation
        lands = it.lands
        return
      case 'close': {
        world.page.alive = false
        await Promise.race([session.close(), death])
        await bury()
        return open()
      }
    }
  }

  await open()
  for (const it of scenario.actions) {
    await act(it)
    await clock.advance(0)
    if (!world.page.alive) {
      await bury()
      await open()
    } else compare(JSON.stringify(it))
    if (reference.wrong.length > 0) return { wrong: reference.wrong, crashes, json: '' }
  }
  operations = Infinity
  // From here on nothing fails any more, and every ask is answered.
  for (let round = 0; round < 100 && world.page.session?.status !== 'completed'; round++) {
    const session = world.page.session as Random
    for (const ask of session.asks) void ask.reply(`calm ${String(ask.data)}`)
    for (const name of names) void session.send(Nudge({ for: name, value: 'calm' }))
    await clock.advance(200)
    compare('calm')
    if (reference.wrong.length > 0 || session.status === 'failed') break
  }
  const json = await finish(world, reference, inner, scenario)
  return { wrong: reference.wrong, crashes, json }
}

async function finish(
  world: World,
  reference: Reference,
  inner: ReturnType<typeof memoryStorage>,
  scenario: Scenario,
): Promise<string> {
  const session = world.page.session as Random
  if (reference.wrong.length > 0) return ''
  if (session.status !== 'completed')
    reference.complain(`it is ${session.status}: ${session.error?.message ?? 'it never ends'}`)
  const state = session.state.get() as { sink?: Record<string, number> }
  const got = Object.entries(state.sink ?? {}).map(([key, times]) => `${key} x ${times}`)
  const sent = reference.sends.map((it) => `${it.replaceAll('.', '_')} x 1`)
  if (JSON.stringify(got.sort(byText)) !== JSON.stringify(sent.sort(byText)))
    reference.complain(`sent ${JSON.stringify(sent)}, delivered ${JSON.stringify(got)}`)
  const json = JSON.stringify(session.toJSON())
  await session.close()
  world.page = { alive: true, online: true, session: undefined }
  const again = await createEngine({
    storage: inner,
    clock: world.clock,
    ...(scenario.compact && { serializer: heavy }),
  }).open(build(world, scenario))
  if (JSON.stringify(again.toJSON()) !== json)
    reference.complain(`stored is ${JSON.stringify(again.toJSON())}, it was ${json}`)
  return json
}

/** A person's write; without effect when there is nothing to delete. */
function type(world: World, it: Instruction): void {
  const { state } = world.page.session as Random
  const { reference } = world
  const now = (): number => world.look().seq
  const value = 'path' in it ? (state.get(it.path) as Value | undefined) : undefined
  switch (it.do) {
    case 'set':
      state.set(it.path, it.value)
      return reference.typed(now(), ['set', it.path, it.value])
    case 'increment':
      state.set(it.path, (Number(value ?? 0) || 0) + 10)
      return reference.typed(now(), ['set', it.path, (Number(value ?? 0) || 0) + 10])
    case 'text':
      state.append(it.path, 'U')
      return reference.typed(now(), ['text', it.path, 'U'])
    case 'item':
      state.append(it.path, { by: 'user' })
      return reference.typed(now(), ['item', it.path, { by: 'user' }])
    case 'delete':
      if (value === undefined) return
      state.delete(it.path)
      return reference.typed(now(), ['delete', it.path])
    default:
  }
}

function* waitsOf({ steps, fans, pair, lost }: Scenario): Generator<string> {
  function* inside(program: readonly Instruction[]): Generator<string> {
    for (const it of program) {
      if (it.do === 'wait') yield it.name
      if (it.do === 'branch') yield* inside([...it.yes, ...it.no])
      if (it.do === 'all') yield* inside([...it.a, ...it.b])
    }
  }
  for (const program of [...steps, ...fans.flat(), ...pair, ...lost]) yield* inside(program)
}

/** Stored values that weigh so much that every append is followed by a snapshot. */
const heavy = {
  serialize: (value: unknown): unknown => ({ text: JSON.stringify(value), size: 400_000 }),
  deserialize: (stored: unknown): unknown => JSON.parse((stored as { text: string }).text),
}

function sameText(a: readonly string[], b: readonly string[]): boolean {
  return a.join() === b.join()
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function ordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => byText(a, b))
      .map(([key, it]) => [key, ordered(it)]),
  )
}
