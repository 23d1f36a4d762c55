import { nextTask, type Clock } from '../clock'
import { StaleEpochError, StorageError } from '../storage-errors'
import type { Journal } from '../storage/journal'
import type { Persistence } from '../storage/persistence'
import type { LimitedStorage } from '../storage/limited'
import type { StoredHead, StoredShape } from '../storage/storage'
import { withinLimit } from '../storage/time-limit'
import { never } from '../session/deferred'
import type { LiveSession } from '../session/live-session'
import type { OpeningDeps } from './opening-deps'

/** Whether the whole storage was emptied since this epoch was claimed, and not just one session removed. */
export async function isEmptied(storage: LimitedStorage, epoch: number): Promise<boolean> {
  const first = await storage.began()
  return first === 0 || first > epoch
}

export function emptied(of: string): StorageError {
  return new StorageError(
    `the storage of ${of} was emptied under the open page; all that the page holds is stored again`,
  )
}

const LOOKS = 4
const NEXT_LOOK = 500

/**
 * Somebody may have emptied the storage, or be doing so; then it cannot be read for a moment. If this many looks, this many
 * milliseconds apart, do not tell, the next write will.
 */
export function look(clock: Clock, now: () => Promise<unknown> | undefined, tries: number = LOOKS): void {
  if (tries > 0) now()?.catch(() => clock.setTimeout(() => look(clock, now, tries - 1), NEXT_LOOK))
}

/** Milliseconds until a claim that failed is made again, unless a write makes it before. */
const NEXT_CLAIM = 5000
/** After so many milliseconds the answer to a claim may be lost for ever, and another one is made. */
const LOST = 30_000

/** What the other tabs must hear from storage. */
export interface Told {
  /** Returns whether the session goes on all the same, as a follower. */
  fenced(error: StaleEpochError): boolean
  /** The session has a new epoch, and is stored up to `base`. */
  renew(epoch: number, base: number): void
  /** Somebody has written the session between the read and the claim. Returns whether it goes on, as a follower. */
  missed(): boolean
}

export interface TenureDeps extends Pick<OpeningDeps, 'storage' | 'clock' | 'timeout' | 'onError'> {
  readonly live: LiveSession
  readonly shape: StoredShape
  /**
   * `undefined`: the session is not claimed yet. Then `begun` is called with the epoch, or without one when storage takes no
   * claim for now. When somebody has written the session since it was read, `tabs.missed` is called.
   */
  readonly epoch: number | undefined
  /** What was read, if anything. */
  readonly found: Pick<StoredHead, 'seq' | 'epoch'> | undefined
  readonly begun: (epoch: number | undefined) => void
  readonly journal: Journal
  readonly tabs: Told
}

/**
 * A page's right to write one session. When somebody empties the storage under the page (clears the site's data, deletes
 * the database), nobody else has that right: the session is claimed once more, and everything that the page holds is stored
 * again. A session that was deleted, or that somebody has begun anew meanwhile, is left alone.
 */
export class Tenure {
  epoch: number | undefined
  readonly #deps: TenureDeps
  #beginning: Promise<number> | undefined
  #claiming: Promise<boolean> | undefined
  #claimedAt = 0
  /** What was shown right after the session was claimed anew: still the same until something is stored, or has failed. */
  #anew: Persistence | undefined

  constructor(deps: TenureDeps) {
    this.#deps = deps
    this.epoch = deps.epoch
  }

