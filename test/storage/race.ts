import { createStorage } from 'unstorage'
import type { SessionStorage } from 'dogear'
import { unstorageStorage } from 'dogear/unstorage'
import type { SlowStore } from './slow-store'

export interface Race {
  readonly store: SlowStore
  readonly chance: () => number
  /** How many write at once. */
  readonly writers: number
  /** How many of them die in the middle, each replaced by a new one, and how likely that is at every turn. */
  readonly deaths: number
  readonly risk: number
  readonly work: (storage: SessionStorage, name: string) => Promise<void>
}

/** Lets calls go on in a random order until everything has ended; now and then a writer dies and another one comes. */
export async function race({ store, chance, writers, deaths, risk, work }: Race): Promise<void> {
  const failures: unknown[] = []
  let left = deaths
  let running = 0
  let names = 0
  const open = (): (() => void) => {
    const connection = store.connect()
    let alive = true
    running++
    const end = (): void => {
      if (alive) running--
      alive = false
    }
    work(unstorageStorage(connection), `p${names++}-`)
      .catch((error: unknown) => failures.push(error))
      .finally(end)
    return () => {
      connection.cut()
      end()
    }
  }
  const kills = Array.from({ length: writers }, open)
  while (running > 0 && failures.length === 0) {
    await new Promise(setImmediate)
    if (!store.step() && running > 0) throw new Error('nothing goes on')
    if (left > 0 && chance() < risk) {
      left--
      kills[Math.floor(chance() * kills.length)]?.()
      kills.push(open())
    }
  }
  if (failures.length > 0) throw failures[0]
  while (store.step()) await new Promise(setImmediate)
}

/** What is left, for somebody who comes last. */
export async function remains(store: SlowStore): Promise<SessionStorage> {
  const copy = createStorage()
  for (const [key, text] of store.texts) await copy.setItem(key, text)
  return unstorageStorage(copy)
}
