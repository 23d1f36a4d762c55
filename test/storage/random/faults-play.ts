import { DogearError } from '../../../src/index'
import { Browser, ROUNDS, type Shown, type Tab } from './faults-browser'
import { kinds, type Act, type Script } from './faults-script'
import { fair } from './weather'

const tokens = (text = ''): string[] => text.match(/[^;]+;/g) ?? []
const shownBy = (tab: Tab): Shown => tab.session.state.get()
const isApart = ({ session }: Tab): boolean =>
  ['memory-only', 'degraded'].includes(session.persistence.status)
const isLoading = ({ session }: Tab): boolean => session.status === 'loading'
/** What could not be read shows what is typed, and keeps nothing of it. */
const isShown = ({ session }: Tab): boolean => !['loading', 'error'].includes(session.status)

/** Plays the story of a browser, and answers with everything that is wrong at its end. */
export async function play(script: Script): Promise<readonly string[]> {
  const browser = new Browser(script)
  const story = new Story(browser)
  return browser.within(async () => {
    await story.begin(script)
    for (const act of script.acts) await story.turn(act)
    await story.end()
    return browser.wrong
  })
}

class Story {
  readonly #browser: Browser
  /** What must be there in the end: called saved, or acknowledged. */
  #acked = new Set<string>()
  /** What was typed before a page was left that could keep it. */
  readonly #left = new Set<string>()
  /** Writes to the flow state in the moments before storage was emptied: nobody may have read them. */
  readonly #unread = new Set<string>()
  readonly #flowAt = new Map<string, number>()
  /** How often what was acknowledged became worth nothing. */
  #losses = 0
  /** Storage was emptied, and it is not known whether all is stored again. */
  #emptied = false
  #backup:
    | {
        readonly data: ReturnType<Browser['databases']['database']>['data']
        readonly acked: ReadonlySet<string>
      }
    | undefined
  #restored = false
  /** A backup has taken its place under open pages, which learn of that by their next write. */
  #setBack = false
  #typedAt = 0
  #keeps = true
  /** Storage may be emptied: a page that writes nothing learns of that by an event alone. */
  #mustHear = false

  constructor(browser: Browser) {
    this.#browser = browser
  }

  async begin({ kind }: Script): Promise<void> {
    // Where nothing refuses what a page leaves behind, it must be there.
    this.#keeps = ['none', 'aborts', 'web'].includes(kind)
    this.#mustHear = kinds[kind].acts.includes('wipe')
    this.#browser.enter()
    if (/wiped|Emptied/.test(kind)) await this.#browser.clock.advance(500)
  }

  async turn(act: Act): Promise<void> {
    const { open, clock } = this.#browser
    const tab = open[Math.floor(act.who * open.length)]
    if (tab === undefined) this.#browser.enter()
    else if (tab.hidden && !(tab.frozen && act.roll < 0.6)) this.#browser.show(tab)
    else if (!tab.hidden) await this.#attempt(act, tab)
    await clock.advance(act.ms)
    this.#watch()
    this.#believe()
    if (this.#emptied && !this.#browser.weather.hung) await this.#recover()
  }

  /** While a session is being loaded, or only read, some of it is refused. */
  async #attempt(act: Act, tab: Tab): Promise<void> {
    try {
      await this.#acts[act.act]?.(tab, act)
    } catch (error) {
      if (!(error instanceof DogearError)) throw error
    }
  }

