import type { Clock } from '../clock'
import { ExitJournal, type Box } from '../storage/exit-journal'
import type { Serializer } from '../storage/serializer'
import type { LimitedStorage } from '../storage/limited'
import type { Tail } from '../storage/tail'
import type { LiveSession } from '../session/live-session'
import { isHeard } from '../session/followers/message'
import type { Membership } from './membership'
import type { MembershipOptions } from './membership-options'
import { missingOf, tellLost, unstoredOf } from './overtaken'
import { ASKED, listOf } from './place'
import type { Restored } from './restoring'
import { Unanswered, type Left } from './unanswered'

/** What Dogear needs of a page; `window` is one. */
export interface Page {
  addEventListener(type: string, listener: (event: object) => void): void
  removeEventListener(type: string, listener: (event: object) => void): void
  readonly document?: { readonly visibilityState: string }
  /** Throws where it is forbidden. */
  readonly localStorage?: Box
}

export interface LeavingOptions {
  readonly page: Page
  readonly live: LiveSession
  readonly tabs: Membership
  /** Names the session among all that are stored here. */
  readonly place: string
  readonly storage: LimitedStorage
  readonly serializer: Serializer
  /** Of the workflow. */
  readonly version: number
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/**
 * What one session does when its page is left, and when it comes back (decision 13). There is no `unload` handler and
 * nothing stays open, so that the page can be kept in the back/forward cache.
 */
export class Leaving {
  readonly #options: LeavingOptions
  readonly #exit: ExitJournal
  readonly #unanswered: Unanswered
  readonly #key: string
  /** What other tabs have left, until this one executes. */
  #left: readonly Left[] = []
  /** What the last page had left, and storage does not have yet. */
  #taken: Tail['records'] = []
  /** The epoch under which the session was stored when it was read. */
  #found: number | undefined
  /** The page is being left, or is frozen. */
  away = false

