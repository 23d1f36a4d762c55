import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  DogearError,
  memoryStorage,
  type AnyWorkflow,
  type Engine,
  type Session,
} from '../../../src/index'
import { crash, virtualClock, virtualTabs } from '../../../src/testing'
import { Page } from '../../support/page'
import { random } from '../../support/random'
import { fewer } from './fewer'
import { ordered, type Any } from './subflow-world'

/*
 * A session with a strict schema in up to two tabs: people and steps write at random, steps fail, somebody goes back, and
 * tabs come and go. Whatever happens, the state is what its schema makes of it, or no load would take it any more. So are
 * that of a sub-flow, flow state, copies of the session, and the state that newer code with a stricter schema makes of it.
 */

const Go = defineEvent('go')
const Done = defineEvent('done')
const Answer = defineEvent('answer')
const Question = defineEvent('question', z.number(), { reply: Answer })
const Nudge = defineEvent('nudge')

/** Defaults, records, choices, a check of a whole object, and what must be there as soon as its parent is. */
const State = z.object({
  count: z.number().default(0),
  draft: z.object({ text: z.string().default(''), tags: z.array(z.string()).default([]) }).optional(),
  owner: z.object({ id: z.string(), name: z.string().default('') }).optional(),
  items: z.array(z.object({ id: z.string(), tags: z.array(z.string()).default([]) })).default([]),
  carts: z.record(z.string(), z.object({ id: z.string(), size: z.number().default(0) })).default({}),
  choice: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('text'), text: z.string() }),
      z.object({ kind: z.literal('size'), size: z.number(), unit: z.string().default('cm') }),
    ])
    .optional(),
  range: z
    .object({ from: z.number(), to: z.number() })
    .refine((it) => it.from <= it.to)
    .default({ from: 0, to: 0 }),
  exact: z
    .strictObject({ a: z.string(), b: z.string().default('b') })
    .nullable()
    .optional(),
  deep: z
    .object({
      in: z.object({ a: z.string().default('a'), b: z.string().optional() }).optional(),
      z: z.string().default('z'),
    })
    .optional(),
  login: z.object({ pin: z.string().default(''), who: z.string() }).optional(),
})

/** That of newer code. */
const Stricter = State.extend({
  items: z
    .array(z.object({ id: z.string(), tags: z.array(z.string()).default([]), made: z.number() }))
    .default([]),
  range: z
    .object({ from: z.number(), to: z.number() })
    .refine((it) => it.from === 0 && it.to >= 0)
    .default({ from: 0, to: 0 }),
  draft: z.object({ text: z.string().default('') }).default({ text: '' }),
})

const schemaOf = (version: number): z.ZodType => (version === 1 ? State : Stricter)

/** The second version is stricter; those after it are the same. */
const migrations = {
  2: ({ draft, items, range, ...rest }: Any) => ({
    ...{ ...rest, draft: { text: draft?.text ?? '' }, range: { from: 0, to: Math.max(0, range.to) } },
    items: items.map((it: Any) => ({ ...it, made: 2 })),
  }),
  ...Object.fromEntries(Array.from({ length: 40 }, (_, at) => [at + 3, (state: unknown) => state])),
}

type Write = readonly [call: 'set' | 'append' | 'delete' | 'reset', path?: string, value?: unknown]

/** A write with a word and a number that are in no other. */
const writes = (word: string, n: number, at: number, key: string): readonly Write[] => [
  ['set', 'count', n],
  ['set', 'draft', { text: word }],
  ['set', 'draft.text', word],
  ['append', 'draft.tags', word],
  ['delete', 'draft'],
  ['set', 'draft.tags', []],
  ['set', 'owner', { id: word, name: word }],
  ['set', 'owner.name', word],
  ['append', 'owner.name', '+'],
  ['set', 'owner.id', word],
  ['delete', 'owner'],
  ['append', 'items', { id: word }],
  ['set', `items.${at}.id`, word],
  ['append', `items.${at}.tags`, word],
  ['set', `items.${at}`, { id: word, tags: ['x'] }],
  ['delete', `items.${at}`],
  ['set', 'items', []],
  ['set', `carts.${key}`, { id: word }],
  ['set', `carts.${key}.size`, n],
  ['delete', `carts.${key}`],
  ['set', 'carts', {}],
  ['set', 'choice', { kind: 'text', text: word }],
  ['set', 'choice', { kind: 'size', size: 1 }],
  ['set', 'choice.text', word],
  ['set', 'choice.size', n],
  ['set', 'choice.kind', 'size'],
  ['delete', 'choice'],
  ['set', 'range', { from: 1, to: n + 1 }],
  ['set', 'range.from', n],
  ['set', 'range.to', n],
  ['set', 'range.to', 1],
  ['set', 'range.from', 0],
  ['set', 'exact', { a: word }],
  ['set', 'exact.a', word],
  ['set', 'exact.b', word],
  ['delete', 'exact'],
  ['set', 'exact', null],
  ['set', 'deep.in.a', word],
  ['set', 'deep.in.b', word],
  ['delete', 'deep.in.b'],
  ['delete', 'deep.in'],
  ['set', 'deep.z', word],
  ['delete', 'deep'],
  ['set', 'login', { who: word, pin: word }],
  ['set', 'login.pin', word],
  ['set', 'login.who', word],
  ['delete', 'login'],
]