  readonly #acts: Readonly<Record<string, (tab: Tab, act: Act) => unknown>> = {
    enter: () => (this.#browser.open.length < 3 ? this.#browser.enter() : undefined),
    type: (tab) => this.#type(tab),
    flowType: (tab) => this.#flowType(tab),
    flush: (tab) => this.#flush(tab),
    run: ({ session }) => void session.run().catch(() => {}),
    reply: ({ session, name }) =>
      void session.asks[0]?.reply(`${name}-${this.#browser.id()}`).catch(() => {}),
    takeOver: ({ session }) => void session.takeOver().catch(() => {}),
    hide: (tab) => this.#browser.hide(tab),
    freeze: (tab) => this.#browser.freeze(tab),
    kill: (tab) => this.#endOf(tab),
    leave: (tab) => this.#leave(tab),
    leaveAll: () => this.#leaveAll(),
    close: async (tab, { roll }) => {
      tab.engine.close().catch(() => {})
      await this.#browser.clock.advance(roll < 0.3 ? 0 : roll < 0.6 ? 10 : 20_000)
      this.#endOf(tab)
    },
    change: (_, { weather }) => Object.assign(this.#browser.weather, fair, weather),
    hang: () => {
      const { weather, databases } = this.#browser
      weather.hung = !weather.hung
      if (!weather.hung) databases.letGo()
    },
    disconnect: ({ name }, { roll }) =>
      this.#browser.databases.disconnect(
        (it) => it.tab === name,
        this.#mustHear || roll < 0.5,
        this.#mustHear || roll < 0.75,
      ),
    upgrade: () => this.#browser.databases.upgrade('dogear'),
    wipe: () => this.#empty(() => this.#browser.databases.deleteDatabase('x|dogear')),
    clearSite: () =>
      this.#empty(() => {
        this.#browser.databases.clearSite()
        this.#browser.texts.clear()
        // Web storage has no event for that: the next write finds out.
        const leader = this.#browser.open.find((it) => it.session.role === 'leader' && !it.hidden)
        if (leader && this.#browser.storage === 'web') {
          this.#type(leader)
          this.#flowType(leader)
        }
      }),
    damage: () => {
      this.#leaveAll()
      // What is stored under the first name is gone for good.
      this.#forget()
      this.#left.clear()
      this.#browser.lost = this.#restored = true
      this.#browser.databases.database('dogear').damaged = true
    },
    backup: () => (this.#backup = { data: this.#data, acked: new Set(this.#acked) }),
    restore: () => {
      if (!this.#backup) return
      this.#browser.databases.restore('dogear', this.#backup.data)
      this.#browser.lost = this.#restored = this.#setBack = true
      this.#browser.done.clear()
    },
    restoreClosed: () => {
      if (!this.#backup) return
      this.#leaveAll()
      this.#browser.databases.restore('dogear', this.#backup.data)
      this.#forget()
      this.#left.clear()
      this.#acked = new Set(this.#backup.acked)
      this.#restored = true
    },
    boxFull: ({ page }) => (page.full = !page.full),
    boxForbidden: ({ page }) => (page.forbidden = !page.forbidden),
    boxDamage: (_, { roll }) => {
      const { box } = this.#browser
      const damages = [
        (text: string) => text.slice(0, text.length >> 1),
        () => 'null',
        () => '[1,null,"x",{}]',
        (text: string) => text.replace(/\d/, '7'),
        () => '{"format":3}',
      ]
      for (const [key, text] of box) box.set(key, damages[Math.floor(roll * 5)]?.(text) ?? '')
    },
    boxForeign: (_, { roll }) => {
      const { box, texts, storage } = this.#browser
      const foreign = [
        '',
        'null',
        '[]',
        '{}',
        '[null]',
        '["x"]',
        '[{}]',
        '{"format":3,"data":"[]"}',
        '7',
        '[[]]',
      ]
      const kind = storage === 'web' ? 'web-storage' : 'indexeddb'
      for (const prefix of ['dogear:', 'dogear-asked:', 'dogear-flow:'])
        for (const key of [prefix, `${prefix}${kind}:dogear:flow`])
          if (!box.has(key)) box.set(key, foreign[Math.floor(roll * foreign.length)] ?? '')
      if (storage === 'web')
        texts.set('dogear/other', ['h0 null', 'garbage', 'h0 {"seq":1}'][Math.floor(roll * 3)] ?? '')
    },
  }

  get #data() {
    return this.#browser.databases.database('dogear').data
  }

  #type(tab: Tab): void {
    const token = `${tab.name}-${tab.typed.length};`
    tab.session.state.append('text', token)
    tab.typed.push(token)
    this.#typedAt = this.#browser.clock.now()
  }

  #flowType(tab: Tab): void {
    const token = `${tab.name}f${tab.flows.length};`
    this.#browser.flowType(tab, token)
    this.#flowAt.set(token, this.#browser.clock.now())
  }

  #flush(tab: Tab): void {
    const promised = [...tab.typed, ...tab.flows]
    const effects = (shownBy(tab).answers ?? []).map(([, , key]) => key)
    const losses = this.#losses
    tab.session.flush().then(
      () => {
        if (losses !== this.#losses) return
        for (const it of promised) this.#acked.add(it)
        for (const it of effects) if (!this.#setBack) this.#browser.done.add(it)
      },
      () => {},
    )
  }

  /** What was acknowledged is worth nothing any more. */
  #forget(): void {
    this.#acked.clear()
    this.#browser.done.clear()
    this.#losses++
  }

  #endOf(tab: Tab): void {
    // Nobody else may have what was stored before storage was emptied.
    if (this.#emptied) this.#forget()
    this.#browser.end(tab)
  }

  #leave(tab: Tab): void {
    if (this.#keeps && isShown(tab) && !isApart(tab)) for (const it of tab.typed) this.#left.add(it)
    tab.page.hide()
    this.#endOf(tab)
  }

  /** The browser is closed. */
  #leaveAll(): void {
    for (const { page } of this.#browser.open) page.hide()
    for (const tab of [...this.#browser.open]) this.#endOf(tab)
  }

  #empty(empty: () => unknown): void {
    const { open, clock } = this.#browser
    for (const it of open.flatMap((tab) => tab.flows))
      if (clock.now() - (this.#flowAt.get(it) ?? 0) < 1000) this.#unread.add(it)
    const isHeld = open.every((it) => !it.hidden && !isApart(it) && !isLoading(it))
    // A tab that is still being opened may begin the session anew, which then stays.
    if (!isHeld) {
      this.#forget()
      this.#browser.lost = true
    }
    this.#emptied = true
    empty()
  }

  /** Whoever is there has everything stored again some time after storage was emptied. */
  async #recover(): Promise<void> {
    const { open, clock, weather, wrong } = this.#browser
    Object.assign(weather, fair)
    await clock.advance(45_000)
    this.#emptied = open.some((it) => it.hidden)
    if (this.#emptied) return
    if (open.length === 0) return this.#forget()
    const leader = open.find((it) => it.session.role === 'leader')
    const status = leader?.session.persistence.status ?? 'saved'
    if (status !== 'saved') wrong.push(`45 s after storage was emptied ${leader?.name} is ${status}`)
  }

  /** A page says within a few seconds how it stands. */
  #watch(): void {
    const { open, clock, wrong } = this.#browser
    for (const tab of open) {
      const { session, name } = tab
      const { status } = session.persistence
      const shown = `${isLoading(tab)} ${status}`
      if (tab.shown !== shown || tab.hidden) {
        tab.shown = shown
        tab.since = clock.now()
      }
      const since = clock.now() - tab.since
      if (isLoading(tab) && since > 10_000) wrong.push(`${name} is loading for ${since}`)
      const isQuiet = clock.now() - this.#typedAt > 10_000
      if (status === 'saving' && since > 20_000 && isQuiet) wrong.push(`${name} is saving for ${since}`)
    }
  }

  /** What the leader calls saved must be in storage. */
  #believe(): void {
    if (this.#emptied) return
    for (const tab of this.#browser.open) {
      const { role, persistence } = tab.session
      if (role !== 'leader' || persistence.status !== 'saved' || isLoading(tab) || tab.hidden) continue
      for (const it of tokens(shownBy(tab).text)) this.#acked.add(it)
    }
  }

  /** Everybody is there again, everything is answered, and the run goes on to its end. */
  async end(): Promise<void> {
    const { open, clock, databases, wrong } = this.#browser
    databases.calm()
    for (const { page } of open) page.full = page.forbidden = false
    for (const it of open) if (it.hidden) this.#browser.show(it)
    if (open.length === 0) this.#browser.enter()
    const isWell = ({ session }: Tab): boolean => session.persistence.status === 'saved'
    for (let n = 0; n < 14 && !(n > 1 && open.every(isWell)); n++) await clock.advance(5000)
    // A page that says that it cannot go on needs a reload.
    for (const tab of open.filter((it) => it.session.status === 'error' || isApart(it))) {
      const { status, error } = tab.session.persistence
      const isForGood =
        status === 'memory-only' || (status === 'degraded' && !/too late/.test(error?.message ?? ''))
      // A follower shows the status of its leader, without the error.
      if (isForGood && tab.session.role === 'leader')
        wrong.push(`${tab.name} stays ${status}: ${error?.message}`)
      this.#browser.lost = true
      this.#leave(tab)
      await clock.advance(1000)
    }
    if (open.length === 0) this.#browser.enter()
    await clock.advance(10_000)
    for (const tab of open) this.#type(tab)
    await clock.advance(10_000)
    for (let n = 0; n < 40 && open[0]?.session.status !== 'completed'; n++) {
      const tab = this.#browser.luck.pick(open)
      void tab.session.run().catch(() => {})
      await clock.advance(100)
      await this.#attempt({ act: 'reply', who: 0, roll: 0, ms: 0 }, tab)
      await clock.advance(100)
    }
    for (let n = 0; n < 8 && !(n > 1 && open.every(isWell)); n++) await clock.advance(5000)
    this.#check()
    await this.#reload()
  }

  #check(): void {
    const { open, gone, wrong } = this.#browser
    const [first] = open as [Tab]
    const equal = (what: string, views: readonly unknown[]): void => {
      const texts = views.map((it) => JSON.stringify(it))
      if (new Set(texts).size > 1) wrong.push(`${what} differ: ${texts.join(' | ')}`)
    }
    const view = ({ session: it }: Tab) => [it.status, it.state.get(), it.asks.length, it.result]
    equal('the tabs', open.map(view))
    equal(
      'the flow states',
      open.map((it) => this.#browser.flowLog(it)),
    )
    const roles = open.map((it) => it.session.role)
    if (roles.filter((it) => it === 'leader').length !== 1) wrong.push(`roles: ${roles.join()}`)
    for (const { name, session } of open)
      if (session.persistence.status !== 'saved') wrong.push(`${name}: ${troubleOf(session)}`)
    if (first.session.status !== 'completed') wrong.push(`it ends ${troubleOf(first.session)}`)
    const { text = '', answers = [] } = shownBy(first)
    const log = this.#browser.flowLog(first)
    for (const tab of [...open, ...gone]) {
      const isOpen = open.includes(tab)
      this.#checkTyped(tab, text, isOpen && !this.#browser.lost)
      this.#checkFlow(tab, log, isOpen)
    }
    this.#checkAnswers(answers)
  }

  #checkTyped(tab: Tab, text: string, isHeld: boolean): void {
    const { wrong, lost } = this.#browser
    // What a leader of silent storage had typed comes after what it has asked since, if it is left once more meanwhile.
    const isOrdered = tab.left < 2
    const places = tab.typed.filter((it) => text.includes(it)).map((it) => text.indexOf(it))
    if (isOrdered && places.some((it, at) => at > 0 && it < (places[at - 1] ?? 0)))
      wrong.push(`${tab.name} is out of order: ${text}`)
    for (const it of tab.typed) {
      const count = text.split(it).length - 1
      const isDue = isHeld || (this.#acked.has(it) && !this.#setBack) || (this.#left.has(it) && !lost)
      if (count > 1 || (count === 0 && isDue)) wrong.push(`${it} is there ${count} times: ${text}`)
    }
  }

  #checkFlow(tab: Tab, log: string, isOpen: boolean): void {
    for (const it of tab.flows) {
      const count = log.split(it).length - 1
      const isDue = !this.#restored && !this.#unread.has(it) && (isOpen || this.#acked.has(it))
      if (count > 1 || (count === 0 && isDue))
        this.#browser.wrong.push(`flow ${it} is there ${count} times: ${log}`)
    }
  }

  /** Runs follow one another, each from its beginning to its end, and no effect counts twice. */
  #checkAnswers(answers: NonNullable<Shown['answers']>): void {
    const numbers = answers.map(([n]) => n)
    const goesOn = (it: number, at: number): boolean =>
      it === (at === 0 ? 0 : ((numbers[at - 1] ?? 0) + 1) % (ROUNDS + 1))
    const { wrong } = this.#browser
    if (!this.#restored && !numbers.every(goesOn)) wrong.push(`answers in the order ${numbers.join()}`)
    if (new Set(answers.map(([, , key]) => key)).size < answers.length) wrong.push('an effect counts twice')
  }

  /** What is stored is what was shown, and takes new writes. */
  async #reload(): Promise<void> {
    const { open, clock, wrong } = this.#browser
    const before = JSON.stringify(open[0]?.session.state.get())
    for (const tab of [...open]) this.#browser.end(tab)
    await clock.advance(100)
    this.#browser.enter()
    await clock.advance(5000)
    const [last] = open as [Tab]
    const after = JSON.stringify(last.session.state.get())
    if (after !== before) wrong.push(`stored is ${last.session.status} ${after}, and not ${before}`)
    last.session.state.append('text', 'again;')
    await clock.advance(5000)
    if (last.session.persistence.status !== 'saved') wrong.push(`reloaded: ${troubleOf(last.session)}`)
    this.#browser.end(last)
    await clock.advance(100)
  }
}

function troubleOf({ status, error, persistence }: Tab['session']): string {
  return `${status} ${persistence.status} ${persistence.error?.message ?? error?.message ?? ''}`
}
