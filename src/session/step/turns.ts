import { nextTask } from '../../clock'

/**
 * How many tasks a result waits for those that were recorded before it. Then it comes out of turn, for changed code that may
 * never ask for those. Fewer than a virtual clock takes to settle.
 */
const PATIENCE = 50

interface Waiter {
  resolve(): void
  reject(reason: unknown): void
}

/** Counts the tasks in which an attempt was busy. One task wakes everybody who waits for the next. */
let task = 0
let sleepers: Set<Turns> | undefined

function thisTask(): Set<Turns> {
  if (sleepers) return sleepers
  nextTask(() => {
    const woken = sleepers as Set<Turns>
    sleepers = undefined
    task++
    for (const turns of woken) turns.next()
  })
  return (sleepers = new Set())
}

/**
 * Results come to an attempt one a task, in the order in which they were recorded: live as on a re-run, so that
 * branches of one step that go on at once do so in the same order again (decision 2, rule 3). The first one comes
 * at once, when the attempt was at rest.
 */
export class Turns {
  readonly #owner: { handed(key: string): void }
  /** Results that were recorded but not handed over yet, in order. Most attempts have none, and nothing that waits. */
  #due: Set<string> | undefined
  #waiting: Map<string, Waiter[]> | undefined
  /** The task in which something was handed over, or a point was opened, last. */
  #busy = -1
  #idle = 0

  constructor(due: readonly string[], owner: { handed(key: string): void }) {
    if (due.length > 0) this.#due = new Set(due)
    this.#owner = owner
  }

  /** Whether the result was handed over already, when there is one. */
  isDue(key: string): boolean | undefined {
    return this.#due?.has(key)
  }

  /** Resolves when it is the turn of a point's result. */
  of(key: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject }
      const waiting = (this.#waiting ??= new Map<string, Waiter[]>())
      const others = waiting.get(key)
      if (others) others.push(waiter)
      else waiting.set(key, [waiter])
      this.next()
    })
  }

  /** The point's result was recorded. */
  settled(key: string): void {
    ;(this.#due ??= new Set()).add(key)
    this.next()
  }

  /** Nobody will ask for the point's result any more. */
  skip(key: string): void {
    this.#due?.delete(key)
  }

  /** The point will have no result. */
  refuse(key: string, reason: unknown): void {
    const waiters = this.#waiting?.get(key) ?? []
    this.#waiting?.delete(key)
    for (const { reject } of waiters) reject(reason)
  }

  /** Nothing that still waits here will get its turn. */
  release(reason: unknown): void {
    for (const key of [...(this.#waiting?.keys() ?? [])]) this.refuse(key, reason)
  }

  /** The attempt is at work in this task: results come in the next one. */
  occupy(): void {
    if (this.#busy === task) return
    const { size = 0 } = this.#waiting ?? {}
    const sleeping = thisTask()
    this.#busy = task
    if (size > 0) sleeping.add(this)
  }

  /** Hands over what is due, when it is time. */
  next(): void {
    const due = this.#due
    const waiting = this.#waiting
    if (waiting === undefined || waiting.size === 0) return
    if (this.#busy === task) return void thisTask().add(this)
    if (due === undefined) return
    const [head] = due
    if (head === undefined) return
    const waiters = waiting.get(head)
    if (waiters) {
      this.#idle = 0
      due.delete(head)
      waiting.delete(head)
      this.#owner.handed(head)
      this.occupy()
      for (const { resolve } of waiters) resolve()
      return
    }
    if (![...waiting.keys()].some((key) => due.has(key))) return
    if (++this.#idle >= PATIENCE) {
      this.#idle = 0
      due.delete(head)
      due.add(head)
    }
    this.occupy()
  }
}
