interface Waiter {
  readonly seq: number
  readonly resolve: () => void
  /** What waits without one does not care whether it worked out. */
  readonly reject?: (error: unknown) => void
}

/** Who waits for which sequence number to be stored. */
export class Waiters {
  #waiting: Waiter[] = []

  add(waiter: Waiter): void {
    this.#waiting.push(waiter)
  }

  /** Everything up to `seq` is stored. */
  stored(seq: number): void {
    const due = this.#waiting.filter((it) => it.seq <= seq)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter((it) => it.seq > seq)
    for (const { resolve } of due) resolve()
  }

  /** Nobody has to wait any longer: storage is in trouble. */
  failed(error: unknown): void {
    const due = this.#waiting
    this.#waiting = []
    for (const { resolve, reject } of due) (reject ?? resolve)(error)
  }

  /** Nobody ever gets an answer. */
  forget(): void {
    this.#waiting = []
  }
}
