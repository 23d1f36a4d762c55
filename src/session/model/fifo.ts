/** A queue whose front can be taken in constant time. */
export class Fifo<T> {
  #items: T[]
  #front = 0
  /** How many were ever pushed. */
  pushed = 0

  constructor(items: readonly T[] = []) {
    this.#items = [...items]
  }

  get size(): number {
    return this.#items.length - this.#front
  }

  push(item: T): void {
    this.pushed++
    this.#items.push(item)
  }

  peek(): T | undefined {
    return this.#items[this.#front]
  }

  /** Takes the first item out. */
  shift(): T | undefined {
    const item = this.#items[this.#front]
    if (this.size < 1) return item
    // Most queues hold one item at a time.
    if (this.#items.length === 1) this.#items.pop()
    // Half of it is behind us: let go of what was taken, at a constant cost per item.
    else if (++this.#front > 64 && this.#front * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#front)
      this.#front = 0
    }
    return item
  }

  /** Takes the first item out that `fits`. */
  take(fits: (item: T) => boolean): T | undefined {
    const index = this.#items.findIndex((it, at) => at >= this.#front && fits(it))
    return this.#items.splice(index, index < 0 ? 0 : 1)[0]
  }

  /** All of it, in order: a list of its own. Walking through a long queue takes ten times as long. */
  get items(): T[] {
    return this.#items.slice(this.#front)
  }
}