  constructor(options: LeavingOptions) {
    this.#options = options
    const { page, place, serializer } = options
    const exit = { box: () => page.localStorage, key: place, serializer }
    this.#key = place.replace('dogear:', ASKED)
    this.#exit = new ExitJournal(exit)
    this.#unanswered = new Unanswered({ ...exit, key: this.#key }, options.tabs.outbox.by)
    page.addEventListener('pagehide', this.#hide)
    page.addEventListener('pageshow', this.#show)
    page.addEventListener('visibilitychange', this.#look)
  }

  /** The session is closed. What storage has not taken is left to the next page; a killed page leaves nothing. */
  end(): void {
    const { page, live } = this.#options
    if (live.core.closed === 'closed' && this.#executes && !this.away) this.#leave()
    page.removeEventListener('pagehide', this.#hide)
    page.removeEventListener('pageshow', this.#show)
    page.removeEventListener('visibilitychange', this.#look)
    page.removeEventListener('storage', this.#notice)
  }

  /** Whether this page executes the session, which may be closed by now and still on its way to storage. */
  get #executes(): boolean {
    const { live, tabs } = this.#options
    if (!live.closing) return live.role === 'leader'
    return tabs.shared ? live.leading !== undefined : live.persistence.status !== 'outdated'
  }

  /** The first look into `localStorage` blocks a page for some milliseconds: better while storage is being read. */
  prepare(): boolean {
    try {
      return this.#options.page.localStorage !== undefined
    } catch {
      return false
    }
  }

  /** Looks for what other tabs have left, and for what the last leader has left. */
  async left(): Promise<Tail | undefined> {
    this.#left = await this.#unanswered.read()
    return this.#exit.read()
  }

  /** Whether tabs that were left had asked for something. */
  get isLeft(): boolean {
    return this.#left.length > 0
  }

  /** What other tabs had asked of this session. */
  get asked(): ReturnType<MembershipOptions['left']> {
    return this.#left.flatMap((it) =>
      this.#isOurs(it) ? it.asked.map((asked) => ({ ...asked, at: it.at, lineage: it.lineage })) : [],
    )
  }

  #isOurs({ version, lineage, base }: Left): boolean {
    const { live, version: own } = this.#options
    const { model } = live.core
    const isOfThis = lineage === model.lineage || lineage === '' || (model.seq === 0 && base === 0)
    return version === own && isOfThis
  }

  /**
   * Leaves to the next leader what this tab has asked of the present one, and what it had recorded itself while it led.
   * Returns whether what was asked is kept.
   */
  keep(known: { readonly epoch: number; readonly base: number }): boolean {
    const { tabs, live, clock, version } = this.#options
    const { outbox } = tabs
    const { model } = live.core
    // Nothing was stored, and no leader has answered yet: it is meant for whichever session begins with this id.
    const lineage = !tabs.following?.heardOf && model.seq === 0 ? '' : model.lineage
    const about = { ...known, lineage, at: clock.now(), version }
    const records = tabs.kept.unstored(known.base)
    const last = records.at(-1)?.seq
    // Whoever leads may have been left a moment ago, with more than this tab has heard of.
    const isMore = last !== undefined && !this.#exit.reaches(last, lineage, known.epoch)
    if (isMore && this.#exit.write({ ...about, records })) tabs.kept.lose()
    const asked = outbox.leave()
    return asked.length > 0
      ? this.#unanswered.write(asked, about)
      : outbox.pending.every(({ by }) => by !== outbox.by)
  }

  /**
   * This page executes, and does what others had left, unless it has. Once that is stored, their lists are removed. What was
   * left for another session of this name, or by other code, is reported as lost.
   */
  heeded(): void {
    const { page, live } = this.#options
    const { leading, core } = live
    const left = this.#left
    if (leading === undefined || live.closing) return
    // Not before the session is shown: the first such listener opens two storages, which blocks the page.
    page.addEventListener('storage', this.#notice)
    if (left.length === 0) return
    for (const asked of this.asked) leading.do(asked)
    const { heard } = core.model
    const foreign = left.filter((it) => !this.#isOurs(it)).flatMap((it) => it.asked)
    const lost = foreign.filter((it) => !isHeard(heard, it)).map(({ call }) => call)
    this.#left = []
    tellLost(this.#options, [...new Set(lost)])
    this.#onceStored(() => this.#unanswered.clear(left))
  }

  /** Another page of the origin has written something. */
  readonly #notice = async (event: object): Promise<void> => {
    const { live, place } = this.#options
    const { key } = event as { readonly key?: unknown }
    const { core } = live
    if (!live.leading || this.away) return
    // Left by a tab that had led before, and was mostly heard: once all of it is stored, nobody needs it.
    const tail = key === place ? await this.#exit.read() : undefined
    if (tail?.lineage === core.model.lineage) {
      tellLost(this.#options, missingOf(tail.records, core.history, core.model.seq))
      this.#clearOnceStored()
    }
    if (listOf(String(key)) !== this.#key) return
    this.#left = await this.#unanswered.read()
    this.heeded()
  }

  /** The session is shown, and not claimed yet. Notes what the last page had left, and the epoch that was found. */
  begin(tail: Tail | undefined, epoch: number): void {
    this.#taken = tail?.records ?? []
    this.#found = epoch
  }

  /** What the last page had left does not continue what was found: what is missing there is lost. */
  drop({ records }: Tail, history: Restored['history']): void {
    this.#exit.clear()
    tellLost(this.#options, missingOf(records, history))
  }

  /** What the last page had left is part of the session now. It stays, as this page's own, until storage has it. */
  settle(tail: Tail, epoch: number): void {
    this.#write(epoch, tail)
    this.#clearOnceStored()
  }

  #clearOnceStored(): void {
    this.#onceStored(() => {
      this.#taken = []
      // If this page was left meanwhile, it has put more into it.
      if (!this.away) this.#exit.clear()
    })
  }

  /** Soon, or after an outage, as long as this page executes. */
  #onceStored(then: () => void): void {
    const { live } = this.#options
    const { core } = live
    const { seq } = core.model
    const look = (): void => {
      if (!core.remote && live.stored < seq) return
      unsubscribe()
      if (!core.remote) then()
    }
    const unsubscribe = live.subscribe(look)
    live.flush().then(look, () => {})
  }

  /** The last chance. Slow work may never end, or may block every other tab when the page is frozen with it. */
  readonly #hide = (event: object): void => {
    this.away = true
    const { live, tabs, storage } = this.#options
    let released = isCached(event)
    if (this.#executes) {
      const kept = this.#leave()
      // It could not be kept beside storage.
      if (kept === false && !released) live.flush().catch(() => {})
      released ||= kept === true
    }
    if (released) storage.release()
    tabs.freeze()
  }

  /** Returns whether what storage lacks is kept beside it; nothing when storage has everything. */
  #leave(): boolean | undefined {
    const { tabs, clock, version } = this.#options
    const epoch = tabs.epoch ?? this.#found
    if (epoch === undefined) return undefined
    const records = this.#unstored()
    if (records.length > 0) return this.#write(epoch, { records, at: clock.now(), version })
    this.#exit.clear()
    return undefined
  }

  /** All records after what is stored. */
  #unstored(): Tail['records'] {
    const { live } = this.#options
    const records = unstoredOf(live)
    if (records[0]?.seq === live.stored + 1) return records
    // What came from the last page may be stored by now, though not at the first try.
    const taken = this.#taken.filter((it) => it.seq > live.stored)
    const since = taken.at(-1)?.seq ?? 0
    return [...taken, ...records.filter((it) => it.seq > since)]
  }

  #write(epoch: number, { version, at, records }: Pick<Tail, 'version' | 'at' | 'records'>): boolean {
    const { stored: base, core } = this.#options.live
    return this.#exit.write({ version, epoch, base, lineage: core.model.lineage, at, records })
  }

  readonly #show = (event: object): void => {
    this.away = false
    if (isCached(event)) void this.#options.tabs.thaw()
  }

  /** A hidden page may be killed without another event. A page that is left is hidden after `pagehide`: too late to write. */
  readonly #look = (): void => {
    const { page, live } = this.#options
    if (!this.away && page.document?.visibilityState === 'hidden' && live.role === 'leader')
      live.flush().catch(() => {})
  }
}

/** Whether the page goes into the back/forward cache, or comes from it. */
export function isCached(event: object): boolean {
  return (event as { readonly persisted?: boolean }).persisted === true
}
