import type { SessionStorage } from '../storage/storage'

/** Tells a flow state that somebody has removed from one that went with all of its storage. */
export class Origin {
  readonly #storage: SessionStorage
  readonly #unwatch: (() => void) | undefined
  /** The first epoch that was given out there; 0 as long as no session was ever claimed: then nobody can tell. */
  #first = 0

  /** `look` hears when somebody may have emptied it. */
  constructor(storage: SessionStorage, look: () => void) {
    this.#storage = storage
    this.#unwatch = storage.watch?.(look)
  }

  /** There is one in the storage as it is now. */
  note(): void {
    if (this.#first > 0) return
    this.#storage.began?.().then(
      (first) => (this.#first = first),
      () => {},
    )
  }

  async isEmptied(): Promise<boolean> {
    return this.#first > 0 && (await this.#storage.began?.()) !== this.#first
  }

  end(): void {
    this.#unwatch?.()
  }
}
