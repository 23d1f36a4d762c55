import { systemClock } from '../clock'
import { randomId } from '../random-id'
import { pageLocks, type Locks } from '../tabs/locks'
import { Seat } from '../tabs/seat'

/** What is needed of a tab's `sessionStorage`: it survives a reload, and is copied when a tab is duplicated. */
interface Shelf {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** What is needed of a window. */
export interface TabPage {
  addEventListener(type: string, listener: () => void): void
  /** Throws where it is forbidden. */
  readonly sessionStorage: Shelf
}

const KEY = 'dogear:tab'

/**
 * The name of this tab: the same after a reload, another one in a duplicated tab. A page that is left marks the name as
 * free. A page that finds it not free is a duplicate, or comes after a crash: the lock of the name, which only a living tab
 * holds, tells which. Where storage is forbidden every page has its own name.
 */
export class TabScope {
  name: string | undefined
  readonly #page: TabPage
  readonly #locks: Locks | undefined
  readonly #listeners = new Set<() => void>()
  #begun = false

  constructor(page: TabPage, locks: Locks | undefined) {
    this.#page = page
    this.#locks = locks
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    if (!this.#begun) void this.#begin()
    return () => this.#listeners.delete(listener)
  }

  async #begin(): Promise<void> {
    this.#begun = true
    const [name, left] = this.#read()
    let seat = this.#seatOf(name)
    // Without locks nobody can tell, and two tabs on one session are worse than a new one.
    const ours = left || (await seat?.take().catch(() => false))
    this.name = name !== undefined && ours ? name : randomId()
    if (this.name !== name) seat = this.#seatOf(this.name)
    const hold = (): void => {
      this.#write(false)
      seat?.wait()
    }
    hold()
    this.#page.addEventListener('pagehide', () => {
      this.#write(true)
      seat?.leave()
    })
    this.#page.addEventListener('pageshow', hold)
    for (const listener of this.#listeners) listener()
  }

  #seatOf(name: string | undefined): Seat | undefined {
    const locks = this.#locks
    const nothing = (): void => {}
    if (!locks || name === undefined) return undefined
    return new Seat({ locks, name: `${KEY}:${name}`, clock: systemClock, onWon: nothing, onLost: nothing })
  }

  #read(): [name: string | undefined, left: boolean] {
    try {
      const [name, state] = this.#page.sessionStorage.getItem(KEY)?.split(' ') ?? []
      return [name, state === 'left']
    } catch {
      return [undefined, false]
    }
  }

  #write(left: boolean): void {
    try {
      this.#page.sessionStorage.setItem(KEY, `${this.name} ${left ? 'left' : 'open'}`)
    } catch {
      // Then the next page of this tab has another name.
    }
  }
}

let scope: TabScope | undefined

/** The one of this page. */
export function pageScope(): TabScope {
  return (scope ??= new TabScope(window, pageLocks()))
}
