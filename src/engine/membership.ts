import { StaleEpochError } from '../storage-errors'
import { withinLimit } from '../storage/time-limit'
import { Following } from '../session/followers/following'
import { between, Leading } from '../session/followers/leading'
import { isOfLeader, rollCall, type Message } from '../session/followers/message'
import type { Model } from '../session/model/model'
import { Outbox } from '../session/followers/outbox'
import { reasonOf } from '../session/reasons'
import type { Resumed } from '../session/session'
import { ReadOnlyError } from '../session/followers/tab-errors'
import { Election } from '../tabs/election'
import { Line } from '../tabs/line'
import type { Found } from './finding'
import type { MembershipOptions } from './membership-options'
import { isBeginningOf, Kept, tellLost } from './overtaken'

/** Milliseconds that a follower waits for its leader before it shows what is stored. */
const PATIENCE = 1000

/** One session's place among the tabs that have it open (decision 12): what this tab does, as the {@link Election} goes. */
export class Membership {
  /** Whether this tab executes, or is about to. */
  leads = false
  /** The session of another tab, as long as this one is not the one that executes. */
  following: Following | undefined
  /** The epoch of this tab, once it has claimed the session. */
  epoch: number | undefined
  readonly #options: MembershipOptions
  readonly outbox: Outbox
  readonly #line: Line<Message>
  readonly #election: Election
  #leading: Leading | undefined
  /** The number by which others have known this tab as the leader. It may be above the epoch that it is given then. */
  #told = 0
  /** What this tab had recorded as leader, and may not be stored. */
  readonly kept: Kept
  #left = false
  #ledOn = false

