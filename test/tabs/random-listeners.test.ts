import { expect, test } from 'vitest'
import {
  createEngine,
  defineWorkflow,
  DogearError,
  memoryStorage,
  type AnySession,
  type Engine,
  type Session,
} from 'dogear'
import { crash, virtualClock, virtualTabs } from 'dogear/testing'
import { Done, flow, Go, Item, Question } from '../support/flows'
import { ears } from '../support/leaving'
import { Page } from '../support/page'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

/*
 * Listeners in every tab, on paths above, at and below what is written. Each is told when its value has changed, at once,
 * and never of a half-done transaction.
 */

const ROUNDS = 2
const PATHS = [
  '',
  'list',
  'list.0',
  'list.1.id',
  'list.2',
  'map',
  'map.a',
  'map.a.n',
  'pair',
  'pair.x',
  'text',
  'no.where',
] as const

interface Draft {
  list?: { id: string; n?: number }[]
  map?: Record<string, { n: number }>
  pair?: { x: number; y: number }
  text?: string
}
type Loose = {
  get(path?: string): unknown
  set(path: string, value: unknown): unknown
  append(path: string, value: unknown): unknown
  delete(path: string): unknown
  edit(recipe: (draft: Draft) => void | Promise<void>): unknown
  replace?(state: unknown): unknown
  batch?(run: () => void): unknown
}

/** A write to an item of a list that is gone makes an object: nothing says what was there. */
const lists = ({ list }: Draft): Draft['list'] => (Array.isArray(list) ? list : undefined)

/** A change by its number: always the same for the same. */
const changes: readonly ((state: Loose, n: number) => unknown)[] = [
  (it, n) => it.append('list', { id: `i${n}` }),
  (it, n) => it.append('list', { id: `i${n}`, n }),
  (it, n) => it.append('text', `${n};`),
  (it, n) => it.set('map.a', { n }),
  (it, n) => it.set('map.a.n', n % 3),
  (it, n) => it.set('map.b', { n: n % 2 }),
  (it) => it.delete('map.a'),
  (it) => it.get('list.0') !== undefined && it.delete('list.0'),
  (it) => it.get('list.1') !== undefined && it.delete('list.1'),
  (it, n) => it.get('list.1') !== undefined && it.set('list.1.id', `s${n}`),
  (it, n) => it.get('list.0') !== undefined && it.set('list.0', { id: `s${n}` }),
  (it, n) => it.edit((draft) => void (draft.pair = { x: n, y: n })),
  (it, n) =>
    it.edit((draft) => {
      const pair = (draft.pair ??= { x: 0, y: 0 })
      pair.x = n
      pair.y = n
    }),
  (it) => it.edit((draft) => void lists(draft)?.reverse()),
  (it) => it.edit((draft) => void lists(draft)?.sort((a, b) => (a.id < b.id ? -1 : 1))),
  (it) => it.edit((draft) => void lists(draft)?.shift()),
  (it, n) => it.edit((draft) => void lists(draft)?.splice(1, 1, { id: `p${n}` }, { id: `q${n}` })),
  (it) =>
    it.edit((draft) => {
      const last = lists(draft)?.pop()
      if (last) lists(draft)?.unshift(last)
    }),
  (it, n) => it.set('list', [{ id: `l${n}` }, { id: 'l' }]),
  // The same once more.
  (it) => it.set('map', { a: { n: 1 } }),
]

const pass = (clock: ReturnType<typeof virtualClock>, ms: number): Promise<void> =>
  new Promise((done) => void clock.setTimeout(done, ms))

type Act = readonly [what: 'write' | 'commit' | 'once' | 'sleep' | 'raw' | 'fail', n: number]

const rounds = (script: readonly (readonly Act[])[], clock: ReturnType<typeof virtualClock>) =>
  defineWorkflow({ ...flow, private: ['secret'] }).step(
    'round',
    { on: [Go, Item], asks: [Question], emits: [Item, Done], retry: { attempts: 3, delay: 50 } },
    async (ctx, event) => {
      const n = event.type === 'item' ? event.data : 0
      let key = 0
      const play = async (acts: readonly Act[]): Promise<void> => {
        for (const [what, no] of acts) {
          if (what === 'write') await changes[no % changes.length]!(ctx.state, no)
          if (what === 'commit') await ctx.commit()
          if (what === 'once') await ctx.once(`k${++key}`, () => pass(clock, 20))
          if (what === 'sleep') await ctx.sleep(30)
          if (what === 'raw') await pass(clock, 10)
          if (what === 'fail' && ctx.attempt < 2) throw new Error('on purpose')
        }
      }
      await play(script[2 * n]!)
      await ctx.ask(Question(n))
      await play(script[2 * n + 1]!)
      return n === ROUNDS ? Done(n) : Item(n + 1)
    },
  )

