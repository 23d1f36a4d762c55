import type { Clock } from '../clock'
import { TimeoutError } from '../errors'
import type { StepDefinition } from '../workflow/step'

/** The time that an attempt may work: it stands still while the step waits for an answer, an event or a clock. */
export class WorkTime {
  readonly #step: StepDefinition
  readonly #clock: Clock
  readonly #onEnd: (error: Error) => void
  #left: number
  #timer: unknown
  #startedAt = 0
  /** Takes the end of the time, in place of the attempt. */
  #onTimeout: ((error: Error) => void) | undefined

  constructor(step: StepDefinition, left: number, clock: Clock, onEnd: (error: Error) => void) {
    this.#step = step
    this.#left = left
    this.#clock = clock
    this.#onEnd = onEnd
  }

  work(): void {
    this.#startedAt = this.#clock.now()
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      const { name, timeout = 0 } = this.#step
      const end = this.#onTimeout ?? this.#onEnd
      end(new TimeoutError('step', `step "${name}"`, timeout))
    }, this.#left)
  }

  rest(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#left = Math.max(0, this.#left - (this.#clock.now() - this.#startedAt))
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
