import { expect, test } from 'vitest'
import {
  createEngine,
  defineWorkflow,
  DogearError,
  jsonSerializer,
  memoryStorage,
  structuredCloneSerializer,
  type Engine,
  type Session,
} from 'dogear'
import { crash, virtualClock } from 'dogear/testing'
import { Done, flow, gate, Go, Item, Question } from '../support/flows'
import { ears } from '../support/leaving'
import { overheardTabs } from '../support/overheard'
import { Page } from '../support/page'
import { random } from '../support/random'

const seeds = Number(process.env['FUZZ_SEEDS'] ?? 100)
const first = Number(process.env['FUZZ_FIRST'] ?? 1)
const ROUNDS = 4

/** Each version of the code adds its number to those that have made the state. */
const make =
  (version: number) =>
  (state: unknown): object => {
    const { made = [], ...rest } = state as { readonly made?: readonly number[] }
    return { ...rest, made: [...made, version] }
  }

const migrations = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [at + 2, make(at + 2)]))

/** Asks a question, makes an effect of the answer, and goes round. */
const rounds = (version: number, effects: [number, string][], pause: () => Promise<void>) =>
  defineWorkflow({ ...flow, version, migrations, private: ['secret'] }).step(
    'round',
    { on: [Go, Item], asks: [Question], emits: [Item, Done] },
    async (ctx, event) => {
      const n = event.type === 'item' ? event.data : 0
      const { data } = await ctx.ask(Question(n))
      await ctx.state.set('secret', 'SECRET of the step')
      await ctx.once('effect', async (key) => {
        effects.push([n, key])
        await pause()
      })
      await ctx.state.append('answers', [n, data])
      return n === ROUNDS ? Done(n) : Item(n + 1)
    },
  )

type Flow = ReturnType<typeof rounds>

/** What befalls a browser beside tabs that come, go and hang. */
interface Weather {
  /** The disk is full at times; 'wholly' when there is not even room for a claim. */
  readonly troubled?: boolean | 'wholly'
  /** The user goes back and forward, pauses and cancels; in every other story also rewinds and starts over. */
  readonly restless?: boolean
  /** At times storage does not answer: from a moment when two tabs show the session; no tab is opened meanwhile. */
  readonly silent?: boolean
  /** New versions of the code are deployed: whoever opens a tab has the newest. */
  readonly deployed?: boolean
  /** A session is closed and its page left in one moment, or closed and opened again. */
  readonly hasty?: boolean
  /** A tab deletes the session, or everything, and goes on with a new one. */
  readonly deleting?: boolean
  /** The session is forked, and people go on with both; copies are opened in other tabs too. */
  readonly forking?: boolean
}

function textOf({ state }: Session<Flow>): string {
  return (state.get('text') ?? '') as string
}

/** The state without what each tab has for itself. */
function shared({ state }: Session<Flow>): object {
  const { secret: _, ...rest } = state.get() as { readonly secret?: string }
  return rest
}

interface Copy {
  /** What the session said when it was forked. */
  readonly text: string
  readonly typed: string[]
  readonly flushed: Set<string>
}

/** A session that was deleted in another tab is read-only, and needs a reload. */
const isApart = ({ session }: Tab): boolean => session.persistence.status === 'outdated'

interface Tab {
  readonly name: string
  readonly version: number
  readonly engine: Engine
  readonly page: Page
  session: Session<Flow>
  /** What was typed here. Of a killed tab, only what it had been told was stored counts. */
  typed: string[]
  /** What a resolved `flush()` has promised, and whatever else must not be lost without a report. */
  flushed: string[]
  stored: string[]
  /** How many texts had been typed here when a loss was reported. */
  told: number
  hidden: boolean
  /** Forks that are open here. */
  readonly copies: Session<Flow>[]
  readonly hearing: ReturnType<typeof ears>
  hung: boolean
}

