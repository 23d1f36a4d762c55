import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  type AnyWorkflow,
  type Engine,
  type EngineOptions,
  type OpenOptions,
  type Session,
} from '../../src/index'
import { crash, virtualClock, type VirtualClock } from '../../src/testing'

export type MemoryStorage = ReturnType<typeof memoryStorage>
export type Trouble = NonNullable<Parameters<typeof memoryStorage>[0]>

/** Starts and ends the flows of these tests. */
export const Go = defineEvent('go')
export const Done = defineEvent('done', z.unknown())
/** An ask and its reply, and an event that only comes from outside. */
export const Answer = defineEvent('answer', z.unknown())
export const Question = defineEvent('question', z.unknown(), { reply: Answer })
export const Nudge = defineEvent('nudge', z.unknown())
export const Item = defineEvent('item', z.number())
export const Worked = defineEvent('worked', z.number())

export const flow = { name: 'flow', version: 1, start: Go, stop: Done } as const

/** Asks once, and ends with the answer. */
export const asking = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => Done((await ctx.ask(Question(1))).data),
)

/** Asks once, and counts in the state the events sent meanwhile. */
export const nudged = defineWorkflow({ ...flow, events: [Nudge] })
  .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
    Done((await ctx.ask(Question(1))).data),
  )
  .step('count', { on: Nudge }, async (ctx) => {
    await ctx.state.edit((state) => void (state['more'] = Number(state['more'] ?? 0) + 1))
  })

/** One browser profile: its storage and its clock outlive the pages. */
export interface Profile {
  readonly clock: VirtualClock
  readonly storage: MemoryStorage
  readonly engine: Engine
  /** Everything that the engines of all pages have reported to `onError`. */
  readonly errors: unknown[]
  open<W extends AnyWorkflow>(workflow: W, options?: OpenOptions<W>): Promise<Session<W>>
  /** The page dies now: what was not stored is lost. The next page is there, with this trouble. */
  kill(trouble?: Trouble): void
  /** Everything that happened gets stored, then the page dies. */
  reload(trouble?: Trouble): Promise<void>
  /** Everything that is ready runs; no time goes by. */
  settle(): Promise<void>
}

export function profile(trouble?: Trouble, options: EngineOptions = {}): Profile {
  const clock = virtualClock()
  const errors: unknown[] = []
  let names = 0
  let storage = memoryStorage(trouble)
  const page = (): Engine =>
    createEngine({
      storage,
      clock,
      ids: () => `id-${++names}`,
      random: () => 0.5,
      onError: (error) => errors.push(error),
      ...options,
    })
  let engine = page()
  let sessions: Session<AnyWorkflow>[] = []
  const kill = (next?: Trouble): void => {
    crash(engine)
    storage = storage.restart(next)
    engine = page()
    sessions = []
  }
  return {
    clock,
    errors,
    get storage() {
      return storage
    },
    get engine() {
      return engine
    },
    async open(workflow, open) {
      const session = await engine.open(workflow, open)
      sessions.push(session as unknown as Session<AnyWorkflow>)
      return session
    },
    kill,
    async reload(next) {
      await clock.advance(0)
      await Promise.all(sessions.map((it) => it.flush()))
      kill(next)
    },
    settle: () => clock.advance(0),
  }
}

/** Starts a run that asks, reloads the page, lets the step run up to its ask again, and answers it. */
export async function answeredAfterReload<W extends AnyWorkflow>(
  page: Profile,
  workflow: W,
  answer: unknown,
  options?: OpenOptions<W>,
): Promise<Session<W>> {
  const session = (await page.open(workflow, options)) as unknown as Session<AnyWorkflow>
  session.run().catch(() => {})
  await page.reload()
  const again = await page.open(workflow, options)
  await page.settle()
  await again.reply(again.asks[0]?.id ?? '', answer)
  await page.settle()
  return again
}

/** A promise that a test ends by hand. */
export interface Gate<T> {
  readonly promise: Promise<T>
  open(value: T): void
  fail(error: unknown): void
}

export function gate<T = void>(): Gate<T> {
  let open: Gate<T>['open'] = () => {}
  let fail: Gate<T>['fail'] = () => {}
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  promise.catch(() => {})
  return { promise, open, fail }
}

/** What a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<never> {
  let error: unknown
  try {
    await promise
  } catch (caught) {
    error = caught
    return error as never
  }
  throw new Error('it was expected to fail, and did not')
}

/** What a call throws. */
export function thrown<E = never>(call: () => unknown): E {
  let outcome: unknown
  try {
    outcome = call()
  } catch (error) {
    return error as E
  }
  throw new Error(`it was expected to throw, and gave ${String(outcome)}`)
}

/** Runs `body` and answers with the rejections that nobody handled meanwhile. */
export async function unhandled(body: () => Promise<void>): Promise<unknown[]> {
  const heard: unknown[] = []
  const listener = (reason: unknown): void => void heard.push(reason)
  process.on('unhandledRejection', listener)
  try {
    await body()
    // They are reported after the microtasks of the turn in which they became so.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('unhandledRejection', listener)
  }
  return heard
}

/** Sorted by JSON text, for values that come in any order. */
export function sorted<T>(list: readonly T[]): T[] {
  const text = (value: T): string => JSON.stringify(value) ?? ''
  return [...list].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
}
