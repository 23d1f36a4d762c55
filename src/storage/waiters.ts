interface Waiter {
  readonly seq: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Who waits for which sequence number to be stored. */
export class Waiters {
  #waiting: Waiter[] = []

  add(waiter: Waiter): void {
    this.#waiting.push(waiter)
  }

  /** Everything up to `seq` is stored. */
  stored(seq: number): void {
    const waiting = this.#waiting
    this.#waiting = waiting.filter((it) => it.seq > seq)
    for (const it of waiting) if (it.seq <= seq) it.resolve()
  }

  /** Nobody has to wait any longer: storage is in trouble. */
  failed(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
