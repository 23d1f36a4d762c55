import type { Clock } from '../../clock'
import type { LimitedStorage } from '../../storage/limited'
import { look } from '../tenure'

/** Tells a flow state that was removed from one that was lost when the whole storage was emptied. */
export class Origin {
  readonly #storage: LimitedStorage
  readonly #unwatch: () => void
  /** The storage's first epoch; 0 as long as it is not known, when nobody can tell. */
  #first = 0

  /** `read` is called when somebody may have emptied the storage. It returns nothing when there is nothing to lose. */
  constructor(storage: LimitedStorage, clock: Clock, read: () => Promise<void> | undefined) {
    this.#storage = storage
    this.#unwatch = storage.watch(() => look(clock, read))
  }

  /** The storage as it is now has a flow state. */
  note(): void {
    if (this.#first > 0) return
    this.#storage.began().then(
      (first) => (this.#first = first),
      () => {},
    )
  }

  async isEmptied(): Promise<boolean> {
    return this.#first > 0 && (await this.#storage.began()) !== this.#first
  }

  end(): void {
    this.#unwatch()
  }
}
