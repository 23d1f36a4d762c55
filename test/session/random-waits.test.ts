import { expect, test } from 'vitest'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  DogearError,
  memoryStorage,
  TimeoutError,
  type Engine,
  type Session,
} from 'dogear'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { Answer, Done, flow, Go, Nudge, Question } from '../support/flows'
import { Page } from '../support/page'
import type { Any } from './random/subflow-world'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

/*
 * Steps that ask, wait and sleep at once, with deadlines and failures, in up to two tabs: which wait takes which event, and
 * when the time of each is up, beside a plain list of what is open.
 */

const Bell = defineEvent('bell')
const Ended = defineEvent('ended')

type Item =
  | {
      readonly do: 'wait'
      readonly type: 'nudge' | 'bell' | 'answer'
      readonly tag: number | undefined
      readonly timeout: number | undefined
    }
  | { readonly do: 'ask'; readonly timeout: number | undefined }
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'ring' }
  | { readonly do: 'fail'; readonly until: number }

const types = { nudge: Nudge, bell: Bell, answer: Answer } as const
const DELAY = 7919

function build(scripts: readonly (readonly Item[])[]) {
  const base = defineWorkflow({
    ...flow,
    events: [Nudge, Bell],
    skip: ['deadEnd', 'unconsumed', 'unproduced', 'unreachable', 'stop'],
  })
    .step('sink', { on: Nudge, workers: 1 }, async (ctx, { data }) => {
      await ctx.state.append('sink', (data as { n: number }).n)
    })
    .step(
      'end',
      { on: Ended, emits: [Done] },
      async (ctx, event) =>
        (await ctx.collect(
          event,
          scripts.map(() => Ended),
        )) && Done('done'),
    )
  return scripts.reduce<typeof base>(
    (all, script, at) =>
      all.step(
        `w${at}` as 'any',
        {
          on: Go,
          asks: [Question],
          emits: [Ended, Bell],
          retry: { attempts: 50, delay: DELAY + at },
        } as never,
        (async (ctx: Any) => {
          for (const it of script) {
            let got: unknown
            if (it.do === 'fail') {
              if (ctx.attempt <= it.until) throw new Error('on purpose')
              continue
            }
            try {
              const limit = 'timeout' in it && it.timeout !== undefined ? { timeout: it.timeout } : {}
              if (it.do === 'sleep') got = (await ctx.sleep(it.ms), 'slept')
              else if (it.do === 'ask') got = (await ctx.ask(Question(at), limit)).data.n
              else if (it.do === 'ring') {
                ctx.send(Bell())
                got = (await ctx.commit(), 'rang')
              } else {
                const { tag } = it
                const where = tag === undefined ? {} : { where: ({ data }: Any) => data?.tag === tag }
                got = (await ctx.waitFor(types[it.type], { ...where, ...limit })).data?.n ?? 'bell'
              }
            } catch (error) {
              if (!(error instanceof TimeoutError)) throw error
              got = 'late'
            }
            await ctx.state.append(`log.w${at}`, { got })
          }
          return Ended()
        }) as never,
      ) as unknown as typeof base,
    base as never,
  )
}

interface Open {
  readonly step: number
  /** When it was opened, counted. */
  readonly age: number
  readonly item: Item
  readonly due: number | undefined
}

class Model {
  now: number
  readonly scripts: readonly (readonly Item[])[]
  readonly log: unknown[][]
  readonly kept: number[]
  readonly at: number[]
  readonly attempt: number[]
  open: Open[] = []
  retries: { step: number; due: number; age: number }[] = []
  sink: number[] = []
  #age = 0

  constructor(scripts: readonly (readonly Item[])[], now: number) {
    this.scripts = scripts
    this.now = now
    this.log = scripts.map(() => [])
    this.kept = scripts.map(() => 0)
    this.at = scripts.map(() => 0)
    this.attempt = scripts.map(() => 1)
  }

