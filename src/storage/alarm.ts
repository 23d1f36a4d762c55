import type { Clock } from '../clock'

/** A timer that is put off again and again. It looks again when it fires: a new one each time would cost more than an edit. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  /** The longest time that it is put off by while it is set, in milliseconds; when it is not, it may be set for longer. */
  readonly #longest: number
  #timer: unknown
  /** When the timer fires, and when it is due: never earlier. */
  #fires = 0
  #due = 0

  constructor(clock: Clock, longest: number, ring: () => void) {
    this.#clock = clock
    this.#longest = longest
    this.#ring = ring
  }

  /** Rings after so long, and not before. */
  set(ms: number, now: number = this.#clock.now()): void {
    this.#due = now + ms
    if (this.#timer !== undefined && this.#fires <= this.#due) return
    this.clear()
    this.#fires = this.#due
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      const at = this.#clock.now()
      const left = this.#due - at
      // More than was ever asked for: the clock has jumped back.
      if (left > 0 && left <= this.#longest) this.set(left, at)
      else this.#ring()
    }, ms)
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
