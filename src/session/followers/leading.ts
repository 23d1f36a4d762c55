import { soon } from '../../clock'
import { sameJson } from '../../state/same'
import { isPromise } from '../../state/thenable'
import type { WorkflowEvent } from '../../workflow/event'
import type { LiveSession } from '../live-session'
import { isHeard, type Answer, type Asked, type Hello, type Message, type News, type Shown } from './message'
import { perform, lasting } from './performing'
import { recordError } from '../model/recorded-error'
import type { SessionRecord } from '../model/record'

export interface LeadingOptions {
  readonly live: LiveSession
  readonly post: (message: Message) => void
  readonly epoch: number
  /** The epoch that storage has given it, if it has. Others may know it by a higher number. */
  readonly own: number | undefined
  /** What was stored when this tab became the leader. */
  readonly base: number
  /** Checks whether the session is still stored, when somebody has found that it is not. */
  readonly doubt: () => Promise<void>
}

/** A number a little above an epoch: exact for numbers as large as a browser's, as little as possible above larger ones. */
export const between = (epoch: number): number => epoch + Math.max(1 / 64, epoch / 2 ** 53)

/** What the leader tells the other tabs, and does for them. It says nothing until one of them is there. */
export class Leading {
  epoch: number
  #base: number
  readonly #options: LeadingOptions
  readonly #turns = new Map<string, { readonly n: number; turn: Promise<void> | undefined }>()
  /** The tabs that have said hello to it. */
  readonly #known = new Set<string>()
  #heard = false
  #records: News['records'][number][] = []
  /** What was told of it last. */
  #view: Shown | undefined
  #scheduled = false
  #over = false
  #claimed: boolean

  constructor(options: LeadingOptions) {
    this.#options = options
    this.epoch = options.epoch
    this.#claimed = options.own !== undefined
    this.#base = options.base
    this.present()
  }

  /**
   * The same tab has a new epoch, and is still doing what the others have asked of it. They know it by a higher number already
   * if one of them has read that epoch first.
   */
  renew(epoch: number, base: number): void {
    this.epoch = Math.max(this.epoch, epoch)
    this.#claimed = true
    this.#base = base
    this.present()
  }

  /** Says who leads. */
  present(): void {
    this.#options.post({ kind: 'lead', epoch: this.epoch })
  }

  /** A record, as it was folded here; `more` has joined the one before. */
  record(record: SessionRecord, more: boolean): void {
    if (!this.#heard) return
    const told = this.#options.live.core.options.privacy.record(record)
    this.#records.push(more ? { record: told, more } : { record: told })
    this.changed()
  }

