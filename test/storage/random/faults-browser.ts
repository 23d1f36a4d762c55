import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  indexedDBStorage,
  jsonSerializer,
  StorageError,
  structuredCloneSerializer,
  type Engine,
  type Session,
  type SessionStorage,
} from '../../../src/index'
import { crash, virtualClock, virtualTabs } from '../../../src/testing'
import { Done, flow, Go, Item, Question } from '../../support/flows'
import { Page } from '../../support/page'
import { random } from '../../support/random'
import { View } from './faulty-box'
import { KeyRange, weightOf } from './faulty-database'
import { FaultyIndexedDB } from './faulty-indexeddb'
import { faultyServer, faultyWebStorage, weightIn } from './faulty-stores'
import { kinds, type Script } from './faults-script'
import { PageClock } from './page-clock'
import { fair, Luck, type Weather } from './weather'

export const ROUNDS = 4

/** Asks a question, makes an effect of the answer, writes the flow state, and goes round. */
const rounds = (effect: (key: string) => Promise<void>, isLarge: boolean) =>
  defineWorkflow({
    ...flow,
    // The pages of many records would be too much for any snapshot.
    ...(isLarge && { history: 4 }),
    flowState: z.object({ log: z.string().default('') }),
  }).step('round', { on: [Go, Item], asks: [Question], emits: [Item, Done] }, async (ctx, event) => {
    const n = event.type === 'item' ? event.data : 0
    const { data } = await ctx.ask(Question(n))
    const key = await ctx.once('effect', async (own) => (await effect(own), own))
    await ctx.flowState.append('log', `s${n};`)
    await ctx.state.append('answers', [n, data, key])
    return n === ROUNDS ? Done(n) : Item(n + 1)
  })

type Flow = ReturnType<typeof rounds>

/** What the state of the flow comes to. */
export interface Shown {
  readonly text?: string
  readonly answers?: readonly (readonly [n: number, reply: string, key: string])[]
}

export interface Tab {
  readonly name: string
  readonly engine: Engine
  readonly page: Page
  readonly clock: PageClock
  readonly session: Session<Flow>
  readonly typed: string[]
  readonly flows: string[]
  hidden: boolean
  frozen: boolean
  /** How often it was left, and came back. */
  left: number
  /** What it shows of itself, and since when. */
  shown: string
  since: number
}

export const shownBy = (tab: Tab): Shown => tab.session.state.get()
export const isApart = ({ session }: Tab): boolean =>
  ['memory-only', 'degraded'].includes(session.persistence.status)
/** What it did is in no storage, and another session is: a reload shows that one. */
export const isBehind = ({ session: { persistence } }: Tab): boolean =>
  persistence.status === 'degraded' && /was read too late/.test(persistence.error?.message ?? '')
export const isLoading = ({ session }: Tab): boolean => session.status === 'loading'
/** What could not be read shows what is typed, and keeps nothing of it. */
export const isShown = ({ session }: Tab): boolean => !['loading', 'error'].includes(session.status)

/** Notes since when it shows what it shows. */
export function heed(tab: Tab): void {
  const shown = `${isLoading(tab)} ${tab.session.persistence.status}`
  if (tab.shown === shown && !tab.hidden) return
  tab.shown = shown
  tab.since = tab.clock.now()
}

/** A browser with up to three tabs of one session, and everything outside of them. */
export class Browser {
  readonly clock = virtualClock()
  readonly weather: Weather = { ...fair }
  readonly luck: Luck
  readonly databases: FaultyIndexedDB
  readonly open: Tab[] = []
  readonly gone: Tab[] = []
  readonly wrong: string[] = []
  /** `localStorage`. */
  readonly box = new Map<string, string>()
  /** What the storage keeps that is no database. */
  readonly texts = new Map<string, string>()
  /** Effects that are known to be stored. */
  readonly done = new Set<string>()
  /** A loss was reported, or a page could only be reloaded. */
  lost = false
  /** A page has reported that what it held of the flow state is lost. */
  flowLost = false
  readonly #script: Script
  readonly #tabs = virtualTabs()
  readonly #views = new Map<View, Page>()
  #names = 0
  #ids = 0

  constructor(script: Script) {
    this.#script = script
    this.luck = new Luck(random(-script.seed))
    this.databases = new FaultyIndexedDB(this)
  }

