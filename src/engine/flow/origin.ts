import type { Clock } from '../../clock'
import type { LimitedStorage } from '../../storage/limited'
import { look } from '../tenure'

/** No epoch is that. */
const GONE = -1

/** Tells a flow state that was removed from one that was lost when the whole storage was emptied. */
export class Origin {
  readonly #storage: LimitedStorage
  readonly #clock: Clock
  readonly #unwatch: () => void
  /** The storage's first epoch; 0 as long as it is not known, when nobody can tell. */
  #first = 0
  /** The question for it that is under way. */
  #asking: Promise<void> | undefined

  /** `read` is called when somebody may have emptied the storage. It returns nothing when there is nothing to lose. */
  constructor(storage: LimitedStorage, clock: Clock, read: () => Promise<void> | undefined) {
    this.#storage = storage
    this.#clock = clock
    this.#unwatch = storage.watch(() => look(clock, read))
  }

  /** The storage as it is now has a flow state. With that goes an epoch: without one, all is gone again. */
  note(): void {
    this.#ask(GONE)
  }

  /** A flow state is about to be stored. What is asked for afterwards, somebody may have emptied by then. */
  look(): void {
    this.#ask(0)
  }

  /** Says so once: what is stored from then on belongs to the storage as it is now. */
  async isEmptied(): Promise<boolean> {
    await this.#asking?.catch(() => {})
    const first = this.#first
    if (first === 0) return false
    this.#first = await this.#storage.began()
    return this.#first !== first
  }

  #ask(unbegun: number): void {
    if (this.#first !== 0) return
    const ask = async (): Promise<void> => {
      const first = await this.#storage.began()
      this.#first ||= first || unbegun
    }
    look(this.#clock, () => (this.#asking = ask()))
  }

  end(): void {
    this.#unwatch()
  }
}