  stream(event: WorkflowEvent): void {
    if (!this.#heard) return
    this.#records.push({ event })
    this.changed()
  }

  changed(): void {
    if (!this.#heard || this.#scheduled) return
    this.#scheduled = true
    soon(() => this.tell())
  }

  hear(message: Message): void {
    // The tab has read storage and found nothing, though something is stored. Or it has followed a later epoch, which another
    // leader has, unless a backup has taken the place of the storage meanwhile.
    const isLater = message.kind === 'hello' && this.#claimed && message.epoch > this.epoch
    if (message.kind === 'hello' && (isLater || (message.epoch === 0 && this.#options.live.stored > 0)))
      this.#options.doubt().then(
        () => this.#welcome(message, true),
        () => this.#welcome(message),
      )
    else if (message.kind === 'hello') this.#welcome(message)
    else if (message.kind === 'ask' && message.of === this.epoch) this.do(message)
    else if (message.kind === 'gone') this.#options.doubt().catch(() => {})
  }

  /** Everything that has happened since the last time. */
  tell(): void {
    this.#scheduled = false
    if (this.#over || !this.#heard) return
    const { post, live } = this.#options
    const view = viewOf(live)
    const records = this.#records
    const changed = !sameJson(view, this.#view)
    if (records.length === 0 && !changed) return
    this.#records = []
    this.#view = view
    post({
      ...{ kind: 'news', epoch: this.epoch, durable: live.stored, records },
      ...(changed && { view }),
    })
  }

  /** Does what a tab has asked for, once, and one after the other for each tab. */
  do(asked: Asked): void {
    const last = this.#turns.get(asked.by)
    if (this.#ends) return
    if (last && asked.n <= last.n) return void Promise.resolve(last.turn).then(() => this.#repeat(asked))
    const turn = last?.turn ? last.turn.then(() => this.#perform(asked)) : this.#perform(asked)
    const entry = { n: asked.n, turn }
    this.#turns.set(asked.by, entry)
    void turn?.then(() => (entry.turn = undefined))
  }

  /** Does what was asked before this tab led, in the order in which it was asked. */
  catchUp(all: readonly (Asked & { readonly at: number })[]): void {
    for (const asked of [...all].sort((a, b) => a.at - b.at || a.n - b.n)) this.do(asked)
  }

  /** Returns the number by which others know it. */
  end(): number {
    this.tell()
    this.#over = true
    return this.epoch
  }

  /** Closing takes as long as storage does. What is asked meanwhile gets no answer here, and so goes to the next leader. */
  get #ends(): boolean {
    return this.#over || this.#options.live.closing !== undefined
  }

  #welcome({ tab, epoch, seq }: Hello, isSure = !this.#claimed): void {
    if (this.#over) return
    this.tell()
    // Claims of a leader without one may have landed without an answer: a tab that reads finds their epoch. And another leader
    // without one may have had this number, whom the tab has followed.
    const isOther = !this.#claimed && epoch === this.epoch && !this.#known.has(tab)
    this.#known.add(tab)
    if (isOther || (epoch > this.epoch && isSure)) {
      this.epoch = between(epoch)
      this.present()
    }
    this.#heard = true
    const { live, post } = this.#options
    const { core } = live
    const same = epoch === this.epoch && seq === core.model.seq && !core.isJoining
    const view = viewOf(live)
    post({
      ...{ kind: 'welcome', to: tab, epoch: this.epoch, base: this.#base, durable: live.stored, view },
      ...(!same && { model: live.save() }),
    })
  }

  /** Returns nothing when there is nothing to wait for: then the next may follow at once. */
  #perform(asked: Asked): Promise<void> | undefined {
    const { live } = this.#options
    const { core } = live
    if (this.#ends) return undefined
    if (isHeard(core.model.heard, asked)) return void this.#stored(asked, true)
    let result: unknown
    try {
      result = perform(live, asked)
    } catch (error) {
      this.#answer(asked, { error: recordError(error) })
      return undefined
    }
    if (!isPromise(result)) return void this.#stored(asked, result)
    const done = result.then(
      // A tab hears that nobody took its event before anything else is done for it.
      (value: unknown) =>
        value === false ? this.#answer(asked, { value }) : void this.#stored(asked, value),
      (error: unknown) => this.#answer(asked, { error: recordError(error) }),
    )
    return lasting.has(asked.call) ? undefined : done
  }

  /** A frozen page has missed the answer. If no record carries the operation, nobody took it. */
  #repeat(asked: Asked): void {
    const { live } = this.#options
    const heard = isHeard(live.core.model.heard, asked)
    if (heard || asked.call === 'flush') void this.#perform(asked)
    else this.#answer(asked, { value: false })
  }

  async #stored(asked: Asked, value: unknown): Promise<void> {
    const { live } = this.#options
    const { seq } = live.core.model
    await live.core.durable(seq)
    this.#answer(asked, live.stored < seq ? { value, unstored: seq } : { value })
  }

  #answer({ by, n }: Asked, outcome: Pick<Answer, 'value' | 'error' | 'unstored'>): void {
    if (this.#ends) return
    this.tell()
    this.#options.post({ kind: 'answer', to: by, n, epoch: this.epoch, ...outcome })
  }
}

function viewOf({ status, progress, persistence, missingResources }: LiveSession): Shown {
  const { status: saved, savedAt } = persistence
  return { status, progress, persistence: { status: saved, savedAt }, missing: missingResources }
}
