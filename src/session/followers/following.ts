import { soon } from '../../clock'
import type { Op } from '../../state/op'
import { sameJson } from '../../state/same'
import type { Persistence } from '../../storage/persistence'
import type { FollowingOptions } from './following-options'
import type { LiveSession } from '../live-session'
import {
  isHeard,
  isOfLeader,
  isWrittenBy,
  type Answer,
  type AskedBefore,
  type Message,
  type News,
  type Shown,
  type Welcome,
} from './message'
import type { Model } from '../model/model'
import { isAside, isOnlyHere } from './only-here'
import { bringCopies, Overlay } from './overlay'
import type { Remote } from './remote'
import { Silence } from './silence'
import { LeaderSilentError } from './tab-errors'
import { deferred, type Deferred } from '../deferred'

/**
 * A session that another tab executes. It folds that tab's records, shows its own writes on top until they are recorded,
 * and asks that tab for everything else.
 */
export class Following implements Remote {
  readonly #options: FollowingOptions
  /** Resolves when this tab has all that the leader has. */
  readonly joined: Deferred<void> = deferred()
  view: Shown | undefined
  answering: ReadonlySet<string> = new Set()
  /** The epoch of the newest leader that was heard of. */
  epoch: number
  /** The epoch of the leader whose records are shown; 0 until its welcome. */
  heardOf = 0
  /** That of the newest welcome since a sleep. What was asked before it is sent after this tab's own work as the leader. */
  welcomed = 0
  /** Up to where the session is stored, as far as was told. */
  durable = 0
  #sending = false
  /** The page has slept: the session it followed may have been removed, and another one may have begun with its id. */
  #slept = false
  readonly overlay: Overlay
  readonly #silence: Silence
  #persistence: Persistence = Object.freeze({ status: 'saved' })
  #over = false
  /** Settles when nothing is asked any more, or nobody answers. */
  #closing: Deferred<void> | undefined