/** Plays one story of a browser, and answers with everything that is wrong at its end. */
async function play(
  seed: number,
  {
    troubled = false,
    restless = false,
    silent = false,
    deployed = false,
    hasty = false,
    deleting = false,
    forking = false,
  }: Weather,
): Promise<string[]> {
  const chance = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const clock = virtualClock()
  const serializer = seed % 3 === 0 ? structuredCloneSerializer : jsonSerializer
  let full = false
  const memory = memoryStorage({ failAt: () => full })
  const claim: typeof memory.claim = (...call) =>
    full && troubled === 'wholly' ? Promise.reject(new Error('full')) : memory.claim(...call)
  const storage = { ...memory, claim }
  const luck = random(-seed)
  let leaked = false
  const watch = (outside: unknown) => void (leaked ||= JSON.stringify(outside).includes('SECRET'))
  /** While storage is silent. */
  let door: ReturnType<typeof gate> | undefined
  for (const name of ['read', 'claim', 'append', 'compact'] as const) {
    const call = storage[name] as (...args: unknown[]) => Promise<unknown>
    Object.assign(storage, {
      async [name](...args: unknown[]) {
        watch(args)
        const hushed = door?.promise
        await hushed
        // What was written during the silence lands late, or never.
        return hushed && name !== 'read' && luck() < 0.3 ? new Promise(() => {}) : call(...args)
      },
    })
  }
  const speak = () => {
    door?.open(undefined)
    door = undefined
  }
  const box = new Map<string, string>()
  const { heard, ...tabs } = overheardTabs()
  const effects: [number, string][] = []
  let version = 1
  const pause = (): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, pick([0, 0, 20])))
  /** Whether a loss was reported to a tab. */
  let lost = false
  const open: Tab[] = []
  const gone: Tab[] = []
  const told: { readonly ask: string; readonly reply: string; readonly taken: boolean }[] = []
  const wrong: string[] = []
  /** What was typed before a deletion was done may be gone; of that, what was known to be stored must be. */
  const erased = new Set<string>()
  const dead = new Set<string>()
  const copies = new Map<string, Copy>()
  let names = 0
  let ids = 0

  const enter = async () => {
    const page = new Page(box)
    const hearing = ears(tabs)
    const { channel } = hearing
    const name = `t${++names}`
    const onError = (error: unknown): void => {
      if (((error as { readonly lost?: readonly string[] }).lost ?? []).length === 0) return
      lost = true
      for (const tab of open) if (tab.name === name) tab.told = tab.typed.length
    }
    const options = { storage, clock, page, serializer, ids: () => `id-${++ids}`, onError }
    const engine = createEngine({ ...options, ...tabs, channel })
    const session = engine.session(rounds(version, effects, pause))
    session.ready.catch(() => {})
    const tab = { name, version, engine, page, session, hearing, told: 0 }
    open.push({ ...tab, typed: [], flushed: [], stored: [], copies: [], hidden: false, hung: false })
  }
  const wake = (tab: Tab) => {
    tab.hung = false
    tab.page.wake()
    tab.hearing.open()
  }
  const end = (tab: Tab) => {
    open.splice(open.indexOf(tab), 1)
    gone.push(tab)
  }
  const act: { readonly [name: string]: (tab: Tab) => unknown } = {
    enter: () => (open.length < 4 && !door ? enter() : undefined),
    type(tab) {
      const token = `${tab.name}-${tab.typed.length};`
      const { session } = tab
      session.state.append('text', token)
      session.state.set('secret', `SECRET of ${token}`)
      // What cannot be read by older code is shown as an error, with what is typed into it.
      if (!deployed || session.status !== 'error') tab.typed.push(token)
    },
    flush(tab) {
      const typed = tab.typed.slice(tab.told)
      tab.session.flush().then(
        () => (tab.flushed = tab.stored = typed),
        () => {},
      )
    },
    run: ({ session }) => void session.run().catch(() => {}),
    reply({ session, name }) {
      const [ask] = session.asks
      if (ask === undefined) return
      const reply = `${name}-${ids++}`
      ask.reply(reply).then(
        (taken) => told.push({ ask: ask.id, reply, taken }),
        () => {},
      )
    },
    kill(tab) {
      crash(tab.engine)
      end(tab)
    },
    leave(tab) {
      // What was typed before the page is left is on its way: to the storage, to the leader, or to the next leader.
      if (!hasty || tab.session.status !== 'loading') tab.stored = tab.typed
      tab.page.hide()
      crash(tab.engine)
      end(tab)
    },
    async close(tab) {
      // One that is still being loaded leaves everything as it is.
      if (tab.session.status !== 'loading') tab.stored = tab.typed
      await Promise.race([tab.session.close().catch(() => (lost = true)), clock.advance(10)])
      void tab.engine.close()
      end(tab)
    },
    leaveClosing(tab) {
      if (tab.session.status === 'loading') return
      tab.stored = tab.typed
      tab.session.close().catch(() => {})
      act['leave']!(tab)
    },
    openAgain(tab) {
      if (tab.session.status === 'loading') return
      tab.stored = [...tab.typed]
      tab.session.close().catch(() => {})
      tab.session = tab.engine.session(rounds(tab.version, effects, pause))
      tab.session.ready.catch(() => {})
    },
    remove(tab) {
      if (tab.session.status === 'loading') return
      const { engine } = tab
      const stored = [...open, ...gone].flatMap((it) => it.flushed)
      const done = ids % 2 === 0 ? engine.delete(flow.name) : engine.clear()
      const again = (): void => {
        for (const it of [...open, ...gone]) for (const token of it.typed) erased.add(token)
        if (!open.includes(tab)) return
        tab.session = engine.session(rounds(tab.version, effects, pause))
        tab.session.ready.catch(() => {})
      }
      const bury = () => stored.forEach((it) => dead.add(it))
      void done.then(bury, () => {}).then(again)
    },
    fork({ session, copies: here }) {
      if (session.status === 'loading' || copies.size > 2) return
      const id = `copy-${copies.size}`
      copies.set(id, { text: textOf(session), typed: [], flushed: new Set() })
      session.fork(undefined, id).then(
        (copy) => here.push(copy),
        () => copies.delete(id),
      )
    },
    join({ copies: here, engine, version: own }) {
      const id = [...copies.keys()].find((it) => here.every((copy) => copy.id !== it))
      if (id === undefined) return
      const copy = engine.session(rounds(own, effects, pause), { id })
      copy.ready.then(
        () => here.push(copy),
        () => {},
      )
    },
    typeInCopy({ name, copies: here }) {
      if (here.length === 0) return
      const session = pick(here)
      const copy = copies.get(session.id)!
      const token = `${name}c${ids++};`
      session.state.append('text', token)
      copy.typed.push(token)
      const typed = [...copy.typed]
      if (ids % 2 === 0)
        session.flush().then(
          () => typed.filter((it) => it.startsWith(name)).forEach((it) => copy.flushed.add(it)),
          () => {},
        )
      void session.asks[0]?.reply(token).catch(() => {})
    },
    takeOver: ({ session }) => void session.takeOver().catch(() => {}),
    hang(tab) {
      tab.hung = true
      tab.page.hang()
      tab.hearing.close()
    },
    hide(tab) {
      tab.page.hide()
      tab.hidden = true
    },
    hush() {
      const shown = open.filter((it) => !['loading', 'error'].includes(it.session.status))
      if (door) speak()
      else if (shown.length > 1) door = gate()
    },
    deploy: () => void version++,
    fill: () => void (full = !full && troubled !== false),
    back: ({ session }) => session.back(),
    forward: ({ session }) => session.forward(),
    pause: ({ session }) => session.pause(),
    resume: ({ session }) => session.resume(),
    cancel: ({ session }) => session.cancel(),
    reset: ({ session }) => session.reset(),
    rewind({ session }) {
      const past = session.history().filter((it) => it.type !== 'snapshot')
      if (past.length > 0) session.rewind(pick(past).seq)
    },
  }
  /** While a session is being loaded, or only read, some of it is refused. */
  const attempt = async (name: string, tab: Tab): Promise<void> => {
    try {
      await act[name]!(tab)
    } catch (error) {
      if (!(error instanceof DogearError)) throw error
    }
  }
  const weights = ['type', 'type', 'type', 'type', 'reply', 'reply', 'run', 'flush', 'flush', 'enter']
  const rare = ['kill', 'leave', 'close', 'takeOver', 'takeOver', 'hide', 'hang', 'enter']
  if (troubled) rare.push('fill', 'fill', 'fill')
  if (deployed) rare.push('deploy', 'deploy')
  if (forking) rare.push('fork', 'fork', 'join', 'typeInCopy', 'typeInCopy', 'typeInCopy', 'typeInCopy')
  if (deleting) rare.push('remove', 'remove')
  if (hasty) rare.push('leaveClosing', 'leaveClosing', 'openAgain', 'openAgain')
  if (silent) rare.push('hush', 'hush', 'hush')
  if (restless) rare.push('back', 'back', 'forward', 'pause', 'resume', 'resume', 'cancel')
  // That removes what was typed. Nothing else does.
  const forgets = restless && seed % 2 === 0
  if (forgets) rare.push('rewind', 'reset')

  await enter()
  for (let turn = 0; turn < 40; turn++) {
    const tab = open.length > 0 ? pick(open) : undefined
    if (tab === undefined) speak()
    if (tab === undefined) await enter()
    else if (tab.hung) {
      const what = chance()
      if (what < 0.1) act['kill']!(tab)
      else if (what < 0.4) wake(tab)
    } else if (tab.hidden) {
      tab.page.show(true)
      tab.hidden = false
    } else await attempt(chance() < 0.8 ? pick(weights) : pick(rare), tab)
    watch([...box])
    await clock.advance(pick([0, 0, 1, 5, 30, 200, 1500, 6000]))
  }
  // Everybody is there again, and everything is answered.
  full = false
  speak()
  for (const tab of open) if (tab.hung) wake(tab)
  for (const tab of open) if (tab.hidden) tab.page.show(true)
  // Older code is reloaded once there is newer, and what shows a session that was deleted once it knows: at its next write,
  // for which a disk that was full is looked at again after 30 s at most.
  await clock.advance(deleting ? 40_000 : deployed ? 1000 : 0)
  const newest = Math.max(...open.map((it) => it.version))
  for (const tab of [...open])
    if ((deployed && (tab.version < newest || tab.session.error)) || (deleting && isApart(tab))) {
      lost ||= tab.session.status === 'error'
      act['leave']!(tab)
      await clock.advance(100)
    }
  if (open.length === 0) await enter()
  await clock.advance(10_000)
  for (let n = 0; n < 40 && open[0]!.session.status !== 'completed'; n++) {
    const tab = pick(open)
    tab.session.resume()
    void tab.session.run().catch(() => {})
    await clock.advance(100)
    act['reply']!(tab)
    await clock.advance(100)
  }
  // A disk that was full is looked at again after 30 s at most.
  await clock.advance(40_000)
  check()
  watch(heard)
  if (leaked) wrong.push('what is private was stored, or told to another tab')
  const before = shared(open[0]!.session)
  const workflow = rounds(open[0]!.version, effects, pause)
  for (const [id, copy] of copies) await checkCopy(id, copy)
  for (const tab of open) crash(tab.engine)
  const again = await createEngine({ storage, clock, serializer }).open(workflow, { autoResume: false })
  if (JSON.stringify(again.state.get()) !== JSON.stringify(before))
    wrong.push('what is stored is something else')
  return wrong

  /** A fork is what was forked, and what was done in it since. */
  async function checkCopy(id: string, { text, typed, flushed }: Copy) {
    const here = open.flatMap((tab) => tab.copies.filter((it) => it.id === id))
    const views = here.map((it) => JSON.stringify([it.status, shared(it), it.asks.length, it.result]))
    if (new Set(views).size > 1) wrong.push(`${id} differs: ${views.join(' | ')}`)
    for (const it of here)
      if (it.persistence.status !== 'saved') wrong.push(`${id} is ${it.persistence.status}`)
    const workflow = rounds(version, effects, pause)
    const copy = await createEngine({ storage, clock, serializer }).open(workflow, { id, autoResume: false })
    const found = textOf(copy)
    if (!found.startsWith(text)) wrong.push(`${id} is ${found}, was ${text}`)
    const own = found.slice(text.length)
    for (const it of typed) {
      const count = own.split(it).length - 1
      if (count > 1 || (count === 0 && flushed.has(it))) wrong.push(`${it} is in ${id} ${count} times`)
    }
    if (own.replace(/t\d+c\d+;/g, '') !== '') wrong.push(`${id} has got ${own}`)
    await copy.close()
  }

  function check() {
    const views = open.map(({ session: it }) =>
      JSON.stringify([it.status, shared(it), it.asks.length, it.result]),
    )
    if (new Set(views).size > 1) wrong.push(`the tabs differ: ${views.join(' | ')}`)
    const roles = open.map((it) => it.session.role)
    if (roles.filter((it) => it === 'leader').length !== 1) wrong.push(`roles: ${roles.join()}`)
    const saved = open.map((it) => it.session.persistence.status)
    if (saved.some((it) => it !== 'saved')) wrong.push(`not saved: ${saved.join()}`)
    const state = open[0]!.session.state.get() as {
      readonly text?: string
      readonly answers?: [number, string][]
      readonly made?: number[]
    }
    const made = state.made ?? []
    if (!made.every((it, at) => at === 0 || it === made[at - 1]! + 1)) wrong.push(`migrated ${made.join()}`)
    const text = state.text ?? ''
    if (/c\d+;/.test(text)) wrong.push(`what was typed in a copy is in the session: ${text}`)
    for (const tab of [...open, ...gone]) {
      const known = open.includes(tab) ? tab.typed : tab.stored
      const kept = (deployed || deleting) && lost ? tab.flushed : known
      for (const token of tab.typed) {
        const count = text.split(token).length - 1
        const isDue = !forgets && !erased.has(token) && kept.includes(token)
        if (count > 1 || (count === 0 && isDue) || (count > 0 && dead.has(token)))
          wrong.push(`${token} is there ${count} times`)
      }
    }
    const answers = state.answers ?? []
    const numbers = answers.map(([n]) => n)
    // Runs follow one another, each from its beginning, and to its end unless somebody has ended it.
    const goesOn = (it: number, at: number): boolean =>
      it === (at === 0 ? 0 : (numbers[at - 1]! + 1) % (ROUNDS + 1)) || (restless && it === 0)
    if (!numbers.every(goesOn)) wrong.push(`answers in the order ${numbers.join()}`)
    // What was not saved may be gone with its effects, and so is what somebody went back from.
    if (troubled || restless || silent || deployed || deleting || forking) return
    for (const { ask, reply, taken } of told)
      if (answers.some(([, data]) => data === reply) !== taken)
        wrong.push(`${reply} to ${ask} was told ${taken}`)
    const keys = new Set(effects.map(([, key]) => key))
    if (keys.size !== answers.length) wrong.push(`${keys.size} effects for ${answers.length} answers`)
  }
}

