import { EXPIRE_AFTER, isExpired } from '../expiry'
import { appended, claimed, compacted, fence, listed } from './head'
import type {
  Durability,
  SessionStorage,
  StoredBatch,
  StoredFlow,
  StoredHead,
  StoredPart,
  StoredSession,
  StoredSnapshot,
} from '../storage'

/**
 * The layout, the same on every medium that has transactions. The key of a value is its kind, a session's id and a number:
 *
 * - `h` head, 0: all that a list and the check of a writer need, so that an append never reads a state
 * - `j` batch, its last sequence number: a snapshot at n covers the numbers up to n. A list without names, which
 *   would be longer than a small change
 * - `s` snapshot, 0; after it the parts of it, by their number, each a list with the number in it
 * - `q` quarantine, the epoch of what was set aside: a copy of all of the above
 * - `f` flow state, 0, under the workflow's name; a copy that was set aside, its number
 * - `e` the newest epoch that was given out, for all sessions, under the id `''` and 0; the first one under 1
 */
export type Kind = 'h' | 'j' | 's' | 'q' | 'e' | 'f'

/** What a transaction sees. Reads may be awaited, one after another. Writes land when the whole transaction succeeds. */
export interface Shelf {
  get(kind: Kind, id: string, n: number): Promise<unknown>
  /** All values of a session, by rising number, or of all sessions. */
  all(kind: Kind, id?: string): Promise<unknown[]>
  /** The numbers of a session's values, in any order. */
  numbers(kind: Kind, id: string): Promise<number[]>
  put(kind: Kind, id: string, n: number, value: unknown): void
  /** Removes the numbers up to `n`, except those in `save`. */
  cut(kind: Kind, id: string, n: number, save?: readonly number[]): void
  /** Removes all sessions whose id begins like this. */
  clear(kind: Kind, prefix: string): void
  /** What can be done while parts are on their way: called when they are asked for. */
  meanwhile?(): void
}

/** Runs `work` alone; what it wrote lands whole, or not at all when it throws. */
export type Transact = <T>(
  mode: 'readonly' | 'readwrite',
  durability: Durability,
  work: (shelf: Shelf) => T | Promise<T>,
) => Promise<T>

const CONTENTS = ['h', 'j', 's'] as const
const KINDS = [...CONTENTS, 'q'] as const

/** A storage of sessions on any medium with transactions. `firstEpoch` is where the count of epochs begins. */
export function sessions(
  transact: Transact,
  firstEpoch: () => number,
): Omit<SessionStorage, 'kind' | 'close'> & Required<Pick<SessionStorage, 'keepPart'>> {
  return {
    ...reading(transact),
    ...writing(transact, firstEpoch),
    ...flows(transact, firstEpoch),
    quarantine: (id) =>
      transact('readwrite', 'strict', async (shelf) => {
        const copy = await contents(shelf, id)
        // Each writer has its own epoch, and nobody writes what nobody can load: one copy for each epoch is enough.
        // It may be damaged, and no key then.
        const epoch: unknown = copy?.head?.epoch
        if (copy) shelf.put('q', id, Number(epoch) || 0, copy)
      }),
    sweep: (now) => transact('readwrite', 'relaxed', (shelf) => swept(shelf, now)),
    delete: (id) => transact('readwrite', 'strict', (shelf) => cut(shelf, id, KINDS)),
    discard: (id) => transact('readwrite', 'strict', (shelf) => cut(shelf, id, CONTENTS)),
    clear: (prefix) =>
      transact('readwrite', 'strict', (shelf) => {
        for (const kind of KINDS) shelf.clear(kind, prefix ?? '')
        if (prefix === undefined) shelf.clear('f', '')
      }),
  }
}

function cut(shelf: Shelf, id: string, kinds: readonly Kind[]): void {
  for (const kind of kinds) shelf.cut(kind, id, Infinity)
}

async function swept(shelf: Shelf, now: number): Promise<void> {
  for (const head of (await shelf.all('h')) as (StoredHead | null)[]) {
    if (head?.seq !== 0 || typeof head.id !== 'string') continue
    const { id, savedAt, expireAfter = EXPIRE_AFTER } = head
    // Older code did not say when it has claimed: counted from here.
    if (!savedAt) shelf.put('h', id, 0, { ...head, savedAt: now })
    else if (isExpired(head, now, expireAfter) && !(await contents(shelf, id))) cut(shelf, id, CONTENTS)
  }
}

function flows(
  transact: Transact,
  firstEpoch: () => number,
): Pick<SessionStorage, 'readFlow' | 'writeFlow' | 'quarantineFlow'> {
  const read = (shelf: Shelf, workflow: string): Promise<StoredFlow | undefined> =>
    shelf.get('f', workflow, 0) as Promise<StoredFlow | undefined>
  return {
    readFlow: (workflow) => transact('readonly', 'relaxed', (shelf) => read(shelf, workflow)),
    writeFlow: (flow, expected) =>
      transact('readwrite', 'strict', async (shelf) => {
        const [stored, newest] = await Promise.all([read(shelf, flow.workflow), shelf.get('e', '', 0)])
        if ((stored?.seq ?? 0) !== expected) return false
        // Its page can tell by the first epoch whether the storage was emptied.
        if (newest === undefined) giveOut(shelf, newest, firstEpoch)
        shelf.put('f', flow.workflow, 0, flow)
        return true
      }),
    quarantineFlow: (workflow, remove = false) =>
      transact('readwrite', 'strict', async (shelf) => {
        const stored = await read(shelf, workflow)
        if (stored) shelf.put('f', workflow, stored.seq || 1, stored)
        if (remove) shelf.cut('f', workflow, 0)
      }),
  }
}

