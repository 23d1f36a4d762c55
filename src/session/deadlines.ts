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
 * What is due when, the earliest first: a heap, with one timer of the clock for all, so that ten thousand sleeping
 * branches cost what they change and not what they are. What was settled before its time is dropped when it comes up.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #isOpen: (due: Due) => boolean
  #heap: (Due & { readonly order: number })[] = []
  #order = 0
  #most = 64
  #timer: unknown
  /** What the timer is set to; `undefined` without one. */
  #armed: number | undefined

  constructor(clock: Clock, isOpen: (due: Due) => boolean) {
    this.#clock = clock
    this.#isOpen = isOpen
  }

  add({ at, exec, key }: Due): void {
    if (this.#heap.length >= this.#most) this.#sweep()
    this.#push({ at, exec, ...(key !== undefined && { key }), order: this.#order++ })
  }

  /** Takes the next one out that is due; of one time, the one that was added first. */
  take(): Due | undefined {
    const first = this.#first()
    if (first === undefined || first.at > this.#clock.now()) return undefined
    this.#drop()
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
    this.#heap = []
  }

  #first(): Due | undefined {
    while (this.#heap[0] && !this.#isOpen(this.#heap[0])) this.#drop()
    return this.#heap[0]
  }

  /** So much was added that most of it may be settled. */
  #sweep(): void {
    const open = this.#heap.filter(this.#isOpen)
    this.#most = Math.max(64, open.length * 2)
    this.#heap = []
    for (const due of open) this.#push(due)
  }

  #push(due: Due & { readonly order: number }): void {
    const heap = this.#heap
    let index = heap.push(due) - 1
    for (let above = (index - 1) >> 1; index > 0; index = above, above = (index - 1) >> 1) {
      if (!this.#swapIfBefore(index, above)) return
    }
  }

  #drop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let index = 0; ;) {
      const left = index * 2 + 1
      const child = left + 1 < heap.length && isBefore(heap[left + 1], heap[left]) ? left + 1 : left
      if (child >= heap.length || !this.#swapIfBefore(child, index)) return
      index = child
    }
  }

  #swapIfBefore(index: number, above: number): boolean {
    const heap = this.#heap
    const [one, other] = [heap[index], heap[above]]
    if (one === undefined || other === undefined || !isBefore(one, other)) return false
    heap[index] = other
    heap[above] = one
    return true
  }
}

type Ordered = (Due & { readonly order: number }) | undefined

function isBefore(a: Ordered, b: Ordered): boolean {
  return a !== undefined && b !== undefined && (a.at - b.at || a.order - b.order) < 0
}
