import { batch, observable, when } from '@legendapp/state'
import { ObservablePersistIndexedDB } from '@legendapp/state/persist-plugins/indexeddb'
import { useSelector } from '@legendapp/state/react'
import { syncObservable } from '@legendapp/state/sync'
import type { Adapter, Cells, Entry, Fan, Keeper, Leaf, Shape } from '../adapter.ts'
import { idOf, listState, mapState, profileState } from '../items.ts'

/** The part of an observable that is used here; legend-state's own types are not readonly-friendly. */
interface Count {
  get(): number
  peek(): number
  set(value: number): void
  onChange(listener: (change: { value: number }) => void): () => void
}

function countsOf(shape: Shape, count: number): (at: number) => Count {
  const state$ = observable(shape === 'list' ? listState(count) : mapState(count))
  const items$ = state$.items as unknown as Record<string, { count: Count }>
  const keys = Array.from({ length: count }, (_, at) => idOf(shape, at))
  return (at) => items$[keys[at]!]!.count
}

function fan(shape: Shape, count: number): Fan {
  const countAt = countsOf(shape, count)
  return {
    write: (at, value) => countAt(at).set(value),
    read: (at) => countAt(at).peek(),
    subscribe: (at, listener) => void countAt(at).onChange(({ value }) => listener(value)),
  }
}

function leaf(): Leaf {
  const state$ = observable(profileState())
  return {
    get: () => state$.user.profile.age.get(),
    set: (value) => state$.user.profile.age.set(value),
  }
}

function cells(count: number): Cells {
  const countAt = countsOf('list', count)
  return {
    useCell: (at) => useSelector(() => countAt(at).get()),
    write: (at, value) => countAt(at).set(value),
    writeAll: (value) =>
      batch(() => {
        for (let at = 0; at < count; at++) countAt(at).set(value)
      }),
  }
}

/** Its own IndexedDB plugin, which keeps one record for each entry. */
async function keeper(entries: Entry[]): Promise<Keeper> {
  const databaseName = 'legend-state'
  const entries$ = observable({} as Record<string, Entry>)
  const state$ = syncObservable(entries$, {
    persist: {
      name: 'entries',
      plugin: new ObservablePersistIndexedDB({ databaseName, version: 1, tableNames: ['entries'] }),
    },
  })
  await when(state$.isPersistLoaded)
  entries$.set(Object.fromEntries(entries.map((entry) => [entry.id, entry])))
  return {
    change: (at, note) => entries$[entries[at]!.id]!.note.set(note),
    async stored(at) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(databaseName)
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error!)
      })
      const entry = await new Promise<Entry>((resolve, reject) => {
        const request: IDBRequest<Entry> = database
          .transaction('entries')
          .objectStore('entries')
          .get(entries[at]!.id)
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error!)
      })
      database.close()
      return entry.note
    },
  }
}

export const legendState: Adapter = { fan, leaf, cells, keeper }