/** By the field that each changes. */
const edits: Readonly<Record<string, (draft: Any) => void>> = {
  'draft text': (it) => (it.draft ? (it.draft.text = 'edited') : (it.draft = { tags: ['edited'] })),
  'owner name': (it) => it.owner && (it.owner.name = 'edited'),
  'items tag': (it) => it.items[0]?.tags.push('edited'),
  'items more': (it) => it.items.push({ id: 'edited' }),
  'items shift': (it) => it.items.shift(),
  'items turn': (it) => it.items.reverse(),
  'carts size': (it) => (it.carts.a ? it.carts.a.size++ : (it.carts.a = { id: 'edited' })),
  'choice size': (it) => it.choice?.kind === 'size' && (it.choice.size = 7),
  'range wider': (it) => (it.range.to += 5),
  'range narrower': (it) => it.range.from++,
  'exact b': (it) => it.exact && (it.exact.b = 'edited'),
  'deep inner': (it) => it.deep?.in && (it.deep.in.b = 'edited'),
  'deep anew': (it) => it.deep && (it.deep.in = {}),
  'login who': (it) => it.login && (it.login.who = 'edited'),
  'login anew': (it) => it.login && (it.login = { ...it.login, who: 'edited' }),
  'owner none': (it) => {
    delete it.owner
    delete it.draft
  },
}

/** What a step or a person does. */
export interface Act {
  readonly act: string
  readonly writes?: readonly Write[]
  readonly edit?: string
  /** It is a change of flow state. */
  readonly flow?: boolean
  /** From 0 to below 1: which tab, and which of several. */
  readonly roll: number
  /** Milliseconds that go by after it; without them not even what is ready runs. */
  readonly rest?: number
}

export interface Script {
  readonly acts: readonly Act[]
  /** The step of the run, the one that a nudge starts, and that of the sub-flow. */
  readonly steps: readonly (readonly Act[])[]
}

const often = ['write', 'write', 'write', 'write', 'write', 'write', 'edit', 'later', 'reply', 'reply', 'run']
const rare = ['back', 'back', 'forward', 'rewind', 'cancel', 'nudge', 'enter', 'enter', 'leave', 'kill']
const rarest = ['takeOver', 'reset', 'batch']
const inStep = ['write', 'write', 'write', 'write', 'edit', 'later', 'ask', 'ask', 'commit', 'throw', 'sleep']

export function acts(seed: number): Script {
  const roll = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(roll() * list.length)] as T
  const chance = (share: number): boolean => roll() < share
  let words = 0
  const [flow, sub, copies, deploys] = [chance(0.3), chance(0.3), chance(0.3), chance(0.3)]
  const unusual = [...rarest, ...(copies ? ['fork', 'import'] : []), ...(deploys ? ['deploy', 'deploy'] : [])]
  // Few fields, so that they meet.
  const fields = Array.from({ length: 2 }, () => pick(Object.keys(State.shape)))
  const known = (name = ''): boolean => fields.includes(name.split(/[ .]/)[0] as string)
  const write = (): Write => {
    const all = writes(`w${++words}`, words, Math.floor(roll() * 3), pick(['a', 'b', '1']))
    return pick([['reset'], ...all.filter(([, path]) => known(path))])
  }
  const act = (name: string): Act => ({
    act: name,
    ...(name === 'write' && { writes: [write()] }),
    ...(name === 'batch' && { writes: [write(), write(), write()] }),
    ...((name === 'edit' || name === 'later') && {
      edit: pick(['draft text', ...Object.keys(edits).filter(known)]),
    }),
    ...(flow && chance(0.4) && { flow }),
    roll: Math.floor(roll() * 100) / 100,
    ...(chance(0.5) && { rest: pick([0, 0, 20, 300]) }),
  })
  const any = (): string => pick(chance(0.75) ? often : chance(0.8) ? rare : unusual)
  const step = (names: readonly string[]): Act[] => Array.from({ length: 6 }, () => act(pick(names)))
  return {
    acts: Array.from({ length: 40 }, () => act(any())),
    steps: [step(sub ? [...inStep, 'sub', 'sub'] : inStep), step(inStep), sub ? step(inStep) : []],
  }
}