type Flow = ReturnType<typeof rounds>

const valueAt = (root: unknown, path: string): unknown =>
  path === ''
    ? root
    : path.split('.').reduce<unknown>((at, key) => {
        if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
        return (at as Record<string, unknown>)[key]
      }, root)

class Watch {
  readonly session: Session<Flow>
  readonly #state: Loose
  readonly #seen = new Map<string, unknown>()
  readonly #wrong: string[]
  #face: string

  constructor(session: Session<Flow>, wrong: string[]) {
    this.session = session
    this.#wrong = wrong
    this.#state = session.state
    for (const path of PATHS) this.#listen(path)
    this.#face = this.#look()
    session.subscribe(() => (this.#face = this.#look()))
  }

  #listen(path: string): void {
    this.#seen.set(path, this.#state.get(path))
    ;(this.session.state as unknown as { subscribe(p: string, l: () => void): void }).subscribe(path, () => {
      const value = this.#state.get(path)
      this.#seen.set(path, value)
      this.#whole(`when "${path}" is told`)
      if (!Object.is(valueAt(this.#state.get(''), path), value)) this.#wrong.push(`"${path}" is torn`)
    })
  }

  #whole(when: string): void {
    const { pair } = this.#state.get('') as Draft
    if (pair && pair.x !== pair.y) this.#wrong.push(`${when} the pair is ${JSON.stringify(pair)}`)
  }

  #look(): string {
    const it = this.session as unknown as AnySession
    const {
      status,
      asks,
      result,
      error,
      progress,
      persistence,
      role,
      resumed,
      orphans,
      missingResources,
      parent,
    } = it
    return JSON.stringify({
      status,
      asks: asks.map((ask) => ask.id),
      result,
      error: error?.message,
      progress,
      persistence: { ...persistence, error: persistence.error?.message },
      role,
      resumed,
      orphans,
      missingResources,
      parent,
    })
  }

  check(when: string): void {
    for (const [path, seen] of this.#seen) {
      const is = this.#state.get(path)
      if (!Object.is(is, seen)) {
        this.#wrong.push(
          `${when} (${this.session.status}, ${this.session.role}): nobody told "${path}" that ${JSON.stringify(seen)} is ${JSON.stringify(is)}`,
        )
        this.#seen.set(path, is)
      }
    }
    this.#whole(when)
  }

  checkFace(when: string): void {
    const is = this.#look()
    if (is !== this.#face) {
      this.#wrong.push(`${when}: nobody told of ${is}, it was ${this.#face}`)
      this.#face = is
    }
    const s = this.session
    for (const name of ['asks', 'retries', 'progress', 'persistence', 'error', 'resumed', 'result'] as const)
      if (!Object.is(s[name], s[name])) this.#wrong.push(`${when}: ${name} is another each time`)
  }
}

interface Tab {
  readonly engine: Engine
  readonly page: Page
  readonly hearing: ReturnType<typeof ears>
  watch: Watch
}

async function play(seed: number): Promise<string[]> {
  const chance = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const clock = virtualClock()
  const tabs = virtualTabs()
  const storage = memoryStorage()
  const box = new Map<string, string>()
  let ids = 0
  let n = 0
  const trail: string[] = []
  const wrong: string[] = []
  const kinds = ['write', 'write', 'write', 'write', 'commit', 'once', 'sleep', 'raw', 'fail'] as const
  const script = Array.from({ length: 2 * ROUNDS + 2 }, () =>
    Array.from({ length: Math.floor(chance() * 5) }, (): Act => [pick(kinds), Math.floor(chance() * 1000)]),
  )
  const open: Tab[] = []
  const show = (engine: Engine): Watch => {
    const session = engine.session(rounds(script, clock))
    session.ready.catch(() => {})
    return new Watch(session, wrong)
  }
  const enter = (): void => {
    const hearing = ears(tabs)
    const page = new Page(box)
    const engine = createEngine({
      storage,
      clock,
      page,
      ...tabs,
      channel: hearing.channel,
      ids: () => `id-${++ids}`,
      onError: () => {},
    })
    open.push({ engine, page, hearing, watch: show(engine) })
  }
  const end = (tab: Tab): void => void open.splice(open.indexOf(tab), 1)
  const act: { readonly [name: string]: (tab: Tab) => unknown } = {
    write: ({ watch: { session } }) => pick(changes)(session.state, ++n),
    batch({ watch: { session } }) {
      const state = session.state as unknown as Loose
      const all = [pick(changes), pick(changes), pick(changes)]
      const fails = chance() < 0.3
      try {
        state.batch!(() => {
          for (const it of all) it(state, ++n)
          if (fails) throw new Error('batch')
        })
      } catch (error) {
        if ((error as Error).message !== 'batch') throw error
      }
    },
    later({ watch: { session } }) {
      const made = ++n
      const ms = pick([0, 10, 40])
      Promise.resolve(
        (session.state as unknown as Loose).edit(async (draft) => {
          await pass(clock, ms)
          draft.pair = { x: made, y: made }
          lists(draft)?.reverse()
        }),
      ).catch(() => {})
    },
    replace: ({ watch: { session } }) =>
      (session.state as unknown as Loose).replace!({ list: [{ id: `r${++n}` }], pair: { x: n, y: n } }),
    secret: ({ watch: { session } }) => session.state.set('secret', `s${++n}`),
    run: ({ watch }) => void watch.session.run().catch(() => {}),
    retry: ({ watch }) => void watch.session.retry().catch(() => {}),
    reply: ({ watch }) => void watch.session.asks[0]?.reply('yes').catch(() => {}),
    enter: () => void (open.length < 3 && enter()),
    takeOver: ({ watch }) => void watch.session.takeOver().catch(() => {}),
    reset: ({ watch }) => watch.session.reset(),
    resetState: ({ watch }) => watch.session.state.reset(),
    cancel: ({ watch }) => watch.session.cancel(),
    resume: ({ watch }) => watch.session.resume(),
    pause: ({ watch }) => watch.session.pause(),
    step: ({ watch }) => void watch.session.step().catch(() => {}),
    back: ({ watch }) => watch.session.back(),
    forward: ({ watch }) => watch.session.forward(),
    rewind({ watch: { session } }) {
      const past = session.history().filter((it) => it.type !== 'snapshot')
      if (past.length > 0) session.rewind(pick(past).seq)
    },
    again(tab) {
      tab.watch.session.close().catch(() => {})
      tab.watch = show(tab.engine)
    },
    hang: ({ hearing }) => hearing.close(),
    wake: ({ hearing }) => hearing.open(),
    kill(tab) {
      crash(tab.engine)
      end(tab)
    },
    leave(tab) {
      tab.page.hide()
      crash(tab.engine)
      end(tab)
    },
  }
  const often = [
    'write',
    'write',
    'write',
    'write',
    'write',
    'batch',
    'batch',
    'later',
    'run',
    'reply',
    'reply',
    'resume',
  ]
  const rare = [
    'enter',
    'enter',
    'takeOver',
    'takeOver',
    'reset',
    'resetState',
    'cancel',
    'back',
    'forward',
    'rewind',
    'rewind',
    'again',
    'kill',
    'leave',
    'hang',
    'hang',
    'wake',
    'replace',
    'secret',
    'pause',
    'retry',
    'step',
  ]
  enter()
  for (let turn = 0; turn < 40 && wrong.length === 0; turn++) {
    if (open.length === 0) enter()
    const what = chance() < 0.7 ? pick(often) : pick(rare)
    const tab = pick(open)
    trail.push(`${what} ${open.indexOf(tab)}`)
    try {
      act[what]!(tab)
    } catch (error) {
      if (!(error instanceof DogearError)) throw error
    }
    // What is read is handed out, and copied at the next write: not always.
    if (chance() < 0.7) for (const it of open) it.watch.check(`turn ${turn}, right after ${what}`)
    await clock.advance(pick([0, 0, 1, 5, 30, 200, 1500, 6000]))
    if (chance() < 0.7) for (const it of open) it.watch.check(`turn ${turn}, after ${what}`)
    for (const it of open) it.watch.checkFace(`turn ${turn}, after ${what}`)
  }
  for (const it of open) it.hearing.open()
  await clock.advance(10_000)
  if (wrong.length > 0) return [...wrong, trail.join(), JSON.stringify(script)]
  for (const it of open) {
    it.watch.check('at the end')
    it.watch.checkFace('at the end')
  }
  const views = open.map((it) => {
    const { secret: _, ...rest } = it.watch.session.state.get() as { secret?: string }
    return JSON.stringify(rest)
  })
  if (new Set(views).size > 1) wrong.push(`the tabs differ: ${views.join(' | ')}`)
  for (const it of open) crash(it.engine)
  return wrong
}

test('random tabs with listeners / each is told when its value has changed, and never of half a transaction', async () => {
  expect(await failuresOf(40, play)).toEqual([])
}, 3_600_000)
