import { expect, test } from 'vitest'
import {
  createEngine,
  defineWorkflow,
  DogearError,
  memoryStorage,
  type Engine,
  type Session,
  type WorkflowEvent,
} from 'dogear'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { Done, flow, Go, Item, Question } from '../support/flows'
import { ears } from '../support/leaving'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

const ROUNDS = 2

/** Streams a number, asks, streams the next one, and goes round. No number is given twice. */
const rounds = (next: () => number) =>
  defineWorkflow({ ...flow }).step(
    'round',
    { on: [Go, Item], asks: [Question], emits: [Item, Done] },
    async (ctx, event) => {
      const n = event.type === 'item' ? event.data : 0
      ctx.stream(Item(next()))
      await ctx.ask(Question(n))
      ctx.stream(Item(next()))
      await ctx.state.append('rounds', n)
      return n === ROUNDS ? Done(n) : Item(n + 1)
    },
  )

type Flow = ReturnType<typeof rounds>

/** A loop over what a session shows. */
interface Loop {
  readonly follow: boolean
  readonly records: boolean
  /** How much the first loop of the session had seen when this one began. */
  readonly from: number
  /** It is left when it has seen so many. */
  readonly most: number
  readonly seen: WorkflowEvent[]
  ended: boolean
  /** Whether it has seen a run going on. */
  ran: boolean
}

interface Shown {
  readonly session: Session<Flow>
  /** The first sees everything from the opening on. */
  readonly loops: Loop[]
}

interface Tab {
  readonly engine: Engine
  readonly hearing: ReturnType<typeof ears>
  shown: Shown
}

const isOver = ({ status }: Session<Flow>): boolean =>
  ['idle', 'completed', 'failed', 'cancelled', 'stalled'].includes(status)

/** Plays one story of tabs in which sessions are watched, and answers with everything that is wrong in it. */
async function play(seed: number): Promise<string[]> {
  const chance = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const clock = virtualClock()
  const tabs = virtualTabs()
  const browser = { storage: memoryStorage(), clock, ...tabs }
  let given = 0
  let ids = 0
  const wrong: string[] = []
  const all: Shown[] = []
  const open: Tab[] = []

  const watch = ({ session, loops }: Shown, follow: boolean, records: boolean, most: number): void => {
    const loop: Loop = {
      follow,
      records,
      from: loops[0]?.seen.length ?? 0,
      most,
      seen: [],
      ended: false,
      ran: false,
    }
    loops.push(loop)
    void (async () => {
      for await (const event of session.events({ follow, records })) if (loop.seen.push(event) >= most) break
      loop.ended = true
    })()
  }
  const show = (engine: Engine): Shown => {
    const shown: Shown = { session: engine.session(rounds(() => ++given)), loops: [] }
    all.push(shown)
    watch(shown, true, true, Infinity)
    return shown
  }
  const enter = (): void => {
    const hearing = ears(tabs)
    const { channel } = hearing
    const engine = createEngine({ ...browser, channel, ids: () => `id-${++ids}`, onError: () => {} })
    open.push({ engine, hearing, shown: show(engine) })
  }
  const act: { readonly [name: string]: (tab: Tab) => unknown } = {
    watch({ shown }) {
      // What is not loaded may be over, and its next run is awaited then.
      const follow = chance() < 0.4 || shown.session.status === 'loading'
      watch(shown, follow, chance() < 0.4, pick([1, 3, Infinity, Infinity]))
    },
    run: ({ shown }) => void shown.session.run().catch(() => {}),
    reply: ({ shown }) => void shown.session.asks[0]?.reply('yes').catch(() => {}),
    type: ({ shown }) => shown.session.state.append('text', 'x'),
    enter: () => void (open.length < 3 && enter()),
    takeOver: ({ shown }) => void shown.session.takeOver().catch(() => {}),
    reset: ({ shown }) => shown.session.reset(),
    cancel: ({ shown }) => shown.session.cancel(),
    resume: ({ shown }) => shown.session.resume(),
    back: ({ shown }) => shown.session.back(),
    rewind({ shown: { session } }) {
      const past = session.history().filter((it) => it.type !== 'snapshot')
      if (past.length > 0) session.rewind(pick(past).seq)
    },
    again(tab) {
      tab.shown.session.close().catch(() => {})
      tab.shown = show(tab.engine)
    },
    hang: ({ hearing }) => hearing.close(),
    wake: ({ hearing }) => hearing.open(),
    kill(tab) {
      crash(tab.engine)
      open.splice(open.indexOf(tab), 1)
    },
  }
  const often = ['watch', 'watch', 'watch', 'run', 'run', 'reply', 'reply', 'reply', 'type', 'resume']
  const rare = [
    'enter',
    'enter',
    'takeOver',
    'takeOver',
    'takeOver',
    'reset',
    'cancel',
    'back',
    'rewind',
    'again',
    'kill',
    'hang',
    'hang',
    'hang',
    'wake',
  ]
  for (let turn = 0; turn < 40; turn++) {
    if (open.length === 0) enter()
    try {
      act[chance() < 0.75 ? pick(often) : pick(rare)]!(pick(open))
    } catch (error) {
      // While a session is being loaded, some of it is refused.
      if (!(error instanceof DogearError)) throw error
    }
    await clock.advance(pick([0, 0, 5, 200, 6000]))
    for (const { shown } of open)
      for (const loop of shown.loops) {
        const over = isOver(shown.session)
        if (over && loop.ran && !loop.follow && !loop.ended)
          wrong.push(`a loop goes on while the session is ${shown.session.status}`)
        loop.ran ||=
          !loop.ended && !over && shown.session.status !== 'loading' && shown.session.status !== 'paused'
      }
  }
  const live = open.map(({ shown }) => shown)
  for (const { engine } of open) engine.close().catch(() => {})
  await clock.advance(10_000)
  for (const shown of all) check(shown, live.includes(shown))
  return wrong

  function check({ loops }: Shown, closed: boolean): void {
    const everything = loops[0]!.seen
    const numbers = everything.filter((it) => it.type === 'item').map((it) => Number(it.data))
    if (numbers.some((it, at) => at > 0 && it <= numbers[at - 1]!)) wrong.push(`streamed ${numbers.join()}`)
    const records = everything
      .filter((it) => it.type === 'record')
      .map((it) => (it.data as { seq: number }).seq)
    // What is typed in a row is one record.
    if (records.some((it, at) => at > 0 && it - records[at - 1]! > 1)) wrong.push(`records ${records.join()}`)
    for (const { from, follow, records: wanted, most, seen, ended, ran } of loops) {
      const shown = everything.slice(from).filter((it) => wanted || it.type !== 'record')
      const end = shown.findIndex((it) => ['done', 'failed', 'cancelled', 'stalled'].includes(it.type))
      const should = shown.slice(0, Math.min(most, follow || end < 0 ? Infinity : end + 1))
      // A loop that begins after the end sees nothing.
      if (seen.length > 0 || follow || ran) {
        if (JSON.stringify(seen) !== JSON.stringify(should))
          wrong.push(`a loop saw ${JSON.stringify(seen)}, not ${JSON.stringify(should)}`)
      } else if (!ended && closed) wrong.push('a loop goes on after the close')
    }
  }
}

test('random tabs in which sessions are watched / each loop sees everything once, in order, and ends with its run', async () => {
  expect(await failuresOf(150, play)).toEqual([])
}, 3_600_000)