  constructor(options: FollowingOptions) {
    const { live, outbox, own, timeout, epoch } = (this.#options = options)
    this.epoch = epoch
    if (own !== undefined) [this.heardOf, this.durable] = [epoch, own]
    this.overlay = new Overlay(live.core, outbox)
    this.#silence = new Silence(this.#core.options, timeout, (error) => {
      this.#closing?.reject(error)
      outbox.silent(error)
      live.changed()
    })
    this.#listen()
  }

  get #core(): LiveSession['core'] {
    return this.#options.live.core
  }

  get outbox(): FollowingOptions['outbox'] {
    return this.#options.outbox
  }

  get persistence(): Persistence {
    const [{ error }, shown] = [this.#silence, this.view?.persistence]
    const busy = this.#options.outbox.busy || this.#isOwed
    const status = error ? 'unsaved' : busy ? 'saving' : (shown?.status ?? 'saved')
    const next: Persistence = { ...shown, status, error }
    if (!sameJson(next, this.#persistence)) this.#persistence = Object.freeze(next)
    return this.#persistence
  }

  /** Before its welcome, what this tab had recorded as the leader may be stored nowhere. */
  get #isOwed(): boolean {
    return !this.view && this.#options.own !== undefined && this.durable < this.#core.model.seq
  }

  /** Asks for missing records; for all of them after a sleep, since even the last known record may have grown meanwhile. */
  hello(everything = false): void {
    const { outbox, post, beyond } = this.#options
    if (everything) [this.#slept, this.welcomed] = [true, 0]
    const seq = everything || (beyond && this.heardOf === 0) ? -1 : this.#core.model.seq
    post({ kind: 'hello', tab: outbox.by, epoch: this.heardOf || this.epoch, seq })
  }

  hear(message: Message): void {
    if (this.#over || !isOfLeader(message)) return
    // A leader that is new and could not claim may not have heard of this epoch. Then it takes a higher number.
    if (message.kind === 'lead') {
      this.epoch = Math.max(this.epoch, message.epoch)
      this.hello()
    } else if (message.epoch < this.epoch) return
    else if (message.kind === 'news') this.#news(message)
    else if (message.kind === 'answer') this.#answered(message)
    else if (message.to === this.#options.outbox.by) this.#welcome(message)
  }

  write(ops: readonly Op[]): void {
    const { model } = this.#core
    const { outbox } = this.#options
    this.overlay.begin()
    // Private values stay in this tab.
    const told = this.#core.options.privacy.told(ops)
    if (told.length > 0) outbox.write(told, model.seq, this.#core.options.clock.now())
    this.overlay.add(ops)
    this.#sendSoon()
  }

  /** Shows the unanswered operations of tabs that were left, and asks for them again. */
  resume(left: readonly AskedBefore[]): void {
    const { outbox } = this.#options
    for (const asked of left) {
      if (isHeard(this.#core.model.heard, asked)) continue
      this.overlay.begin()
      outbox.resume(asked, this.#core.options.clock.now())
      if (asked.call === 'write') this.overlay.add(asked.args[0] as Op[])
    }
    if (!outbox.busy) return
    this.#showAnswering()
    this.#sendSoon()
  }

  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    const { outbox } = this.#options
    const { done } = outbox.add(name, args, this.#core.model.seq, this.#core.options.clock.now())
    if (name === 'reply') this.#showAnswering()
    if (this.#silence.error) outbox.silent(this.#silence.error)
    this.#sendSoon()
    return done.promise
  }

  /** Sends the operations that this leader was not asked for yet. */
  send(): void {
    this.#sending = false
    if (this.#over || this.welcomed !== this.epoch) return
    const { outbox, post } = this.#options
    for (const entry of outbox.pending) {
      if (entry.askedOf === this.epoch) continue
      entry.askedOf = this.epoch
      entry.sent = true
      const { by, n, seen, call, args } = entry
      post({ kind: 'ask', of: this.epoch, by, n, seen, call, args })
    }
  }

  /** The page is left, or the session closed: this may be the last that others hear. Returns whether it is kept as well. */
  leave(): boolean {
    const kept = this.#options.keep({ epoch: Math.floor(this.epoch), base: this.durable })
    this.send()
    return kept
  }

  /** Resolves when what was done here is stored, or kept for the next leader. */
  async close(): Promise<void> {
    const { outbox, onError } = this.#options
    const kept = this.leave()
    if (outbox.undone.length === 0) return
    this.#closing = deferred()
    this.#listen()
    try {
      await this.#closing.promise
    } catch (error) {
      if (kept) return
      onError(error)
      throw error
    }
  }

  /** This tab is to lead. A closing session does not, and there is no other tab left to answer it. */
  promote(): void {
    this.joined.resolve()
    this.#closing?.reject(new LeaderSilentError(this.#core.options.id))
  }

  /**
   * Whether the records that were heard continue what was found: then only this tab has them. `epoch` is that of what is stored,
   * if anything is; `found` may be in the exit journal alone. If no more is stored than this tab was told of, another tab that
   * has claimed the session since has stored nothing.
   */
  extends(epoch: number | undefined, found: Model | undefined, emptied: boolean): boolean {
    const { model, history } = this.#core
    if (model.seq <= (found?.seq ?? 0)) return false
    if (emptied || this.heardOf === 0) return emptied
    if (epoch === undefined && !found) return this.durable === 0
    return epoch === this.heardOf || (found?.seq === this.durable && history.wasOnce(found, model))
  }

  /** Whether anything of the session that was shown may have been stored. */
  get wasStored(): boolean {
    return this.durable > 0 || (this.heardOf === 0 && this.#options.own === undefined)
  }

  end(): void {
    this.#over = true
    this.#silence.end()
    this.joined.resolve()
  }

  #welcome({ epoch, model, view, base, durable }: Welcome): void {
    const [anew, before] = [epoch !== this.heardOf, this.durable]
    const { live, outbox, onError, mayLeadOn } = this.#options
    if (isAside(this.#core, before, model, view)) return
    if (this.welcomed > 0 && isOnlyHere(this.#core, before + durable, model, view) && mayLeadOn())
      return void live.takeOver().catch(() => {})
    const { seq, lineage } = this.#core.model
    this.overlay.takeOff(true)
    if (model) live.adopt(model)
    if (this.#slept && seq > 0 && this.#core.model.lineage !== lineage)
      outbox.lose(this.#core.options.id, onError, this.#core.model.heard)
    this.#slept = false
    this.epoch = this.heardOf = this.welcomed = epoch
    if (anew) {
      outbox.recall(this.#core.model)
      this.#options.onLeader(base, before)
    }
    this.#stored(durable)
    this.#show(view, true)
    this.send()
    this.joined.resolve()
  }

  #news({ epoch, records, view, durable }: News): void {
    if (epoch !== this.heardOf) {
      // Not welcomed yet: these news will be in the model.
      if (epoch > this.epoch) this.hear({ kind: 'lead', epoch })
      return
    }
    this.#stored(durable)
    const { live } = this.#options
    if (records.length > 0) this.overlay.takeOff(bringCopies(records))
    let missed = false
    for (const it of records) {
      const { seq } = this.#core.model
      if ('record' in it && it.record.kind === 'reset') this.overlay.beginAnew()
      if ('event' in it) live.streams.push(it.event)
      else if (it.record.seq > seq + 1) missed = true
      else if (it.record.seq > seq || (it.more && it.record.seq === seq)) live.core.adopt(it.record)
    }
    if (missed) this.hello()
    this.#show(view, records.length > 0, !missed && isWrittenBy(records, this.#options.outbox.by))
  }

  #stored(seq: number): void {
    this.durable = seq
    this.#options.outbox.stored(seq)
  }

  #answered(answer: Answer): void {
    const { outbox } = this.#options
    const asked = outbox.find(answer)
    if (asked === undefined) return
    // A write that the leader has heard is already in the records.
    const refused = asked.call === 'write' && !isHeard(this.#core.model.heard, asked)
    if (refused) this.overlay.takeOff()
    outbox.answered(asked, answer)
    this.#show(undefined, refused)
  }

  /** Shows what is recorded, with this tab's unrecorded writes on top. */
  #show(view: Shown | undefined, changed: boolean, known = false): void {
    const { live } = this.#options
    if (view) live.progress = (this.view = view).progress
    this.overlay.putOn(changed, known)
    this.#showAnswering()
    this.#listen()
    live.changed()
  }

  #showAnswering(): void {
    const asks = this.#options.outbox.pending.filter((it) => it.call === 'reply')
    if (asks.length > 0 || this.answering.size > 0)
      this.answering = new Set(asks.map((it) => it.args[0] as string))
  }

  #sendSoon(): void {
    this.#listen()
    if (!this.#sending) soon(() => this.send())
    this.#sending = true
    this.#options.live.changed()
  }

  #listen(): void {
    const oldest = this.#options.outbox.pending[0]
    this.#silence.watch(oldest?.at ?? (this.#isOwed ? this.#core.options.clock.now() : undefined))
    if (oldest === undefined) this.#closing?.resolve()
    else if (this.#silence.error) this.#closing?.reject(this.#silence.error)
  }
}