  get storage(): 'indexeddb' | 'web' | 'server' {
    return kinds[this.#script.kind].storage
  }

  get pageSize(): number {
    return this.isLarge ? 40_000 : 4000
  }

  /** Whether its snapshots are in parts. */
  get isLarge(): boolean {
    return kinds[this.#script.kind].large === true
  }

  id(): string {
    return `id-${++this.#ids}`
  }

  readonly #effect = async (key: string): Promise<void> => {
    if (this.done.has(key)) this.wrong.push(`effect ${key} was done, and is begun again`)
    await new Promise<void>((resolve) => void this.clock.setTimeout(resolve, this.luck.pick([0, 0, 20])))
  }

  change(weather: Partial<Weather> = {}): void {
    const used = weightOf(this.databases.database('dogear').data) + weightIn(this.texts)
    Object.assign(this.weather, fair, weather, weather.room !== undefined && { room: used + weather.room })
  }

  enter(): void {
    const name = `t${++this.#names}`
    const { luck } = this
    const clock = new PageClock(this.clock)
    const page = this.#page()
    const { seed } = this.#script
    const engine = createEngine({
      storage: this.#storageOf(name),
      clock,
      page,
      serializer: seed % 3 === 0 && !this.isLarge ? structuredCloneSerializer : jsonSerializer,
      ids: () => this.id(),
      random: () => luck.between(0, 1000) / 1000,
      onError: (error) => this.#heed(error as { readonly lost?: readonly string[] }),
      ...this.#tabs,
    })
    const workflow = rounds(this.#effect, this.isLarge)
    const session = engine.session(workflow)
    session.ready.catch(() => {})
    engine.flow(workflow).ready.catch(() => {})
    const since = clock.now()
    const tab: Tab = {
      name,
      engine,
      page,
      clock,
      session,
      typed: [],
      flows: [],
      hidden: false,
      frozen: false,
      left: 0,
      shown: '',
      since,
    }
    // One act may take longer than something is shown.
    session.subscribe(() => heed(tab))
    this.open.push(tab)
  }

  /** Every other browser has a process for each page. */
  #page(): Page {
    if (this.#script.seed % 2 === 0) return new Page(this.box)
    const write = (key: string, text: string | undefined): void =>
      this.databases.task(() => {
        if (text === undefined) this.box.delete(key)
        else this.box.set(key, text)
        for (const [other, heard] of this.#views) {
          if (other === view) continue
          other.hear(key, text)
          heard.dispatchEvent(Object.assign(new Event('storage'), { key }))
        }
      })
    const view = new View(write)
    for (const [key, text] of this.box) view.hear(key, text)
    const page = new Page(view)
    this.#views.set(view, page)
    return page
  }

  #storageOf(tab: string): SessionStorage {
    const { seed } = this.#script
    const { clock, luck, weather, texts, databases, storage } = this
    const options = { clock, luck, weather, texts, isDead: () => databases.isDead(tab) }
    if (storage === 'web') return faultyWebStorage(options)
    if (storage === 'server') return faultyServer(options, { parses: seed % 2 === 0, filters: seed % 3 > 0 })
    return { ...indexedDBStorage(`${tab}|dogear`), name: 'dogear' }
  }

  /** The page is no more. */
  end(tab: Tab): void {
    crash(tab.engine)
    this.databases.kill(tab.name)
    this.open.splice(this.open.indexOf(tab), 1)
    this.gone.push(tab)
  }

  hide(tab: Tab): void {
    this.leaving = tab.page
    tab.page.hide(true)
    this.leaving = undefined
    tab.hidden = true
    tab.left++
  }

  /** It goes into the back/forward cache, where nothing of it goes on. */
  freeze(tab: Tab): void {
    this.hide(tab)
    this.databases.freeze(tab.name)
    tab.clock.freeze()
    tab.frozen = true
  }

  show(tab: Tab): void {
    tab.hidden = tab.frozen = false
    tab.page.show(true)
    this.databases.thaw(tab.name)
    tab.clock.thaw()
  }

  #heed(error: { readonly lost?: readonly string[] }): void {
    const { lost = [] } = error
    if (error instanceof StorageError) this.flowLost ||= lost.includes('log')
    else this.lost ||= lost.length > 0
  }

  flowLog({ engine }: Tab): string {
    return (engine.flow(rounds(this.#effect, this.isLarge)).state.get() as { readonly log: string }).log
  }

  flowType(tab: Tab, token: string): void {
    tab.engine.flow(rounds(this.#effect, this.isLarge)).state.append('log', token)
    tab.flows.push(token)
  }

  /** While `body` runs, this browser's databases and timers are those of the platform. */
  async within<T>(body: () => Promise<T>): Promise<T> {
    const names = [
      'indexedDB',
      'IDBKeyRange',
      'setTimeout',
      'addEventListener',
      'IDBVersionChangeEvent',
    ] as const
    const before = names.map((it) => Object.getOwnPropertyDescriptor(globalThis, it))
    const random0 = Math.random
    const heard = (reason: unknown): void =>
      void this.wrong.push(`nobody handled ${(reason as Error).stack ?? String(reason)}`)
    const { databases, clock, luck } = this
    Math.random = () => luck.between(0, 1e6) / 1e6
    Object.assign(globalThis, {
      indexedDB: {
        open: (name: string) => databases.open(name),
        deleteDatabase: (name: string) => databases.deleteDatabase(name),
      },
      IDBKeyRange: KeyRange,
      setTimeout: (fn: () => void, ms = 0) => clock.setTimeout(fn, ms),
      addEventListener: (type: string, listener: EventListener) =>
        this.leaving?.addEventListener(type, listener, { once: true }),
      ...(this.#script.seed % 4 < 2 && { IDBVersionChangeEvent: Upgrade }),
    })
    process.on('unhandledRejection', heard)
    try {
      return await body()
    } finally {
      process.off('unhandledRejection', heard)
      Math.random = random0
      for (const [at, name] of names.entries()) {
        const own = before[at]
        if (own) Object.defineProperty(globalThis, name, own)
        else Reflect.deleteProperty(globalThis, name)
      }
    }
  }

  /** The page that is being left, for those who wait for the platform's `pageshow`. */
  leaving: Page | undefined
}

/** As Chromium has it. */
class Upgrade {
  get dataLoss(): string {
    return 'none'
  }
}