  start(): void {
    this.scripts.forEach((_, step) => this.#go(step))
  }

  get over(): boolean {
    return this.at.every((it, step) => it >= this.scripts[step]!.length)
  }

  /** A step runs up to its next point. */
  #go(step: number): void {
    const script = this.scripts[step]!
    for (;;) {
      const item = script[this.at[step]!]
      if (item === undefined) return
      if (item.do === 'fail') {
        if (this.attempt[step]! <= item.until) {
          this.whole[step] = [...this.log[step]!]
          this.log[step]!.length = this.kept[step]!
          this.retries.push({ step, due: this.now + DELAY + step, age: ++this.#age })
          return
        }
        this.at[step]!++
        continue
      }
      this.kept[step] = this.log[step]!.length
      if (item.do === 'ring') {
        this.#done(step, 'rang')
        this.take('bell', undefined, undefined, 'bell', false)
        continue
      }
      const ms = item.do === 'sleep' ? item.ms : item.timeout
      this.open.push({ step, age: ++this.#age, item, due: ms === undefined ? undefined : this.now + ms })
      return
    }
  }

  #done(step: number, got: unknown): void {
    this.log[step]!.push(got)
    this.at[step]!++
  }

  answer(it: Open, got: unknown): void {
    if (this.open.includes(it)) this.open.splice(this.open.indexOf(it), 1)
    this.#done(it.step, got)
    this.#go(it.step)
  }

  take(
    type: string,
    tag: number | undefined,
    ask: number | undefined,
    got: unknown,
    outside = true,
  ): boolean {
    const found = this.claim(type, tag, ask, outside)
    if (found) this.answer(found, got)
    return found !== undefined
  }

  claim(type: string, tag: number | undefined, ask: number | undefined, outside = true): Open | undefined {
    const found = [...this.open]
      .sort((a, b) => a.age - b.age)
      .find(({ item, step }) => {
        if (ask !== undefined) return item.do === 'ask' && step === ask
        if (item.do === 'ask') return outside && type === 'answer'
        return item.do === 'wait' && item.type === type && (item.tag === undefined || item.tag === tag)
      })
    if (found) this.open.splice(this.open.indexOf(found), 1)
    return found
  }

  /** How long it takes until a second one is due. Of two at once, the one with less to repeat goes on first after a reload. */
  get alone(): number {
    const all = [...this.open, ...this.retries].flatMap(({ due }) => due ?? []).sort((a, b) => a - b)
    return Math.max(0, (all[1] ?? Infinity) - this.now - 1)
  }

  /** `away`: nobody looked at the clock meanwhile. */
  advance(ms: number, away: boolean): void {
    const until = this.now + ms
    if (away) this.now = until
    for (;;) {
      const due = [...this.open, ...this.retries]
        .filter((it) => it.due !== undefined && it.due <= until)
        .sort((a, b) => a.due! - b.due! || a.age - b.age)[0]
      if (!due) break
      if (!away) this.now = Math.max(this.now, due.due!)
      if ('item' in due) this.answer(due, due.item.do === 'sleep' ? 'slept' : 'late')
      else {
        this.retries.splice(this.retries.indexOf(due), 1)
        this.attempt[due.step]!++
        // What was rolled back is made again by the re-run.
        const { step } = due
        this.log[step] = this.whole[step]!.slice(0)
        this.#go(step)
      }
    }
    this.now = until
  }

  readonly whole: unknown[][] = []
}

async function play(seed: number): Promise<string[]> {
  const chance = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  let odd = 0
  const ms = (): number => Math.floor(chance() * 4000) * 64 + (odd = (odd + 1) % 64)
  const item = (): Item => {
    const timeout = chance() < 0.4 ? ms() : undefined
    switch (pick(['wait', 'wait', 'wait', 'ask', 'ask', 'sleep', 'ring', 'fail'])) {
      case 'wait': {
        const type = pick(['nudge', 'nudge', 'bell', 'answer'] as const)
        return {
          do: 'wait',
          type,
          tag: type !== 'bell' && chance() < 0.5 ? pick([1, 2]) : undefined,
          timeout,
        }
      }
      case 'ask':
        return { do: 'ask', timeout }
      case 'sleep':
        return { do: 'sleep', ms: ms() }
      case 'ring':
        return { do: 'ring' }
      default:
        return { do: 'fail', until: 0 }
    }
  }
  let scripts: Item[][] = Array.from({ length: 1 + Math.floor(chance() * 3) }, () =>
    Array.from({ length: 1 + Math.floor(chance() * 7) }, item),
  )
  // Each failing place of a step fails in one attempt more than the one before it.
  scripts = scripts.map((script) => {
    let until = 0
    const made = script.map((it): Item => (it.do === 'fail' ? { do: 'fail', until: ++until } : it))
    // Which of two steps goes on first after that is open.
    return made.filter((it, at) => it.do !== 'ring' || at === made.length - 1)
  })
  const clock = virtualClock()
  const tabs = virtualTabs()
  let storage = memoryStorage()
  const box = new Map<string, string>()
  const workflow = build(scripts)
  const wrong: string[] = []
  let ids = 0
  let n = 0
  let open: { engine: Engine; session: Session<Any>; page: Page }[] = []
  const model = new Model(scripts, clock.now())
  const enter = (): void => {
    const page = new Page(box)
    const engine = createEngine({
      storage,
      clock,
      page,
      ...tabs,
      ids: () => `id-${++ids}`,
      onError: (error) => void wrong.push(`told ${String(error)}`),
    })
    const session = engine.session(workflow) as unknown as Session<Any>
    session.ready.catch(() => {})
    open.push({ engine, session, page })
  }
  enter()
  await clock.advance(0)
  void open[0]!.session.run().catch(() => {})
  await clock.advance(0)
  model.start()
  const settle = async (time: number, away = false): Promise<void> => {
    await clock.advance(time)
    model.advance(time, away)
  }
  const trail: string[] = []
  const check = (): void => {
    const isOver = model.over
    for (const { session, engine: _ } of open) {
      const log = (session.state.get('log') ?? {}) as Record<string, unknown[]>
      const is = JSON.stringify(
        scripts.map((__, step) => (log[`w${step}`] ?? []).map((it) => (it as { got: unknown }).got)),
      )
      const should = JSON.stringify(model.log)
      if (is !== should) wrong.push(`${session.role}: the log is ${is}, not ${should}`)
      const sink = JSON.stringify(session.state.get('sink') ?? [])
      if (sink !== JSON.stringify(model.sink))
        wrong.push(`${session.role}: the sink is ${sink}, not ${JSON.stringify(model.sink)}`)
      const asks = session.asks.map((it) => [it.data, it.deadline ?? null])
      const due = isOver
        ? []
        : model.open
            .filter((it) => it.item.do === 'ask')
            .sort((a, b) => a.age - b.age)
            .map((it) => [it.step, it.due ?? null])
      if (JSON.stringify(asks) !== JSON.stringify(due))
        wrong.push(`${session.role}: asks ${JSON.stringify(asks)}, not ${JSON.stringify(due)}`)
      const status = isOver ? 'completed' : 'waiting'
      if (session.status !== status)
        wrong.push(`${session.role} is ${session.status}, not ${status}: ${session.error?.message}`)
    }
  }
  const flushed = async (): Promise<void> => {
    await Promise.all(open.map((it) => Promise.race([it.session.flush(), clock.advance(0).then(() => {})])))
  }
  for (let turn = 0; turn < 40 && wrong.length === 0 && !model.over; turn++) {
    const { session, engine, page } = pick(open)
    const what = pick([
      'nudge',
      'nudge',
      'nudge',
      'bell',
      'bell',
      'answer',
      'reply',
      'reply',
      'reply',
      'later',
      'later',
      'later',
      'reload',
      'away',
      'enter',
      'takeOver',
      'leave',
      'twice',
    ])
    trail.push(what)
    let told: boolean | undefined
    let should: boolean | undefined
    const hear = (it: Promise<boolean>): void =>
      void it.then(
        (yes) => (told = yes),
        (error: Error) => wrong.push(`${what} rejected ${error.message}`),
      )
    try {
      if (what === 'nudge') {
        const data = { n: ++n, tag: pick([1, 2, 3]) }
        hear(session.send(Nudge(data)))
        model.sink.push(data.n)
        model.take('nudge', data.tag, undefined, data.n)
        should = true
      } else if (what === 'twice' && session.role === 'leader') {
        const data = [
          { n: ++n, tag: pick([1, 2]) },
          { n: ++n, tag: pick([1, 2]) },
        ]
        for (const it of data) hear(session.send(Nudge(it)))
        await clock.advance(0)
        const found = data.map((it) => {
          model.sink.push(it.n)
          // A step that is answered opens its next wait a moment later.
          return [model.claim('nudge', it.tag, undefined), it.n] as const
        })
        for (const [it, got] of found) if (it) model.answer(it, got)
        should = true
      } else if (what === 'bell') {
        hear(session.send(Bell()))
        should = model.take('bell', undefined, undefined, 'bell')
      } else if (what === 'answer') {
        const data = { n: ++n, tag: pick([1, 2]) }
        hear(session.send(Answer(data)))
        should = model.take('answer', data.tag, undefined, data.n)
      } else if (what === 'reply') {
        const ask = pick(session.asks)
        if (ask) {
          hear(ask.reply({ n: ++n }))
          should = model.take('answer', undefined, ask.data as number, n)
        }
      } else if (what === 'later') await settle(Math.floor(chance() * 200_000))
      else if (what === 'enter') {
        if (open.length < 2) enter()
      } else if (what === 'takeOver') void session.takeOver().catch(() => {})
      else if (what === 'leave') {
        if (open.length > 1) {
          await flushed()
          page.hide()
          crash(engine)
          open = open.filter((it) => it.engine !== engine)
        }
      } else if (what === 'reload' || what === 'away') {
        await flushed()
        for (const it of open) crash(it.engine)
        open = []
        const time = what === 'away' ? Math.min(Math.floor(chance() * 200_000), model.alone) : 0
        await clock.advance(time)
        storage = storage.restart()
        enter()
        await clock.advance(0)
        model.advance(time, true)
      }
    } catch (error) {
      if (!(error instanceof DogearError)) throw error
      wrong.push(`${what} threw ${error.message}`)
    }
    await clock.advance(0)
    if (told !== should) wrong.push(`${what} was told ${told}, not ${should}`)
    check()
  }
  for (const it of open) crash(it.engine)
  return wrong.length > 0 ? [...wrong, JSON.stringify(scripts), trail.join()] : []
}

test('random steps that ask, wait and sleep at once / each event goes to the oldest wait that takes it, each deadline holds', async () => {
  expect(await failuresOf(30, play)).toEqual([])
}, 3_600_000)
