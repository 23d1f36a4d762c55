import { randomId } from '../random-id'
import { pageLocks, type Locks } from '../tabs/locks'

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
 * The name of this tab: the same after a reload, another one in a tab that was duplicated. A page that is left marks
 * the name as free. A page that finds it not free is a duplicate, or comes after a crash: then the lock of the name
 * tells, which only a living tab holds. Where storage is forbidden every page has its own name.
 */
export class TabScope {
  name: string | undefined
  readonly #page: TabPage
  readonly #locks: Locks | undefined
  readonly #listeners = new Set<() => void>()
  #begun = false
  #release: (() => void) | undefined

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
    const ours = name !== undefined && (left || (await this.#take(name, { ifAvailable: true })))
    this.name = ours ? name : randomId()
    this.#hold()
    this.#page.addEventListener('pagehide', () => {
      this.#write(true)
      this.#release?.()
      this.#release = undefined
    })
    this.#page.addEventListener('pageshow', () => this.#hold())
    for (const listener of this.#listeners) listener()
  }

  #hold(): void {
    this.#write(false)
    if (!this.#release) void this.#take(this.name as string, {})
  }

  /** Whether nobody else has it. Without locks nobody can tell, and two tabs on one session are worse than a new one. */
  #take(name: string, options: Parameters<Locks['request']>[1]): Promise<boolean> {
    return new Promise((resolve) => {
      const held = (lock: object | null): Promise<void> | undefined => {
        resolve(lock !== null)
        return lock === null ? undefined : new Promise((done) => (this.#release = done))
      }
      if (!this.#locks) return resolve(false)
      this.#locks.request(`${KEY}:${name}`, options, held).catch(() => resolve(false))
    })
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