  constructor(options: MembershipOptions) {
    this.#options = options
    this.outbox = new Outbox(options.by)
    this.kept = new Kept(options, this.outbox)
    this.#line = new Line<Message>(options, (message, ahead) => {
      // Older code is not understood. A page that comes back from the cache hears that it is outdated.
      if (ahead < 0) return message.kind === 'hello' && this.#leading?.present()
      // Somebody could read the session, which this tab could not, or starts it over.
      if (message.kind === 'lead' && options.live.status === 'error') options.load().catch(() => {})
      else if (ahead === 0 || message.kind === 'gone') this.#hear(message)
      else if (message.kind === 'lead') this.#outdated(message.epoch)
      // A tab with nothing to take over would wait for ever on a leader it does not understand. A roll call comes first.
      else if (message.kind === 'hello' && message.epoch >= 0) this.#outdated()
    })
    this.#election = new Election(options, {
      line: this.#line,
      call: () => (this.following ? this.following.hello() : this.#post(rollCall(options.by))),
      onWon: () => void this.#promote().catch(() => {}),
      onLost: () => this.#demote(),
    })
    this.leads = !this.shared
  }

  /** Whether there may be other tabs. */
  get shared(): boolean {
    return this.#election.shared
  }

  /** Whether this tab has the lock and has followed nobody: then what it has read is stored, unless the claim says otherwise. */
  get alone(): boolean {
    return this.leads && this.#election.sure && !this.following
  }

  /** Finds out who executes. */
  async join(): Promise<void> {
    if (!this.leads) this.leads = await this.#election.stand()
  }

  /**
   * The session was read, and another tab executes it. Resolves when this tab has all that the other one has. The result
   * says whether that will do: what older code shows may lack a default of this tab's.
   */
  async follow(model: Model, epoch: number, resumed: Resumed, beyond: boolean): Promise<boolean> {
    const { live, clock, left } = this.#options
    const following = this.#follow(model, epoch, undefined, beyond)
    following.resume(left())
    // The leader may be about to leave: then this tab is next.
    this.#election.wait()
    await withinLimit(clock, following.joined.promise, PATIENCE, 'welcome').catch(() => {})
    if (this.following !== following || this.leads) return true
    if (!following.overlay.isWhole) return false
    this.#readOnly()
    const seen = { savedAt: clock.now(), ...resumed, found: true, reason: 'other-tab' } as const
    live.admit(live.core.model.seq > 0 ? seen : resumed)
    return true
  }

  /** The newest epoch that this tab knows of, or a number a little above it. */
  get known(): number {
    return Math.max(this.following?.epoch ?? 0, this.#told)
  }

  /** The model that was followed, if it is ahead of what its leader has stored and of what was found. */
  ahead(found: Found): Model | undefined {
    const { core } = this.#options.live
    const { loaded, model, emptied = false } = found
    const goesOn = isBeginningOf(core, found) || this.following?.extends(loaded?.head.epoch, model, emptied)
    if (!this.following || !goesOn) return undefined
    this.following.overlay.takeOff()
    return core.model
  }

  /** This tab executes under epoch `own`. Without one, or if a backup gave it out again, others know it by one above `found`. */
  lead(own: number | undefined, base: number, found = 0): void {
    const { live, doubt } = this.#options
    if (this.#leading) return own === undefined ? undefined : this.renew(own, base)
    const durable = this.following?.durable ?? 0
    const epoch = Math.max(own ?? 0, between(Math.max(found, this.known)))
    this.end()
    this.epoch = own
    // It is alone, or the lock was stolen while the session was claimed.
    if (!this.shared || !this.leads) return void this.missed()
    const leading = new Leading({ live, post: this.#post, epoch, own, base, doubt })
    this.#leading = live.leading = leading
    live.core.announce = (record, more) => leading.record(record, more)
    this.outbox.recall(live.core.model)
    this.kept.again(base, durable)
    this.kept.from = base
    this.outbox.keepNames()
    leading.catchUp([...this.#options.left(), ...this.outbox.pending])
  }

  /** This tab no longer executes or follows, until it begins one of the two anew. */
  end(): void {
    const { live } = this.#options
    this.following?.end()
    this.#told = this.#leading?.end() ?? this.#told
    this.following = this.#leading = live.leading = live.core.announce = undefined
  }

  /** Storage has refused a write. Returns whether this tab follows a new leader; a deleted session has none. */
  fenced({ newest }: StaleEpochError): boolean {
    if (!this.#leading) return false
    // It is closing, and its claim never came: what it has is left to the next page.
    if (this.epoch === undefined && this.#options.live.closing) return true
    if (newest === 0) this.kept.forget()
    if (newest > 0) this.#demote()
    else this.standDown()
    return newest > 0
  }

  /** The stored session is gone, or this tab's code cannot read it: another tab may execute it. */
  standDown(overtaken = false): void {
    this.leads = !this.shared
    this.end()
    this.#election.leave(overtaken)
  }

  /** Somebody has written the session since it was read and shown, or has the lock now. Returns whether this tab follows them. */
  missed(): boolean {
    if (!this.shared) return false
    this.#demote(0, this.#election.held)
    this.#options.live.admit(this.#options.live.resumed)
    return true
  }

  /** This tab has claimed the session after all, or once more because the storage was emptied. */
  renew(epoch: number, base: number): void {
    this.epoch = epoch
    this.#leading?.renew(epoch, base)
  }

  /** Makes this tab the leader, whatever the other one does. A closed session would never let go of the lock again. */
  async takeOver(): Promise<void> {
    if (this.#left) throw reasonOf(this.#options.live.core)
    if (this.#leading) return
    await this.#election.steal()
    await this.#promote()
  }

  /** The page goes to sleep, or is left: others may have the session. */
  freeze(): void {
    this.#leading?.tell()
    this.following?.leave()
    this.outbox.forget()
    this.#election.leave()
    this.#line.disconnect()
  }

  /** The page is back as it was. Others may have the lock, and have gone on with the session. */
  async thaw(): Promise<void> {
    if (!this.shared) return
    this.#line.connect()
    if (!this.#leading) this.following?.hello(true)
    if (this.#leading || !this.#election.held) this.#demote()
    await this.#election.again()
  }

  /** The session is closed, which another tab may have overtaken, or its page was killed. */
  leave(): void {
    this.#left = true
    const { core } = this.#options.live
    if (core.closed === 'closed') this.following?.leave()
    this.standDown()
    this.#line.disconnect()
    if (core.closed === 'crashed') return // Calls of a killed page never settle.
    this.outbox.reject(() => reasonOf(core))
    tellLost(this.#options, this.kept.lose())
  }

  /** Older code executes in another tab: this tab takes over, goes on from what is stored, and migrates. */
  async seize(): Promise<void> {
    await this.#election.steal()
    this.end()
    this.leads = true
  }

  /** Newer code has the session, and may have migrated it: only a reload helps. `epoch`: its own, once it has one. */
  #outdated(epoch?: number): void {
    const { live, onError } = this.#options
    const own = this.#leading?.epoch ?? this.known
    if (this.#leading) this.kept.keep()
    if (!this.following) this.end()
    this.leads = false
    this.#election.leave()
    const error = new StaleEpochError(live.core.options.id, own, epoch ?? own + 1)
    error.lost = [...this.kept.lose(), ...this.outbox.undone]
    live.fence(error)
    this.outbox.reject(() => error)
    if (error.lost.length > 0) onError(error)
  }

  async #promote(): Promise<void> {
    this.leads = true
    this.following?.promote()
    try {
      // The read that is under way comes to its end first: it may have begun for a follower.
      await this.#options.load()
      if (this.leads && !this.#leading) await this.#options.load()
    } catch (error) {
      // Being read-only is no worse than before; another tab may have more luck.
      if (this.leads && !this.#left) {
        this.leads = false
        this.#election.leave()
        // A session that cannot be read is read again when somebody asks for it, or can read it.
        if (this.#options.live.status !== 'error') this.#election.waitLater()
      }
      throw error
    }
  }

  /** Somebody else executes from now on, and is asked to do what this tab had not stored; or this tab `stays`, and reads again. */
  #demote(epoch: number | undefined = this.#leading?.epoch, stays = false, heard = false): void {
    this.leads = false
    if (this.#left) return
    // It was about to execute, and waits for its turn again.
    if (epoch === undefined) return this.following && this.#election.wait()
    const { stored, core } = this.#options.live
    this.outbox.stored(stored)
    this.kept.keep()
    if (!stays) this.standDown(heard)
    this.#follow(core.model, epoch, stored)
    this.#readOnly()
    if (stays) this.#promote().catch(() => {})
    else this.#election.wait()
  }

  #follow(model: Model, epoch: number, own?: number, beyond = false): Following {
    const { live } = this.#options
    this.end()
    live.core.model = model
    const following = (this.following = new Following({
      ...this.#options,
      ...{ epoch, own, beyond, outbox: this.outbox, post: this.#post },
      onLeader: (base, durable) => this.kept.again(base, durable),
      mayLeadOn: () => !this.#ledOn && (this.#ledOn = true),
    }))
    live.follow(following)
    following.hello()
    return following
  }

  /** A tab that cannot tell whether the other one is alive only shows. */
  #readOnly(): void {
    if (!this.#election.sure) this.#options.live.fence(new ReadOnlyError(this.#options.live.core.options.id))
  }

  #hear(message: Message): void {
    if (message.kind === 'welcome') this.#election.answered()
    // The epoch is higher than its own: storage would refuse the next write anyway.
    if (this.#leading && isOfLeader(message) && message.epoch > this.#leading.epoch)
      this.#demote(this.#leading.epoch, false, true)
    ;(this.#leading ?? this.following)?.hear(message)
  }

  readonly #post = (message: Message): void => {
    const own = message.kind === 'answer' && this.outbox.find(message)
    if (own) this.outbox.answered(own, message)
    else this.#line.post(message)
  }
}
