import { withinLimit } from '../storage/time-limit'
import type { Message } from '../session/message'
import type { Line } from '../tabs/line'
import { Seat } from '../tabs/seat'
import type { MembershipOptions } from './membership-options'

/** Milliseconds that a lock may take to say whether it is free. */
const PATIENCE = 1000

/** Milliseconds that a tab waits for another one to say that it is there. */
const ANYBODY = 300

/**
 * Which of the tabs executes a session: the one that has its lock. Where there are no locks, a roll call tells whether
 * another tab is there.
 */
export class Election {
  readonly #options: MembershipOptions
  readonly #line: Line<Message>
  readonly #onWon: () => void
  #seat: Seat | undefined
  #answered: ((there: boolean) => void) | undefined

  constructor(options: MembershipOptions, line: Line<Message>, onWon: () => void, onLost: () => void) {
    const { locks, place: name, clock } = options
    this.#options = options
    this.#line = line
    this.#onWon = onWon
    if (locks) this.#seat = new Seat({ locks, name, clock, onWon, onLost })
  }

  /** Whether there may be other tabs. */
  get shared(): boolean {
    return this.#seat !== undefined || this.#options.channels !== undefined
  }

  /** Whether it can be told who executes, and whether they are still alive. */
  get sure(): boolean {
    return this.#seat !== undefined && this.#options.channels !== undefined
  }

  /** Whether this tab is the one, as things stand. */
  async stand(): Promise<boolean> {
    // First what takes long: nothing is heard before this task ends.
    const taking = this.#seat?.take()
    this.#line.connect()
    try {
      if (taking) return await withinLimit(this.#options.clock, taking, PATIENCE, 'lock')
    } catch {
      // Locks that cannot be used, as in a sandbox, are as good as none.
      this.#seat = undefined
    }
    return this.#isNobodyThere()
  }

  /** It is the next one, if there is a lock to wait for. */
  wait(): void {
    this.#seat?.wait()
  }

  /** The page was asleep. */
  async again(): Promise<void> {
    this.wait()
    if (!this.#seat && (await this.#isNobodyThere())) this.#onWon()
  }

  async steal(): Promise<void> {
    await this.#seat?.steal()
  }

  leave(): void {
    this.#seat?.leave()
  }

  hear({ kind }: Message): void {
    if (kind === 'welcome') this.#answered?.(false)
  }

  #isNobodyThere(): Promise<boolean> {
    const { clock, by: tab } = this.#options
    if (!this.#line.open) return Promise.resolve(true)
    this.#line.post({ kind: 'hello', tab, epoch: -1, seq: -1 })
    return new Promise((resolve) => {
      this.#answered = resolve
      clock.setTimeout(() => resolve(true), ANYBODY)
    })
  }
}
