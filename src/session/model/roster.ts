/**
 * What is at work now, by number, in the order in which it came. Often there is only one at a time. So the newest is
 * kept beside the map, which would make itself anew after every other removal, at ten times the cost.
 */
export class Roster<T extends object> {
  readonly #others = new Map<number, T>()
  #newest: T | undefined
  #id = 0

  get size(): number {
    return this.#others.size + (this.#newest ? 1 : 0)
  }

  get(id: number): T | undefined {
    return this.#isNewest(id) ? this.#newest : this.#others.get(id)
  }

  has(id: number): boolean {
    return this.get(id) !== undefined
  }

  /** It must not be there yet. */
  add(id: number, item: T): void {
    if (this.#newest) this.#others.set(this.#id, this.#newest)
    this.#newest = item
    this.#id = id
  }

  delete(id: number): void {
    if (this.#isNewest(id)) this.#newest = undefined
    else this.#others.delete(id)
  }

  clear(): void {
    this.#others.clear()
    this.#newest = undefined
  }

  /** A new list, so that items may be removed while it is walked. */
  keys(): number[] {
    return this.#newest ? [...this.#others.keys(), this.#id] : [...this.#others.keys()]
  }

  values(): T[] {
    return this.#newest ? [...this.#others.values(), this.#newest] : [...this.#others.values()]
  }

  #isNewest(id: number): boolean {
    return this.#id === id && this.#newest !== undefined
  }
}
