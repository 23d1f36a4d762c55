import { deepCopy } from '../copy'
import { sessions } from './sessions'
import type { Kind, Shelf, Transact } from './sessions'
import type { SessionStorage } from '../storage'
import { troubled } from './trouble'
import type { Life, Trouble } from './trouble'

/** A storage whose data lives as long as the process. Any number of engines may share one. */
export interface MemoryStorage extends SessionStorage {
  /** The storage as a new page finds it, with other trouble. This one is dead from then on, as after a crash. */
  restart(trouble?: Trouble): MemoryStorage
}

/** Values by number, by kind and id. */
type Shelves = Map<string, Map<number, unknown>>

/** A storage that lives as long as the process: the default where there is nothing better. */
export function plainMemoryStorage(): SessionStorage {
  return page(new Map(), { dead: false })
}

/**
 * Keeps sessions in memory. Tests get trouble on demand.
 *
 * ```ts
 * const storage = memoryStorage({ crashAt: 3 })
 * // ... the third write never lands
 * const engine = createEngine({ storage: storage.restart() })
 * ```
 */
export function memoryStorage(trouble: Trouble = {}): MemoryStorage {
  return mortal(new Map(), trouble)
}

function mortal(shelves: Shelves, trouble: Trouble): MemoryStorage {
  const { end, ...storage } = troubled((life) => page(shelves, life), trouble)
  return {
    ...storage,
    restart(next = {}) {
      end()
      return mortal(shelves, next)
    },
  }
}

/** The data as one page sees it. What the page does after it is dead does not land. */
function page(shelves: Shelves, life: Life): SessionStorage {
  let last: Promise<unknown> = Promise.resolve()
  const transact: Transact = (_mode, _durability, work) => {
    const turn = last.then(async () => {
      const writes: (() => void)[] = []
      const result = await work(shelf(shelves, writes))
      if (!life.dead) for (const write of writes) write()
      return result
    })
    // One at a time, so that nobody writes between the reads and the writes of another.
    last = turn.catch(() => {})
    return turn
  }
  return { kind: 'memory', ...sessions(transact, () => 0), close: async () => {} }
}

function shelf(shelves: Shelves, writes: (() => void)[]): Shelf {
  const on = (kind: Kind, id: string): Map<number, unknown> => shelves.get(kind + id) ?? none
  return {
    get: async (kind, id, n) => copied(on(kind, id).get(n)),
    all: async (kind, id) => {
      if (id !== undefined) return [...on(kind, id).values()].map(copied)
      return [...shelves].flatMap(([key, values]) =>
        key.startsWith(kind) ? [...values.values()].map(copied) : [],
      )
    },
    numbers: async (kind, id) => [...on(kind, id).keys()],
    put(kind, id, n, value) {
      const copy = copied(value)
      writes.push(() => shelves.set(kind + id, (shelves.get(kind + id) ?? new Map()).set(n, copy)))
    },
    cut: (kind, id, n, save) =>
      void writes.push(() => {
        const values = on(kind, id)
        for (const at of values.keys()) if (at <= n && !save?.includes(at)) values.delete(at)
        // A server opens and removes sessions for months: not even an empty map of a removed one may stay.
        if (values.size === 0) shelves.delete(kind + id)
      }),
    clear: (kind, prefix) =>
      void writes.push(() => {
        for (const key of shelves.keys()) if (key.startsWith(kind + prefix)) shelves.delete(key)
      }),
  }
}

/** What is looked at where nothing is: never written. */
const none: Map<number, unknown> = /* @__PURE__ */ new Map()

/** A copy, because nobody may hold a reference into the storage. Values of text and numbers need no deep copy. */
function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Object.values(value).some((it) => Object(it) === it)) return deepCopy(value)
  return Array.isArray(value) ? [...(value as unknown[])] : { ...value }
}
