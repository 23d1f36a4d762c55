import type { Clock } from '../clock'

/** When something is due: the next try of an execution, or the end of one of its points. */
export interface Due {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly exec: number
  /** The point; without it, the execution is tried again. */
  readonly key?: string
}

/**
 * What is due when, the earliest first, with one timer of the clock for all. Nearly always the newest is due last: ten
 * thousand sleeping branches cost what they change and not what they are. What was settled before its time is dropped
 * when it comes up.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #isOpen: (due: Due) => boolean
  #list: Due[] = []
  #most = 64
  #timer: unknown
  /** What the timer is set to; `undefined` without one. */
  #armed: number | undefined

  constructor(clock: Clock, isOpen: (due: Due) => boolean) {
    this.#clock = clock
    this.#isOpen = isOpen
  }

  add(due: Due): void {
    if (this.#list.length >= this.#most) this.#sweep()
    const list = this.#list
    let [from, to] = [0, list.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((list[middle] as Due).at > due.at) to = middle
      else from = middle + 1
    }
    list.splice(from, 0, due)
  }

  /** Takes the next one out that is due; of one time, the one that was added first. */
  take(): Due | undefined {
    const first = this.#first()
    if (first === undefined || first.at > this.#clock.now()) return undefined
    this.#list.shift()
    return first
  }

  /** Sets the timer to the earliest. */
  arm(fire: () => void): void {
    const at = this.#first()?.at
    if (at === this.#armed) return
    this.rest()
    if (at === undefined) return
    this.#armed = at
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#armed = undefined
        fire()
      },
      Math.max(0, at - this.#clock.now()),
    )
  }

  /** Time stands still: nothing fires until it is armed again. */
  rest(): void {
    if (this.#armed === undefined) return
    this.#armed = undefined
    this.#clock.clearTimeout(this.#timer)
  }

  clear(): void {
    this.rest()
    this.#list = []
  }

  #first(): Due | undefined {
    const list = this.#list
    while (list[0] && !this.#isOpen(list[0])) list.shift()
    return list[0]
  }

  /** So much was added that most of it may be settled. */
  #sweep(): void {
    this.#list = this.#list.filter(this.#isOpen)
    this.#most = Math.max(64, this.#list.length * 2)
  }
}
