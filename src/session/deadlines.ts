import type { Clock } from '../clock'

/** When something is due: the next try of an execution, or the end of one of its points. */
export interface Due {
  /** Milliseconds since 1970. */
  at: number
  /** What `at` was before the clock was set back. */
  was?: number
  readonly exec: number
  /** The point; without it, the execution is tried again. */
  readonly key?: string
}

/** A timer may be early by some milliseconds; a clock that is behind by more was set back. */
const TOLERANCE = 1000

/**
 * What is due when, the earliest first, with one timer of the clock for all. Nearly always the newest is due last, so ten
 * thousand sleeping branches cost only what changes. What was settled before its time is dropped when it comes up.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #isOpen: (due: Due) => boolean
  #list: Due[] = []
  /** The latest time that was seen. A clock that shows less was set back. */
  #seen = 0
  #most = 64
  #timer: unknown
  /** What the timer is set to; `undefined` without one. */
  #armed: number | undefined

  constructor(clock: Clock, isOpen: (due: Due) => boolean) {
    this.#clock = clock
    this.#isOpen = isOpen
  }

  add(due: Due): void {
    this.#now()
    if (this.#list.length >= this.#most) this.#sweep()
    const list = this.#list
    let from = 0
    let to = list.length
    while (from < to) {
      const middle = (from + to) >> 1
      if ((list[middle] as Due).at > due.at) to = middle
      else from = middle + 1
    }
    list.splice(from, 0, due)
  }

  /** This time has been before. If it is still to come, the clock was set back before this page looked at it. */
  since(time: number): void {
    this.#seen = Math.max(this.#seen, time)
    this.#now()
  }

  /** Takes out the next one that is due; of equal times, the one that was added first. */
  take(): Due | undefined {
    return this.due ? this.#list.shift() : undefined
  }

  /** Whether there is one that is due. */
  get due(): boolean {
    const first = this.#first()
    return first !== undefined && this.#now() >= first.at
  }

  /** Sets the timer to the earliest. */
  arm(fire: () => void): void {
    if (this.#first()?.at === this.#armed) return
    this.rest()
    const first = this.#list[0]
    if (first === undefined) return
    const now = this.#now()
    const { at } = first
    this.#armed = at
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#armed = undefined
        this.#seen = at
        const back = at - this.#clock.now()
        // The clock stands still, as in a test. What is due later is left alone: a clock of coarse steps looks the same.
        if (back > (at - now) / 2) this.#moveBack(back, at)
        fire()
      },
      Math.max(0, at - now),
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

  /** The time. When the clock was set back, everything due is moved back by as much, so that half a second does not take a day. */
  #now(): number {
    const now = this.#clock.now()
    const back = this.#seen - now
    if (back > TOLERANCE) this.#moveBack(back, Infinity)
    this.#seen = now
    return now
  }

  #moveBack(ms: number, until: number): void {
    for (const it of this.#list) {
      if (it.at > until) return
      it.was ??= it.at
      it.at -= ms
    }
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
