import { promisifyRequest } from 'idb-keyval'
import { warmUp } from '../checksum'
import { firstEpoch } from './first-epoch'
import { connection } from './idb-connection'
import { sessions } from './sessions'
import type { Kind, Shelf } from './sessions'
import type { SessionStorage } from '../storage'

/**
 * Keeps sessions in IndexedDB. They survive a reload, a crash and, where asked for, a power cut.
 *
 * @param name the name of the database, to which `-2` or `-3` is added when it cannot be used. Default: `dogear`.
 */
export function indexedDBStorage(name = 'dogear'): SessionStorage {
  const watching = new Set<() => void>()
  const { transact, leave, close, connect } = connection(name, () => watching.forEach((it) => it()))
  return {
    kind: 'indexeddb',
    name,
    keepsBytes: true,
    ...sessions(
      (mode, durability, work) => transact(mode, durability, (store) => work(shelf(store))),
      firstEpoch,
    ),
    connect,
    release: leave,
    watch(listener) {
      watching.add(listener)
      return () => watching.delete(listener)
    },
    close: async () => close(),
  }
}

function shelf(store: IDBObjectStore): Shelf {
  /** A list is greater than any number or text: it ends every range. */
  const range = (kind: Kind, from: unknown[], to: unknown[]): IDBKeyRange =>
    IDBKeyRange.bound([kind, ...from], [kind, ...to])
  return {
    get: (...key) => promisifyRequest(store.get(key)),
    all: (kind, id) =>
      promisifyRequest(store.getAll(id === undefined ? range(kind, [], [[]]) : range(kind, [id], [id, []]))),
    numbers: async (kind, id) =>
      (await promisifyRequest(store.getAllKeys(range(kind, [id], [id, []])))).map(
        (it) => (it as [Kind, string, number])[2],
      ),
    put: (kind, id, n, value) => void store.put(value, [kind, id, n]),
    cut(kind, id, n, save = []) {
      const remove = (from: number | undefined, to: number): void => {
        if (from === undefined || to >= from)
          store.delete(range(kind, from === undefined ? [id] : [id, from], [id, to]))
      }
      let from: number | undefined
      for (const it of [...save].sort((a, b) => a - b)) {
        remove(from, it - 1)
        from = it + 1
      }
      remove(from, n)
    },
    clear: (kind, prefix) => void store.delete(range(kind, [prefix], [`${prefix}\uffff`, []])),
    meanwhile: warmUp,
  }
}