test.each([
  ['which may hang', {}],
  ['which may hang, and a disk that is full at times', { troubled: true }],
  ['which may hang, and a disk that has no room for a claim either', { troubled: 'wholly' }],
  ['which may hang, and somebody who goes back, pauses, cancels and starts over', { restless: true }],
  ['which may hang, and storage that answers nothing at times', { silent: true }],
  ['which may hang, and new versions of the code', { deployed: true }],
  [
    'which may hang, pages that are left as they close, or open again at once, and a full disk',
    { hasty: true, troubled: true },
  ],
  ['which may hang, new versions and a disk that is full at times', { deployed: true, troubled: true }],
  ['which may hang, somebody who deletes the session, and a full disk', { deleting: true, troubled: true }],
  ['which may hang, somebody who forks the session, and a full disk', { forking: true, troubled: true }],
  ['which may hang, somebody who deletes the session, and new versions', { deleting: true, deployed: true }],
] as const)(
  `${seeds} random browsers with up to four tabs, %s / nothing is done twice, nothing acknowledged is lost, all tabs are equal`,
  async (_, weather) => {
    const failures: string[] = []
    for (let seed = first; seed < first + seeds && failures.length < 3; seed++) {
      const wrong = await play(seed, weather).catch((error: unknown) => [
        `threw ${(error as Error).stack ?? String(error)}`,
      ])
      if (wrong.length > 0) failures.push(`seed ${seed}: ${wrong.join('; ')}`)
    }
    expect(failures).toEqual([])
  },
  3_600_000,
)
