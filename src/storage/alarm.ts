import { soon, type Clock } from '../clock'

/** Field edits wait this long for the next one, in milliseconds, and this long altogether. */
const TRAILING = 150
const LONGEST_WAIT = 1000

/**
 * Says when field edits are to be written: a timer that is put off again and again. It checks the time again when it fires,
 * because a new timer for each edit would cost more than the edit.
 */
export class Alarm {
  readonly #clock: Clock
  readonly #isWanted: () => boolean
  readonly #ring: () => void
  #timer: unknown
  /** When the timer fires, and when it is due, which is never earlier. */
  #fires = 0
  #due = 0
  /** When the oldest edit that waits came. */
  #since = 0
  /** Whether the present task has put it off. */
  #edited = false

  /** `isWanted`: whether there is something that may wait. */
  constructor(clock: Clock, isWanted: () => boolean, ring: () => void) {
    this.#clock = clock
    this.#isWanted = isWanted
    this.#ring = ring
  }

  /** The first edit that may wait has come. */
  begin(): void {
    this.#since = this.#clock.now()
  }

  /** One more edit. The edits of a task count together, at its end: a look at the clock takes a tenth of the time of an edit. */
  putOff(): void {
    if (this.#edited) return
    this.#edited = true
    soon(this.#wait)
  }

  readonly #wait = (): void => {
    this.#edited = false
    if (!this.#isWanted()) return
    const now = this.#clock.now()
    this.set(Math.min(TRAILING, this.#since + LONGEST_WAIT - now), now)
  }

  /** Rings after that time, and not before. */
  set(ms: number = TRAILING, now: number = this.#clock.now()): void {
    this.#due = now + ms
    if (this.#timer !== undefined && this.#fires <= this.#due) return
    this.clear()
    this.#fires = this.#due
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      const at = this.#clock.now()
      // Where the clock is behind the timer, it was set back or, as in a test, stands still.
      const left = this.#due - Math.max(at, this.#fires)
      // More time than was ever asked for: the clock has jumped back.
      if (left > 0 && left <= TRAILING) this.set(left, at)
      else this.#ring()
    }, ms)
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