  /** Tries to claim what was read, by itself and for each write, until it succeeds. In a task of its own, so that it is shown first. */
  start(): void {
    nextTask(() => void this.#try())
  }

  async #try(): Promise<void> {
    const { live, clock, journal, begun } = this.#deps
    if (this.epoch !== undefined || !this.#holds) return
    try {
      await this.begin()
    } catch (error) {
      if (live.core.closed === 'crashed') return
      if (error instanceof StaleEpochError && this.#holds) {
        // Somebody else has gone on with it, and this page cannot follow them: as after any refused write.
        return journal.owe()
      }
      if (this.#holds) {
        journal.claimed(error)
        begun(undefined)
      }
      // Storage in trouble never stops a flow.
      live.begin()
      clock.setTimeout(() => void this.#try(), NEXT_CLAIM)
    }
  }

  /** One claim at a time; whoever needs the epoch waits for it. */
  begin(): Promise<number> {
    return (this.#beginning ??= this.#begin().finally(() => (this.#beginning = undefined)))
  }

  async #begin(): Promise<number> {
    const { storage, clock, timeout, live, shape, found, begun, tabs, journal } = this.#deps
    const { id } = live.core.options
    const claim = storage.claim(id, shape, found?.seq ?? 0, clock.now())
    const { epoch, seq } = await withinLimit(clock, claim, timeout, `claim of session "${id}"`)
    // A session that is being closed has writes that wait for this claim.
    const ends = live.closing !== undefined && live.core.journal === journal
    if ((this.#holds || ends) && Number.isSafeInteger(epoch)) {
      this.epoch = epoch as number
      begun(this.epoch)
      journal.claimed()
      live.begin()
      return this.epoch
    }
    if (seq === 0 && (await isEmptied(storage, found?.epoch ?? 0)) && this.#holds) throw this.#lost()
    if (ends || (this.#holds && !tabs.missed())) throw new StaleEpochError(id, 0, 1)
    // The journal that asks was abandoned.
    return never()
  }

  /** As for a page that had claimed what is gone: its next write is refused, and all that it holds is stored again. */
  #lost(): StaleEpochError {
    const { live, found, begun } = this.#deps
    this.epoch = found?.epoch ?? 0
    begun(undefined)
    live.begin()
    return new StaleEpochError(live.core.options.id, this.epoch, 0)
  }

  /** The error of a refused write; nothing when the storage had only been emptied, and the session is claimed again. */
  async remedied(error: unknown): Promise<unknown> {
    const { clock, timeout, live, journal } = this.#deps
    const { id } = live.core.options
    if (!(error instanceof StaleEpochError)) return error
    // It was on its way when this page claimed the session anew, and is in the copy that is owed.
    if (error.newest === this.epoch && error.epoch !== this.epoch) return undefined
    // A claim that is under way may have landed: only its answer tells whose epoch that is.
    if (error.newest !== 0 && !this.#claiming) return error
    // Gone once more: without a pause, a storage that keeps nothing would be asked all the time.
    if (this.#anew === journal.persistence)
      return new StorageError(`the storage does not keep session "${id}"`)
    const renewed = withinLimit(clock, this.#renew(), timeout, `claim of session "${id}"`)
    return renewed.then(
      (done) => (done ? undefined : error),
      (reason: unknown) => reason,
    )
  }

  look(): void {
    const { live, clock } = this.#deps
    const now = async (): Promise<void> => {
      // One that is under way may have looked too early.
      await this.#claiming?.catch(() => {})
      if (this.epoch !== undefined && live.core.model.seq > 0) await this.#renew()
    }
    look(clock, now)
  }

  /**
   * Another tab has found nothing stored, or has stored all of it. A page that writes nothing would not hear of that before
   * its next write.
   */
  async doubt(): Promise<void> {
    const { storage, clock, timeout, live, journal, tabs } = this.#deps
    const { id } = live.core.options
    const stored = await withinLimit(clock, storage.read(id), timeout, `look at session "${id}"`)
    if (!this.#holds) return
    if (stored && live.core.model.seq === 0) return void tabs.missed()
    // With another epoch, or nothing where there was something, the next write is refused and tells why.
    const isAsItWas = stored
      ? this.epoch === undefined || this.epoch === stored.head.epoch
      : live.stored === 0
    if (isAsItWas) return
    journal.owe()
    await journal.flush()
  }

  /** Whether this page still writes the session under this tenure. */
  get #holds(): boolean {
    const { live, journal } = this.#deps
    return live.role === 'leader' && live.core.journal === journal && !live.core.closed
  }

  /** One claim at a time, unless its answer is lost. A claim that was given up may land all the same, and then counts. */
  #renew(): Promise<boolean> {
    const now = this.#deps.clock.now()
    if (this.#claiming && now < this.#claimedAt + LOST) return this.#claiming
    this.#claimedAt = now
    const own: Promise<boolean> = this.#claim().finally(() => {
      if (this.#claiming === own) this.#claiming = undefined
    })
    return (this.#claiming = own)
  }

  async #claim(): Promise<boolean> {
    const { storage, clock, live, shape, journal, tabs, onError } = this.#deps
    const { id } = live.core.options
    // Nothing of it was stored, so it is not what somebody deleted: there was only the claim.
    const wasStored = live.stored > 0
    if (!this.#holds || (wasStored && !(await isEmptied(storage, this.epoch ?? 0)))) return false
    const { epoch } = await storage.claim(id, shape, 0, clock.now())
    // Somebody has stored it since, a later claim was answered before, or it has ended here.
    if (epoch === undefined || epoch < (this.epoch ?? 0) || !this.#holds) return false
    this.epoch = epoch
    journal.owe()
    this.#anew = journal.persistence
    tabs.renew(epoch, live.core.model.seq)
    if (wasStored) onError(emptied(`session "${id}"`))
    return true
  }
}
