import { fingerprint } from './checksum'
import { appended, claimed, compacted, listed } from './head'
import type { SessionStorage, StoredBatch, StoredHead, StoredSession, StoredSnapshot } from './storage'
import { door } from './trouble'
import type { Door, Trouble } from './trouble'

/** A storage whose data live as long as the process. Any number of engines may share one. */
export interface MemoryStorage extends SessionStorage {
  /** What a new page finds: the same data in working order. This storage is dead from here on, as if crashed. */
  restart(trouble?: Trouble): MemoryStorage
}

interface Stored {
  readonly head?: StoredHead
  readonly snapshot?: StoredSnapshot
  readonly batches: StoredBatch[]
  readonly quarantine: ReadonlyMap<number, StoredSession>
}

interface Data {
  readonly sessions: Map<string, Stored>
  /** Over all sessions, so that no two claims ever get the same epoch, not even of a session that was deleted. */
  epochs: number
}

/**
 * The storage of tests and of places without another one; with trouble on demand.
 *
 * ```ts
 * const storage = memoryStorage({ crashAt: 3 })
 * // ... the third write never lands
 * const engine = createEngine({ storage: storage.restart() })
 * ```
 */
export function memoryStorage(trouble: Trouble = {}): MemoryStorage {
  return open({ sessions: new Map(), epochs: 0 }, trouble)
}

function open(data: Data, trouble: Trouble): MemoryStorage {
  const { act, write, crash } = door(trouble)
  return {
    kind: 'memory',
    ...reading(data, act),
    ...writing(data, act, write),
    ...removing(data, write),
    close: () => act(() => {}),
    restart(next = {}) {
      crash()
      return open(data, next)
    },
  }
}

function reading({ sessions }: Data, act: Door['act']): Pick<SessionStorage, 'read' | 'list' | 'export'> {
  return {
    read: (id) => act(() => contents(sessions.get(id))),
    export: (id) =>
      act(() => {
        const session = contents(sessions.get(id))
        const quarantine = [...(sessions.get(id)?.quarantine.values() ?? [])]
        return session || quarantine.length > 0 ? { ...(session && { session }), quarantine } : undefined
      }),
    list: (filter) =>
      act(() => {
        const heads = [...sessions.values()].flatMap((it) => it.head ?? [])
        return listed(heads, filter)
      }),
  }
}

function writing(
  data: Data,
  act: Door['act'],
  write: Door['write'],
): Pick<SessionStorage, 'claim' | 'append' | 'compact' | 'quarantine'> {
  const { sessions } = data
  const at = (id: string): Stored => sessions.get(id) ?? { batches: [], quarantine: new Map() }
  const change = (id: string, part: Partial<Stored>): void => void sessions.set(id, { ...at(id), ...part })
  return {
    claim: (id, shape, expected) =>
      act(() => {
        const { head } = at(id)
        const seq = head?.seq ?? 0
        if (seq !== expected) return { epoch: undefined, seq }
        change(id, { head: claimed(head, id, shape, ++data.epochs) })
        return { epoch: data.epochs, seq }
      }),
    append: (id, batch) =>
      write('append', id, () => {
        const { batches, ...stored } = at(id)
        const head = appended(stored.head, id, batch)
        if (head === undefined) return
        batches.push(copied(batch))
        change(id, { head })
      }),
    compact: (id, snapshot) =>
      write('compact', id, () => {
        const head = compacted(at(id).head, id, snapshot)
        const batches = at(id).batches.filter((it) => it.to > snapshot.seq)
        if (head) change(id, { head, batches, snapshot: copied(snapshot) })
      }),
    quarantine: (id) =>
      act(() => {
        const copy = contents(at(id))
        if (copy) change(id, { quarantine: new Map(at(id).quarantine).set(fingerprint(copy), copy) })
      }),
  }
}

function removing(
  { sessions }: Data,
  write: Door['write'],
): Pick<SessionStorage, 'delete' | 'discard' | 'clear'> {
  return {
    delete: (id) => write('delete', id, () => void sessions.delete(id)),
    discard: (id) =>
      write('delete', id, () => {
        const quarantine = sessions.get(id)?.quarantine
        if (quarantine) sessions.set(id, { batches: [], quarantine })
      }),
    clear: (prefix = '') =>
      write('delete', prefix, () => {
        for (const id of sessions.keys()) if (id.startsWith(prefix)) sessions.delete(id)
      }),
  }
}

function contents(stored: Stored | undefined): StoredSession | undefined {
  if (stored?.head === undefined || stored.head.seq === 0) return undefined
  const { head, snapshot, batches } = stored
  return {
    head: { ...head },
    batches: batches.map(copied),
    ...(snapshot && { snapshot: copied(snapshot) }),
  }
}

/** Nobody may hold a reference into the storage. Text needs no copy. */
function copied<T extends StoredBatch | StoredSnapshot>(stored: T): T {
  return typeof stored.data === 'string' ? { ...stored } : structuredClone(stored)
}
