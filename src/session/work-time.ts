import type { Clock } from '../clock'

/** The time that somebody may work: it stands still while they wait for an answer, an event or a clock. */
export class WorkTime {
  readonly #clock: Clock
  /** What those are told who work when it is up. */
  readonly #error: () => Error
  readonly #onEnd: (error: Error) => void
  #left: number
  #timer: unknown
  #startedAt = 0
  /** Takes the end of the time, in place of `onEnd`. */
  #onTimeout: ((error: Error) => void) | undefined

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
      const end = this.#onTimeout ?? this.#onEnd
      end(this.#error())
    }, this.#left)
  }

  rest(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#left = this.left
    this.#timer = undefined
  }

  /** Work that fails by itself when the time is up; then what it was waiting for hears of it by `abort`. */
  race<T>(work: Promise<T>, abort: (error: Error) => void): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      this.#onTimeout = (error) => {
        reject(error)
        abort(error)
      }
      work.then(resolve, reject)
    })
    return done.finally(() => (this.#onTimeout = undefined))
  }
}