function reading(transact: Transact): Pick<SessionStorage, 'read' | 'export' | 'list' | 'began'> {
  return {
    began: () =>
      transact('readonly', 'relaxed', async (shelf) => {
        const [first, newest] = await Promise.all([shelf.get('e', '', 1), shelf.get('e', '', 0)])
        return (first ?? (newest === undefined ? 0 : 1)) as number
      }),
    read: (id) => transact('readonly', 'relaxed', (shelf) => contents(shelf, id)),
    export: (id) =>
      transact('readonly', 'relaxed', async (shelf) => {
        const [session, aside] = await Promise.all([contents(shelf, id), shelf.all('q', id)])
        const quarantine = aside as StoredSession[]
        return session || quarantine[0] ? { ...(session && { session }), quarantine } : undefined
      }),
    list: (filter) =>
      transact('readonly', 'relaxed', async (shelf) =>
        listed((await shelf.all('h')) as StoredHead[], filter),
      ),
  }
}

function writing(
  transact: Transact,
  firstEpoch: () => number,
): Pick<SessionStorage, 'claim' | 'append' | 'compact'> & Required<Pick<SessionStorage, 'keepPart'>> {
  return {
    claim: (id, shape, expected, at = 0) =>
      transact('readwrite', 'relaxed', async (shelf) => {
        const [head, newest] = await Promise.all([headOf(shelf, id), shelf.get('e', '', 0)])
        const seq = head?.seq ?? 0
        if (seq !== expected) return { epoch: undefined, seq }
        const epoch = giveOut(shelf, newest, firstEpoch)
        shelf.put('h', id, 0, claimed(head, id, shape, epoch, at))
        return { epoch, seq }
      }),
    append: (id, epoch, batch, { durability }) =>
      transact('readwrite', durability, async (shelf) => {
        const head = appended(await headOf(shelf, id), id, epoch, batch)
        if (head === undefined) return
        shelf.put('j', id, batch.to, packed(batch))
        shelf.put('h', id, 0, head)
      }),
    compact: (id, epoch, snapshot) =>
      transact('readwrite', 'strict', async (shelf) => {
        const head = compacted(await headOf(shelf, id), id, epoch, snapshot)
        if (head === undefined) return
        shelf.put('s', id, 0, snapshot)
        const { parts = [], newestPart } = snapshot
        if (newestPart) shelf.cut('s', id, newestPart, [0, ...parts.map(([n]) => n)])
        shelf.cut('j', id, snapshot.seq)
        shelf.put('h', id, 0, head)
      }),
    keepPart: (id, epoch, part) =>
      transact('readwrite', 'strict', async (shelf) => {
        fence(await headOf(shelf, id), id, epoch)
        shelf.put('s', id, part[0], part)
      }),
  }
}

/** The next epoch, after the newest one. Where that is damaged the count begins anew, which is always higher. */
function giveOut(shelf: Shelf, newest: unknown, firstEpoch: () => number): number {
  const epoch = (Number.isSafeInteger(newest) ? (newest as number) : firstEpoch()) + 1
  if (newest === undefined) shelf.put('e', '', 1, epoch)
  shelf.put('e', '', 0, epoch)
  return epoch
}

function headOf(shelf: Shelf, id: string): Promise<StoredHead | undefined> {
  return shelf.get('h', id, 0) as Promise<StoredHead | undefined>
}

/** Everything there is, whole or not: a session that lost its head is damaged, not new. One that was only claimed is new. */
async function contents(shelf: Shelf, id: string): Promise<StoredSession | undefined> {
  const found = await Promise.all([headOf(shelf, id), snapshotOf(shelf, id), shelf.all('j', id)])
  const [head, snapshot, packs] = found as [StoredHead, Kept, unknown[]]
  const batches = packs.map(unpacked)
  const isThere = head !== undefined && head?.seq !== 0
  return isThere || snapshot.snapshot || batches.length > 0 ? { head, batches, ...snapshot } : undefined
}

type Kept = Pick<StoredSession, 'snapshot' | 'parts'>

/** Reads values by separate requests at once, which takes a browser half the time of one answer with all of them. */
async function snapshotOf(shelf: Shelf, id: string): Promise<Kept> {
  const [kept, numbers] = await Promise.all([shelf.get('s', id, 0), shelf.numbers('s', id)])
  const asked = numbers.filter((n) => n !== 0).map((n) => shelf.get('s', id, n))
  if (asked.length > 0) shelf.meanwhile?.()
  const parts = await Promise.all(asked)
  const snapshot = kept as StoredSnapshot | undefined
  return {
    ...(snapshot && { snapshot }),
    ...(snapshot?.parts && { parts: parts.filter((it) => Array.isArray(it)) as unknown[] as StoredPart[] }),
  }
}

type Packed = readonly [from: number, to: number, at: number, status: string, data: unknown, sum: number]

function packed({ from, to, at, status, data, sum }: StoredBatch): Packed {
  return [from, to, at, status, data, sum]
}

/** What is no list is passed on as it is, for the load to refuse. */
function unpacked(value: unknown): StoredBatch {
  if (!Array.isArray(value)) return value as StoredBatch
  const [from, to, at, status, data, sum] = value as unknown as Packed
  return { from, to, at, status, data, sum }
}
