import { nextTask } from '../clock'

/** Tasks that a result waits for those before it, before changed code gets it out of turn. */
const PATIENCE = 100

interface Waiter {
  resolve(): void
  reject(reason: unknown): void
}

/**
 * Results come to an attempt one a task, in the order in which they were recorded: live as on a re-run, so that
 * branches of one step that go on at once do so in the same order again (durable-steps, rule g). The first one comes
 * at once, when the attempt was at rest.
 */
export class Turns {
  /** Results that were recorded and not handed over, in order. */
  readonly #due: Set<string>
  readonly #waiting = new Map<string, Waiter[]>()
  readonly #handed: (key: string) => void
  /** Something was handed over, or a point was opened, in this task. */
  #busy = false
  #idle = 0

  constructor(due: readonly string[], handed: (key: string) => void) {
    this.#due = new Set(due)
    this.#handed = handed
  }

  /** Whether the result was handed over already, when there is one. */
  isDue(key: string): boolean {
    return this.#due.has(key)
  }

  /** Resolves when it is the turn of a point's result. */
  of(key: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject }
      const others = this.#waiting.get(key)
      if (others) others.push(waiter)
      else this.#waiting.set(key, [waiter])
      this.#next()
    })
  }

  /** The point's result was recorded. */
  settled(key: string): void {
    this.#due.add(key)
    this.#next()
  }

  /** Nobody will ask for the point's result any more. */
  skip(key: string): void {
    this.#due.delete(key)
  }

  /** The point will have no result. */
  refuse(key: string, reason: unknown): void {
    const waiters = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    for (const { reject } of waiters) reject(reason)
  }

  /** Nothing that still waits here will be served. */
  release(reason: unknown): void {
    for (const key of [...this.#waiting.keys()]) this.refuse(key, reason)
  }

  /** The attempt is at work in this task: results come in the next one. */
  occupy(): void {
    if (this.#busy) return
    this.#busy = true
    nextTask(() => {
      this.#busy = false
      this.#next()
    })
  }

  #next(): void {
    if (this.#busy || this.#waiting.size === 0) return
    const [head] = this.#due
    if (head === undefined) return
    const waiters = this.#waiting.get(head)
    if (waiters) {
      this.#idle = 0
      this.#due.delete(head)
      this.#waiting.delete(head)
      this.#handed(head)
      this.occupy()
      for (const { resolve } of waiters) resolve()
      return
    }
    if (![...this.#waiting.keys()].some((key) => this.#due.has(key))) return
    if (++this.#idle >= PATIENCE) {
      this.#idle = 0
      this.#due.delete(head)
      this.#due.add(head)
    }
    this.occupy()
  }
}
