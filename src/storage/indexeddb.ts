import { promisifyRequest } from 'idb-keyval'
import { fingerprint } from './checksum'
import { appended, claimed, compacted, listed } from './head'
import { connection } from './idb-connection'
import type { Connection } from './idb-connection'
import type { SessionStorage, StoredBatch, StoredHead, StoredSession, StoredSnapshot } from './storage'

/*
 * The layout of the one object store, by key:
 *
 *   ['h', id]          head: all that a list and a check of the writer need, about 200 bytes
 *   ['j', id, to]      batch, under its last sequence number: a snapshot at n covers the keys up to n
 *   ['s', id, 0]       snapshot; the numbers after 0 are kept for snapshots in parts
 *   ['q', id, print]   quarantine: a copy of all of the above, under its fingerprint
 *   ['e']              the newest epoch that was given out
 *
 * An append reads the head and writes head and batch: it costs what the change costs, whatever the state weighs.
 */
type Kind = 'h' | 'j' | 's' | 'q'
const EPOCHS = ['e']

/**
 * Sessions in IndexedDB: they survive a reload, a crash, and, where asked for, a power cut.
 *
 * @param name the database. Default: `dogear`. When that one cannot be used, `dogear-2` or `dogear-3`.
 */
export function indexedDBStorage(name = 'dogear'): SessionStorage {
  const database = connection(name)
  const reading = database.store('relaxed')
  return {
    kind: 'indexeddb',
    read: (id) => reading('readonly', (store) => contents(store, id)),
    export: (id) =>
      reading('readonly', async (store) => {
        const aside = promisifyRequest<StoredSession[]>(store.getAll(under('q', id)))
        const [session, quarantine] = await Promise.all([contents(store, id), aside])
        return session || quarantine.length > 0 ? { ...(session && { session }), quarantine } : undefined
      }),
    list: (filter) =>
      reading('readonly', async (store) => {
        const heads = await promisifyRequest<StoredHead[]>(store.getAll(IDBKeyRange.bound(['h'], ['h', []])))
        return listed(heads, filter)
      }),
    ...writing(database),
    ...removing(database),
    close: async () => database.close(),
  }
}

function writing(database: Connection): Pick<SessionStorage, 'claim' | 'append' | 'compact' | 'quarantine'> {
  const strict = database.store('strict')
  const relaxed = database.store('relaxed')
  return {
    claim: (id, shape, expected) =>
      relaxed('readwrite', async (store) => {
        const [head, newest] = await Promise.all([
          headOf(store, id),
          promisifyRequest<unknown>(store.get(EPOCHS)),
        ])
        const seq = head?.seq ?? 0
        if (seq !== expected) return { epoch: undefined, seq }
        // Begins with the time: when the database is deleted under an open tab, the next one must not give out
        // an epoch which that tab still has.
        const epoch =
          (typeof newest === 'number' ? newest : Math.floor((Date.now() + Math.random()) * 1000)) + 1
        store.put(epoch, EPOCHS)
        store.put(claimed(head, id, shape, epoch), ['h', id])
        return { epoch, seq }
      }),
    append: (id, batch, { durability }) =>
      database.store(durability)('readwrite', async (store) => {
        const head = appended(await headOf(store, id), id, batch)
        if (head === undefined) return
        store.put(batch, ['j', id, batch.to])
        store.put(head, ['h', id])
      }),
    compact: (id, snapshot) =>
      strict('readwrite', async (store) => {
        const head = compacted(await headOf(store, id), id, snapshot)
        if (head === undefined) return
        store.put(snapshot, ['s', id, 0])
        store.delete(IDBKeyRange.bound(['j', id], ['j', id, snapshot.seq]))
        store.put(head, ['h', id])
      }),
    quarantine: (id) =>
      strict('readwrite', async (store) => {
        const copy = await contents(store, id)
        if (copy) store.put(copy, ['q', id, fingerprint(copy)])
      }),
  }
}

function removing(database: Connection): Pick<SessionStorage, 'delete' | 'discard' | 'clear'> {
  const remove = (kinds: readonly Kind[], from: string, to: string): Promise<void> =>
    database.store('strict')('readwrite', (store) => {
      for (const kind of kinds) store.delete(under(kind, from, to))
    })
  const all: readonly Kind[] = ['h', 'j', 's', 'q']
  return {
    delete: (id) => remove(all, id, id),
    discard: (id) => remove(['h', 'j', 's'], id, id),
    clear: (prefix = '') => remove(all, prefix, `${prefix}\uffff`),
  }
}

/** All keys of a kind, from one id to another. A list is greater than any number or text: it ends the range. */
function under(kind: Kind, from: string, to = from): IDBKeyRange {
  return IDBKeyRange.bound([kind, from], [kind, to, []])
}

function headOf(store: IDBObjectStore, id: string): Promise<StoredHead | undefined> {
  return promisifyRequest<StoredHead | undefined>(store.get(['h', id]))
}

/** Everything there is, whole or not: a session that lost its head is damaged, and not a fresh one. */
async function contents(store: IDBObjectStore, id: string): Promise<StoredSession | undefined> {
  const [head, snapshot, batches] = await Promise.all([
    headOf(store, id),
    promisifyRequest<StoredSnapshot | undefined>(store.get(['s', id, 0])),
    promisifyRequest<StoredBatch[]>(store.getAll(under('j', id))),
  ])
  if (!head?.seq && snapshot === undefined && batches.length === 0) return undefined
  return { head: head as StoredHead, batches, ...(snapshot && { snapshot }) }
}
