import type { Clock } from '../../clock'

/** A limit of time at work. It stands still while the work waits for an answer, an event or a clock. */
export class WorkTime {
  readonly #clock: Clock
  /** The error for the work when the time is up. */
  readonly #error: () => Error
  #onEnd: (error: Error) => void
  #left: number
  #timer: unknown
  #startedAt = 0

  constructor(clock: Clock, left: number, error: () => Error, onEnd: (error: Error) => void) {
    this.#clock = clock
    this.#left = left
    this.#error = error
    this.#onEnd = onEnd
  }

  /** In milliseconds, now. */
  get left(): number {
    const spent = this.#timer === undefined ? 0 : this.#clock.now() - this.#startedAt
    return Math.max(0, this.#left - spent)
  }

  work(): void {
    this.#startedAt = this.#clock.now()
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#onEnd(this.#error())
    }, this.#left)
  }

  rest(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#left = this.left
    this.#timer = undefined
  }

  /** Work that fails by itself when the time is up. Then `abort` tells what it was waiting for. */
  race<T>(work: Promise<T>, abort: (error: Error) => void): Promise<T> {
    const onEnd = this.#onEnd
    const done = new Promise<T>((resolve, reject) => {
      this.#onEnd = (error) => {
        reject(error)
        abort(error)
      }
      work.then(resolve, reject)
    })
    return done.finally(() => (this.#onEnd = onEnd))
  }
}
