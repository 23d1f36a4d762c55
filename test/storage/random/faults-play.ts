import { DogearError } from '../../../src/index'
import { Browser, isApart, isBehind, isLoading, isShown, shownBy, type Tab } from './faults-browser'
import { checkEnd, checkReload, checkStatus } from './faults-check'
import { kinds, type Act, type Script } from './faults-script'
import { damageBox, litter } from './faulty-box'
import type { View } from './faulty-database'
import { turnPages } from './large'
import { fair } from './weather'

const tokens = (text = ''): string[] => text.match(/[^;]+;/g) ?? []

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
  readonly #expected = {
    acked: new Set<string>(),
    left: new Set<string>(),
    unread: new Set<string>(),
    restored: false,
    setBack: false,
  }
  readonly #flowAt = new Map<string, number>()
  /** How often what was acknowledged became worth nothing. */
  #losses = 0
  /** Storage was emptied, and it is not known whether all is stored again. */
  #emptied = false
  #backup: { readonly data: View; readonly acked: ReadonlySet<string> } | undefined
  #typedAt = 0
  #pages = 0
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
    if (/wiped|Emptied/.test(kind) || this.#browser.isLarge) await this.#browser.clock.advance(500)
    const [first] = this.#browser.open
    if (first && this.#browser.isLarge) this.#turnPages(first, 0)
  }

  async turn(act: Act): Promise<void> {
    const { open, clock } = this.#browser
    const tab = open[Math.floor(act.who * open.length)]
    if (tab === undefined) this.#browser.enter()
    else if (tab.hidden && !(tab.frozen && act.roll < 0.6)) this.#browser.show(tab)
    else if (!tab.hidden) await this.#attempt(act, tab)
    await clock.advance(act.ms)
    checkStatus(this.#browser, this.#typedAt)
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
    change: (_, { weather }) => this.#browser.change(weather),
    pages: (tab, { roll }) => this.#turnPages(tab, roll),
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
      this.#expected.left.clear()
      this.#browser.lost = this.#expected.restored = true
      this.#browser.databases.database('dogear').damaged = true
    },
    backup: () => (this.#backup = { data: this.#data, acked: new Set(this.#expected.acked) }),
    restore: () => {
      if (!this.#backup) return
      this.#browser.databases.restore('dogear', this.#backup.data)
      this.#browser.lost = this.#expected.restored = this.#expected.setBack = true
      this.#browser.done.clear()
    },
    restoreClosed: () => {
      if (!this.#backup) return
      this.#leaveAll()
      this.#browser.databases.restore('dogear', this.#backup.data)
      this.#forget()
      this.#expected.left.clear()
      this.#expected.acked = new Set(this.#backup.acked)
      this.#expected.restored = true
    },
    boxFull: ({ page }) => (page.full = !page.full),
    boxForbidden: ({ page }) => (page.forbidden = !page.forbidden),
    boxDamage: (_, { roll }) => damageBox(this.#browser.box, roll),
    boxForeign: (_, { roll }) => litter(this.#browser, roll),
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

  #turnPages(tab: Tab, roll: number): void {
    turnPages({ tab, size: this.#browser.pageSize, next: () => this.#pages++ }, roll)
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
        for (const it of promised) this.#expected.acked.add(it)
        for (const it of effects) if (!this.#expected.setBack) this.#browser.done.add(it)
      },
      () => {},
    )
  }

  /** What was acknowledged is worth nothing any more. */
  #forget(): void {
    this.#expected.acked.clear()
    this.#browser.done.clear()
    this.#losses++
  }

  #endOf(tab: Tab): void {
    // Nobody else may have what was stored before storage was emptied.
    if (this.#emptied) this.#forget()
    this.#browser.end(tab)
  }

  #leave(tab: Tab): void {
    if (this.#keeps && isShown(tab) && !isApart(tab)) for (const it of tab.typed) this.#expected.left.add(it)
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
      if (clock.now() - (this.#flowAt.get(it) ?? 0) < 1000) this.#expected.unread.add(it)
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
    // What is saved by now may be saving once more by the next look.
    checkStatus(this.#browser, this.#typedAt)
    this.#emptied = open.some((it) => it.hidden)
    if (this.#emptied) return
    if (open.length === 0) return this.#forget()
    // A tab whose run has gone on before storage answered stays beside what another one has stored, and says so.
    const leader = open.find((it) => it.session.role === 'leader' && !isBehind(it))
    const status = leader?.session.persistence.status ?? 'saved'
    if (status !== 'saved')
      wrong.push(
        `45 s after storage was emptied ${leader?.name} is ${status}: ${leader?.session.persistence.error?.message}`,
      )
  }

  /** What the leader calls saved must be in storage. */
  #believe(): void {
    if (this.#emptied) return
    for (const tab of this.#browser.open) {
      const { role, persistence } = tab.session
      if (role !== 'leader' || persistence.status !== 'saved' || isLoading(tab) || tab.hidden) continue
      for (const it of tokens(shownBy(tab).text)) this.#expected.acked.add(it)
    }
  }

  /** Everybody is there again, everything is answered, and the run goes on to its end. */
  async end(): Promise<void> {
    const { open, clock, databases, weather, wrong } = this.#browser
    Object.assign(weather, fair)
    databases.letGo()
    for (const { page } of open) page.full = page.forbidden = false
    for (const it of open) if (it.hidden) this.#browser.show(it)
    if (open.length === 0) this.#browser.enter()
    const isWell = ({ session }: Tab): boolean => session.persistence.status === 'saved'
    for (let n = 0; n < 14 && !(n > 1 && open.every(isWell)); n++) await clock.advance(5000)
    for (const tab of open)
      if (!isWell(tab) && !isApart(tab) && !isLoading(tab) && tab.session.role === 'leader')
        wrong.push(`${tab.name} does not save by itself: ${tab.session.persistence.error?.message}`)
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
    checkEnd(this.#browser, this.#expected)
    await checkReload(this.#browser)
  }
}
