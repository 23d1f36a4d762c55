import type { Clock } from '../clock'
import { withinLimit } from '../storage/time-limit'
import type { Channels } from './channel'
import type { Line } from './line'
import type { Locks } from './locks'
import { Seat } from './seat'

/** Milliseconds that a lock may take to say whether it is free, and that it is left to others. */
const PATIENCE = 1000

/** Milliseconds that a tab waits for another one to say that it is there. */
const ANYBODY = 300

export interface ElectionOptions {
  readonly locks: Locks | undefined
  readonly channels: Channels | undefined
  /** Names the lock. */
  readonly place: string
  readonly clock: Clock
}

/** The tab that stands for election. */
export interface Candidate {
  readonly line: Pick<Line<unknown>, 'open' | 'connect'>
  /** Asks on the line whether anybody is there; {@link Election.answered} must be called when somebody is. */
  readonly call: () => void
  /** This tab has the lock now. */
  readonly onWon: () => void
  /** Another tab has taken the lock. */
  readonly onLost: () => void
}

/**
 * Which of the tabs executes a session: the one that has its lock. Where there are no locks, a roll call tells whether
 * another tab is there.
 */
export class Election {
  readonly #options: ElectionOptions
  readonly #tab: Candidate
  #seat: Seat | undefined
  #answered: (() => void) | undefined
  #timer: unknown
  /**
   * Another tab has led while this one had the lock, so the lock does not tell who leads: once a site's data was cleared,
   * Chromium gives pages that load other locks than those of the pages that are open.
   */
  #apart = false

  constructor(options: ElectionOptions, tab: Candidate) {
    const { locks, place: name, clock } = options
    const { onLost } = tab
    this.#options = options
    this.#tab = tab
    if (locks) this.#seat = new Seat({ locks, name, clock, onWon: () => void this.#won(), onLost })
  }

  /** Whether there may be other tabs. */
  get shared(): boolean {
    return this.#seat !== undefined || this.#options.channels !== undefined
  }

  /** Whether this tab can tell who executes, and whether that tab is still alive. */
  get sure(): boolean {
    return this.#seat !== undefined && this.#options.channels !== undefined
  }

  /** Whether this tab has the lock. */
  get held(): boolean {
    return this.#seat?.held === true
  }

  /** Whether this tab is the leader for now. */
  async stand(): Promise<boolean> {
    const { clock } = this.#options
    const { line } = this.#tab
    // The slow part first: nothing is heard before this task ends.
    const taking = this.#seat?.take()
    line.connect()
    try {
      if (taking) return await withinLimit(clock, taking, PATIENCE, 'lock')
    } catch {
      // Locks that cannot be used, as in a sandbox, are as good as none.
      this.#seat = undefined
    }
    return this.#isNobodyThere()
  }

  /** Queues this tab as the next leader, if there is a lock to wait for. */
  wait(): void {
    this.#seat?.wait()
  }

  /** The page was asleep. */
  async again(): Promise<void> {
    this.wait()
    if (!this.#seat && (await this.#isNobodyThere())) this.#tab.onWon()
  }

  async steal(): Promise<void> {
    await this.#seat?.steal()
  }

  /** Lets others have the lock for a moment. */
  waitLater(): void {
    this.leave()
    this.#timer = this.#options.clock.setTimeout(() => this.wait(), PATIENCE)
  }

  /** `overtaken`: another tab has said that it leads. */
  leave(overtaken = false): void {
    this.#apart ||= overtaken && this.held
    this.#options.clock.clearTimeout(this.#timer)
    this.#seat?.leave()
  }

  /** Somebody is there. */
  answered(): void {
    this.#answered?.()
  }

  /** The lock is there. Somebody who leads nevertheless is left alone, and asked again a moment later. */
  async #won(): Promise<void> {
    if (this.#apart) {
      const alone = await this.#isNobodyThere()
      if (!this.held) return
      if (!alone) return this.waitLater()
    }
    this.#tab.onWon()
  }

  #isNobodyThere(): Promise<boolean> {
    const { clock } = this.#options
    const { line, call } = this.#tab
    if (!line.open) return Promise.resolve(true)
    call()
    return new Promise((resolve) => {
      this.#answered = () => resolve(false)
      clock.setTimeout(() => resolve(true), ANYBODY)
    })
  }
}
