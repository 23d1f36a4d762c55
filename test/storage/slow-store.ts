import { checksum } from '../../src/storage/checksum'
import type { KeyValueStore } from '../../src/storage/adapters/unstorage'

/**
 * A key-value store for many writers, in which every call takes its time and any may overtake another: a call has
 * its effect at one moment, and its answer comes at a later one. A listing is not of one moment either: it looks at
 * one part of the keys after another. Which call goes on next is drawn by `random`.
 */
export interface SlowStore {
  /** One writer's connection. */
  connect(): KeyValueStore & {
    /** The writer dies: what it has sent may still arrive, whole, cut off or not at all; it hears nothing more. */
    cut(): void
  }
  /** Lets one waiting call go on. `false` when none waits. */
  step(): boolean
  readonly texts: ReadonlyMap<string, string>
}

const PARTS = 3

export function slowStore(random: () => number): SlowStore {
  const texts = new Map<string, string>()
  const waiting: (() => void)[] = []
  const partOf = (key: string): number => checksum(key) % PARTS
  const moment = (): Promise<void> => new Promise((resolve) => waiting.push(resolve))
  const connect = (): ReturnType<SlowStore['connect']> => {
    let cut = false
    const call = async <T>(effects: readonly (() => T)[]): Promise<T[]> => {
      const found: T[] = []
      for (const effect of effects) {
        await moment()
        found.push(effect())
      }
      await moment()
      return cut ? new Promise<T[]>(() => {}) : found
    }
    return {
      cut: () => void (cut = true),
      getItem: async (key) => (await call([() => texts.get(key) ?? null]))[0],
      removeItem: (key) => call([() => !cut && texts.delete(key)]),
      setItem: (key, text) =>
        call([
          () => {
            const fate = cut ? random() : 1
            if (fate > 0.6) texts.set(key, text)
            else if (fate > 0.3) texts.set(key, text.slice(0, Math.floor(random() * text.length)))
          },
        ]),
      getKeys: async () =>
        (
          await call(
            Array.from(
              { length: PARTS },
              (_, part) => () => [...texts.keys()].filter((it) => partOf(it) === part),
            ),
          )
        ).flat(),
    }
  }
  return {
    connect,
    texts,
    step() {
      const at = Math.floor(random() * waiting.length)
      const [next] = waiting.splice(at, 1)
      next?.()
      return next !== undefined
    },
  }
}