/** Every script that is a piece smaller. */
export function* fewerActs(it: Script): Generator<Script> {
  for (const acts of fewer(it.acts)) yield { ...it, acts }
  for (const [n, step] of it.steps.entries())
    for (const acts of fewer(step)) yield { ...it, steps: it.steps.with(n, acts) }
  for (const [n, { rest, ...act }] of it.acts.entries())
    if (rest !== undefined) yield { ...it, acts: it.acts.with(n, act) }
}

interface Tab {
  readonly engine: Engine
  readonly page: Page
  readonly session: Session<Any>
  readonly version: number
}

/** Plays a script, and answers with what is wrong. */
export async function strict({ acts: all, steps }: Script): Promise<readonly string[]> {
  const clock = virtualClock()
  const pass = (ms: number): Promise<void> => new Promise((done) => void clock.setTimeout(done, ms))
  const storage = memoryStorage()
  const tabs = virtualTabs()
  const box = new Map<string, string>()
  const wrong: string[] = []
  let open: Tab[] = []
  let ids = 0
  let id = 'session-0'
  let copies = 0
  let version = 1
  const complain = (what: string): void => void (wrong.length < 3 && wrong.push(what))

  const change = (state: Any, { act, writes: all = [], edit = '', roll }: Act): unknown => {
    const recipe = edits[edit] as (draft: Any) => void
    const put = ([call, ...args]: Write): unknown => state[call](...args)
    if (act === 'batch') return state.batch(() => all.forEach(put))
    if (act === 'write') return put(all[0] as Write)
    if (act === 'edit') return state.edit(recipe)
    return state.edit(async (draft: Any) => {
      await pass(roll < 0.5 ? 0 : 40)
      recipe(draft)
    })
  }
  const play = (body: readonly Act[]) => async (ctx: Any) => {
    for (const [n, it] of body.entries()) {
      if (it.act === 'ask') await ctx.ask(Question(n), it.roll < 0.2 ? { timeout: 500 } : {}).catch(passing)
      else if (it.act === 'commit') await ctx.commit()
      else if (it.act === 'sleep') await ctx.sleep(100)
      else if (it.act === 'throw') throw new Error('on purpose')
      else if (it.act === 'sub') await ctx.subflow(child).catch(failed)
      else await (change(it.flow ? ctx.flowState : ctx.state, it) as Promise<void>).catch(passing)
    }
  }
  const [work = [], nudged = [], inside = []] = steps
  const options = { start: Go, stop: Done, flowState: State, private: ['login.pin'] } as const
  const working = { on: Go, asks: [Question], emits: [Done], retry: { attempts: 2, delay: 50 } } as const
  const child = defineWorkflow({ ...options, name: 'child', version: 1, state: State }).step(
    'work',
    working,
    async (ctx) => (await play(inside)(ctx), Done()),
  )
  const workflowOf = (code: number): AnyWorkflow =>
    defineWorkflow({
      ...options,
      name: 'flow',
      version: code,
      state: schemaOf(code) as typeof State,
      migrations,
      events: [Nudge],
    })
      .step('work', working, async (ctx) => (await play(work)(ctx), Done()))
      .step('nudged', { on: Nudge, asks: [Question] }, play(nudged))

  const enter = (): void => {
    const page = new Page(box)
    const onError = (error: unknown): void => void (error instanceof DogearError || complain(String(error)))
    const engine = createEngine({ ...tabs, storage, clock, page, onError, ids: () => `id-${++ids}` })
    const session = engine.session(workflowOf(version), { id })
    const tab = { engine, page, session, version }
    open.push(tab)
    const refused = (error: unknown): void => {
      if (open.includes(tab) && tab.version === version) complain(`not loaded: ${String(error)}`)
    }
    session.ready.catch(refused)
    engine.flow(workflowOf(version)).ready.catch(refused)
  }
  const leave = (tab: Tab, killed = false): void => {
    if (!killed) tab.page.hide()
    crash(tab.engine)
    open = open.filter((it) => it !== tab)
  }
  /** Everybody goes on with a copy of the session. */
  const copy = async (made: Promise<Session<Any>>): Promise<void> => {
    const all = open
    open = []
    const lost = (error: unknown): void => complain(`no copy: ${String(error)}`)
    await Promise.race([made.catch(lost), clock.advance(20)])
    for (const tab of all) leave(tab)
    id = `session-${++copies}`
    enter()
  }
  const act = (it: Act, tab: Tab): unknown => {
    const { session } = tab
    switch (it.act) {
      case 'run':
        return session.status === 'failed' && it.roll < 0.5 ? session.retry() : session.run()
      case 'reply':
        return session.asks[0]?.reply()
      case 'nudge':
        return session.send(Nudge())
      case 'rewind': {
        const past = pastOf(session, it.roll)
        if (past) session.rewind(past.seq)
        return session.resume()
      }
      case 'enter':
        return open.length < 2 && enter()
      case 'leave':
      case 'kill':
        return leave(tab, it.act === 'kill')
      case 'deploy':
        return version++
      case 'fork': {
        const { seq } = pastOf(session, it.roll) ?? {}
        return session.role === 'leader' && copy(session.fork(seq, `session-${copies + 1}`))
      }
      case 'import': {
        const json = JSON.parse(JSON.stringify(session.toJSON())) as object
        return copy(tab.engine.import(workflowOf(tab.version), json, { id: `session-${copies + 1}` }))
      }
      case 'back':
      case 'forward':
      case 'cancel':
      case 'takeOver':
      case 'reset':
        return session[it.act]()
      default:
        return change(it.flow ? session.flowState : session.state, it)
    }
  }
  const whole = (what: string, is: unknown, schema: z.ZodType, view = text): void => {
    const { data, error } = schema.safeParse(is)
    if (error) complain(`${what}: refused is ${view(is)}: ${error.message}`)
    else if (view(is) !== view(data)) complain(`${what}: incomplete is ${view(is)}, not ${view(data)}`)
  }
  const check = (when: string): void => {
    for (const { session, version: code } of open) {
      whole(when, session.state.get(), schemaOf(code))
      whole(`flow state, ${when}`, session.flowState.get(), State)
      if (inside.length === 0 || session.status === 'loading') continue
      for (const { state, flow } of childrenIn(session.toJSON())) {
        whole(`sub-flow, ${when}`, state, State, shared)
        whole(`flow state of a sub-flow, ${when}`, flow, State)
      }
    }
  }
  const compare = (when: string): void => {
    const shown = open.filter(({ version: code }) => code === version)
    for (const view of [
      ({ session }: Tab) => shared(session.state.get()),
      ({ session }: Tab) => text(session.flowState.get()),
    ]) {
      const [one, other] = shown.map(view)
      if (other !== undefined && one !== other) complain(`${when}: one tab shows ${one}, the other ${other}`)
    }
  }

  enter()
  await clock.advance(0)
  for (const it of all) {
    if (open.length === 0) enter()
    const when = JSON.stringify(it)
    const tab = open[Math.floor(it.roll * 10) % open.length] as Tab
    try {
      const done = act(it, tab)
      if (it.act === 'fork' || it.act === 'import') await done
      else if (done instanceof Promise) done.catch((error: unknown) => open.includes(tab) && passing(error))
    } catch (error) {
      passing(error)
    }
    if (it.rest !== undefined) {
      await clock.advance(it.rest)
      if (it.rest > 0) compare(when)
    }
    check(when)
    // Older code is loaded anew.
    for (const other of open) if (other.session.persistence.status === 'outdated') leave(other)
    if (wrong.length > 0) return wrong
  }
  for (const tab of open) leave(tab)
  enter()
  await clock.advance(0)
  check('opened again')
  for (const tab of open) leave(tab)
  return wrong
}

/** A place in the history that can be gone back to. */
function pastOf(session: Session<Any>, roll: number): Any {
  const all = session.history()
  const wall = all.map((it: Any) => it.type).lastIndexOf('migrated')
  const past = all.slice(wall + 1).filter((it: Any) => it.type !== 'snapshot')
  return past[Math.floor(roll * past.length)]
}

/** The sub-flows at work. */
function childrenIn({ execs }: Any): Any[] {
  return execs.flatMap(({ points }: Any) => points.flatMap(({ child }: Any) => child ?? []))
}

function failed(error: unknown): void {
  if ((error as Error).name !== 'StepError') throw error
}

/** What a call may fail with, and the flow goes on. */
function passing(error: unknown): void {
  // What another tab has thrown comes as a copy.
  const isOurs = error instanceof DogearError || typeof (error as { code?: unknown }).code === 'string'
  if (!isOurs) throw error
}

/** The same for the same content in any order of its keys. */
function text(state: unknown): string {
  return JSON.stringify(ordered(state))
}

/** The state without what each tab has for itself. */
function shared(state: unknown): string {
  return text(JSON.parse(JSON.stringify(state, (key, value: unknown) => (key === 'pin' ? undefined : value))))
}
