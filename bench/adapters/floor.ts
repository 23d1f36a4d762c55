import { useEffect, useState, useSyncExternalStore } from 'react'
import type { z } from 'zod'
import type { Adapter, Cells, Entry, Fan, Keeper, Leaf, Return } from '../adapter.ts'
import { countPath, profileState } from '../items.ts'
import { ageSchema } from '../schema.ts'

type Listener = () => void

/** The least a keyed store can do: a Map of values and a Map of listeners, told only when the value is new. */
function mapStore() {
  const values = new Map<string, number>()
  const listeners = new Map<string, Set<Listener>>()
  return {
    get: (path: string): number => values.get(path)!,
    set(path: string, value: number): void {
      if (Object.is(values.get(path), value)) return
      values.set(path, value)
      const told = listeners.get(path)
      if (told) for (const listener of told) listener()
    },
    subscribe(path: string, listener: Listener): Listener {
      let told = listeners.get(path)
      if (!told) listeners.set(path, (told = new Set()))
      const group = told
      group.add(listener)
      return () => group.delete(listener)
    },
  }
}

function fan(shape: 'list' | 'map', count: number): Fan {
  const store = mapStore()
  const paths = Array.from({ length: count }, (_, at) => countPath(shape, at))
  for (const path of paths) store.set(path, 0)
  return {
    write: (at, value) => store.set(paths[at]!, value),
    read: (at) => store.get(paths[at]!),
    subscribe: (at, listener) => void store.subscribe(paths[at]!, () => listener(store.get(paths[at]!))),
  }
}

/** The Map floor of the React rows: the store above under `useSyncExternalStore`. */
function cells(count: number): Cells {
  const store = mapStore()
  const nodes = Array.from({ length: count }, (_, at) => {
    const path = countPath('list', at)
    store.set(path, 0)
    return {
      subscribe: (listener: Listener) => store.subscribe(path, listener),
      get: () => store.get(path),
      path,
    }
  })
  return {
    useCell: (at) => useSyncExternalStore(nodes[at]!.subscribe, nodes[at]!.get),
    write: (at, value) => store.set(nodes[at]!.path, value),
    writeAll(value) {
      for (const node of nodes) store.set(node.path, value)
    },
  }
}

/** An immutable update of three levels, written out: a spread of three small objects costs Node 20 fifteen times as much. */
function leaf(schema?: z.ZodNumber): Leaf {
  let state = profileState()
  return {
    get: () => state.user.profile.age,
    set(value) {
      const age = schema ? schema.parse(value) : value
      const { user, settings, visits } = state
      const { profile, role, active } = user
      state = {
        user: { profile: { age, name: profile.name, city: profile.city }, role, active },
        settings,
        visits,
      }
    },
  }
}

/** One object store, one record for each entry: a change rewrites its own record. */
const opened = (): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open('floor', 1)
    request.onupgradeneeded = () => request.result.createObjectStore('entries')
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error!)
  })

const valueOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error!)
  })

async function keeper(entries: Entry[]): Promise<Keeper> {
  const database = await opened()
  const store = (mode: IDBTransactionMode) => database.transaction('entries', mode).objectStore('entries')
  await new Promise<void>((resolve, reject) => {
    const all = store('readwrite')
    for (const entry of entries) all.put(entry, entry.id)
    all.transaction.oncomplete = () => resolve()
    all.transaction.onabort = () => reject(all.transaction.error!)
  })
  return {
    change(at: number, note: string): void {
      const entry = { ...entries[at]!, note }
      entries[at] = entry
      store('readwrite').put(entry, entry.id)
    },
    stored: async (at) => (await valueOf(store('readonly').get(entries[at]!.id) as IDBRequest<Entry>)).note,
  }
}

/** All the records, each as it is, into a component's own state. */
function comeBack(): Return {
  const reading = opened().then((database) =>
    valueOf(database.transaction('entries').objectStore('entries').getAll() as IDBRequest<Entry[]>),
  )
  return {
    Note({ at }) {
      const [note, setNote] = useState<string>()
      useEffect(() => {
        const id = `customer-${at}`
        void reading.then((entries) => setNote(entries.find((it) => it.id === id)?.note))
      }, [at])
      return note ?? null
    },
  }
}

export const floor: Adapter = {
  fan,
  leaf: () => leaf(),
  checkedLeaf: () => leaf(ageSchema),
  cells,
  crowd: () => ({
    async fan(count, workers) {
      const work = async (n: number): Promise<number> => n
      let next = 0
      let sum = 0
      const worker = async (): Promise<void> => {
        while (next < count) {
          const came = await work(next++)
          sum += came
        }
      }
      await Promise.all(Array.from({ length: workers }, worker))
      return sum
    },
    async tiny(count) {
      const run = async (): Promise<number> => 1
      let ended = 0
      for (let n = 0; n < count; n++) ended += await run()
      return ended
    },
  }),
  chain: () => ({
    async run(length) {
      let reached = 0
      const step = async (n: number): Promise<number> => n + 1
      while (reached < length) reached = await step(reached)
      return { reached }
    },
  }),
  // What everybody has to do who is given a text.
  graphs: () => ({ load: (text) => (JSON.parse(text) as { nodes: unknown[] }).nodes.length }),
  keeper,
  comeBack,
}
