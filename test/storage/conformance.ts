import type { DogearError } from '../../src/errors'
import type { SessionStorage, StoredBatch, StoredSnapshot } from '../../src/storage/storage'

/** One thing that every storage must do. Throws when it does not. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/** Opens the same data each time it is called: another tab, or the next page. */
export type OpenStorage = () => SessionStorage

const shape = { format: 1, workflow: 'checkout', version: 1 }
const relaxed = { durability: 'relaxed' } as const
const strict = { durability: 'strict' } as const

/**
 * What the engine relies on, as a list of cases for any test runner.
 *
 * @param makeStorage makes an empty storage, once for each case.
 */
export function conformance(makeStorage: () => OpenStorage | Promise<OpenStorage>): ConformanceCase[] {
  return Object.entries({ ...claims, ...appends, ...compactions, ...lists, ...removals, ...odds }).map(
    ([name, run]) => ({ name, run: async () => run(await makeStorage()) }),
  )
}

type Cases = Record<string, (open: OpenStorage) => Promise<void>>

const claims: Cases = {
  'nothing stored: nothing to read, list or export': async (open) => {
    const storage = open()
    equal(await storage.read('a'), undefined)
    equal(await storage.list(), [])
    equal(await storage.export('a'), undefined)
  },
  'a claim alone is no session': async (open) => {
    const storage = open()
    equal((await storage.claim('a', shape, 0)).seq, 0)
    equal(await storage.read('a'), undefined)
    equal(await storage.list(), [])
  },
  'a later claim gets a higher epoch and fences the earlier one': async (open) => {
    const storage = open()
    const first = await begin(storage, 'a')
    await storage.append('a', first, batch(1, 2), strict)
    const { epoch, seq } = await storage.claim('a', shape, 2)
    equal(seq, 2)
    truthy(epoch !== undefined && epoch > first, 'the epoch rises')
    await refused(storage.append('a', first, batch(3), strict), 'STALE_EPOCH')
    await refused(storage.compact('a', first, snapshot(2)), 'STALE_EPOCH')
    await refused(storage.append('a', (epoch ?? 0) + 1, batch(3), strict), 'STALE_EPOCH')
    equal((await storage.read('a'))?.batches.length, 1)
  },
  'a claim that expects something else changes nothing': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 2), strict)
    equal(await storage.claim('a', shape, 1), { epoch: undefined, seq: 2 })
    equal(await open().claim('b', shape, 1), { epoch: undefined, seq: 0 })
    await storage.append('a', epoch, batch(3), strict)
  },
  'a claim leaves the shape of stored data alone, and sets that of none': async (open) => {
    const storage = open()
    await storage.claim('a', { ...shape, version: 7 }, 0)
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), strict)
    await storage.claim('a', { format: 1, workflow: 'other', version: 2 }, 1)
    const head = (await storage.read('a'))?.head
    equal([head?.workflow, head?.version], ['checkout', 1])
  },
  'of two claims at once both get an epoch of their own, and the higher one writes': async (open) => {
    const [one, two] = [open(), open()]
    const epochs = await Promise.all([begin(one, 'a'), begin(two, 'a')])
    truthy(epochs[0] !== epochs[1], 'no epoch is given out twice')
    await refused(one.append('a', Math.min(...epochs), batch(1), strict), 'STALE_EPOCH')
    await two.append('a', Math.max(...epochs), batch(1), strict)
  },
  'no writer without a claim': async (open) => {
    const storage = open()
    await refused(storage.append('a', 1, batch(1), strict), 'STALE_EPOCH')
    await refused(storage.compact('a', 1, snapshot(1)), 'STALE_EPOCH')
    equal(await storage.export('a'), undefined)
  },
}

const appends: Cases = {
  'what was appended is read as it was, by whoever opens': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const batches = [batch(1, 3), batch(4), batch(5, 9)]
    for (const it of batches) await storage.append('a', epoch, it, it.from > 1 ? strict : relaxed)
    const stored = await open().read('a')
    equal(stored?.batches, batches)
    equal(stored?.snapshot, undefined)
    const head = { ...stored?.head, size: 0 }
    const saved = { seq: 9, snapshot: 0, status: 'running', savedAt: 1009, size: 0 }
    equal(head, { ...shape, id: 'a', epoch, ...saved })
  },
  'a gap is refused': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await refused(storage.append('a', epoch, batch(2), strict), 'STALE_EPOCH')
    await storage.append('a', epoch, batch(1), strict)
    await refused(storage.append('a', epoch, batch(3, 4), strict), 'STALE_EPOCH')
    equal((await storage.read('a'))?.batches.length, 1)
  },
  'a batch that is there already changes nothing, however late it comes': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.append('a', epoch, batch(3), strict)
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.compact('a', epoch, snapshot(3))
    await storage.append('a', epoch, batch(3), strict)
    const stored = await storage.read('a')
    equal([stored?.head.seq, stored?.snapshot?.seq, stored?.batches], [3, 3, []])
  },
  'many appends at once land in order': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const seqs = Array.from({ length: 20 }, (_, at) => at + 1)
    await Promise.all(seqs.map((seq) => storage.append('a', epoch, batch(seq), relaxed)))
    equal(
      (await storage.read('a'))?.batches.map((it) => it.to),
      seqs,
    )
  },
  'more than nine batches are still in the order of their numbers': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    for (let seq = 1; seq < 120; seq++) await storage.append('a', epoch, batch(seq), relaxed)
    const read = (await storage.read('a'))?.batches.map((it) => it.from) ?? []
    truthy(
      read.every((from, at) => from === at + 1),
      `in order: ${read.join()}`,
    )
  },
  'a value that cannot be stored is refused whole': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const poison = { ...batch(1), data: [() => 1] }
    truthy(await storage.append('a', epoch, poison, strict).then(Boolean, () => true), 'refused')
    equal(await storage.read('a'), undefined)
    await storage.append('a', epoch, batch(1), strict)
    equal((await storage.read('a'))?.head.seq, 1)
  },
}

const compactions: Cases = {
  'a snapshot takes the place of what it covers': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    for (const it of [batch(1, 2), batch(3), batch(4, 6)]) {
      await storage.append('a', epoch, it, strict)
    }
    await storage.compact('a', epoch, snapshot(3))
    const stored = await open().read('a')
    equal(stored?.snapshot, snapshot(3))
    equal(stored?.batches, [batch(4, 6)])
    equal([stored?.head.seq, stored?.head.snapshot], [6, 3])
  },
  'a batch that reaches beyond the snapshot is kept whole': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 5), strict)
    await storage.compact('a', epoch, snapshot(3))
    equal((await storage.read('a'))?.batches, [batch(1, 5)])
  },
  'a snapshot may be ahead; appends follow it': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 2), strict)
    await storage.compact('a', epoch, snapshot(10))
    await refused(storage.append('a', epoch, batch(12), strict), 'STALE_EPOCH')
    await storage.append('a', epoch, batch(3, 4), strict)
    await storage.append('a', epoch, batch(11), strict)
    const stored = await storage.read('a')
    equal([stored?.head.seq, stored?.batches], [11, [batch(11)]])
    equal((await storage.claim('a', shape, 11)).seq, 11)
  },
  'a batch that a late snapshot has overtaken halfway is stored whole': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 7), strict)
    await storage.compact('a', epoch, snapshot(10))
    await storage.append('a', epoch, batch(8, 12), strict)
    await storage.append('a', epoch, batch(13), strict)
    const stored = await storage.read('a')
    equal([stored?.head.seq, stored?.snapshot?.seq], [13, 10])
    equal(stored?.batches, [batch(8, 12), batch(13)])
  },
  'a session may begin with a snapshot': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.compact('a', epoch, snapshot(4))
    equal((await storage.read('a'))?.head.seq, 4)
    equal((await storage.list()).length, 1)
  },
  'a late older snapshot does not replace a newer one': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1, 8), strict)
    await storage.compact('a', epoch, snapshot(8))
    await storage.compact('a', epoch, snapshot(5))
    equal((await storage.read('a'))?.snapshot?.seq, 8)
  },
  'a snapshot brings its version with it': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    await storage.append('a', epoch, batch(1), strict)
    await storage.compact('a', epoch, { ...snapshot(2), version: 3 })
    equal((await storage.read('a'))?.head.version, 3)
    equal((await storage.list())[0]?.version, 3)
  },
}

const lists: Cases = {
  'a list shows what a person wants to know, newest first': async (open) => {
    const storage = open()
    await written(storage, 'old', 3)
    await written(storage, 'new', 7)
    const list = await open().list()
    equal(
      list.map((it) => ({ ...it, size: 0 })),
      [
        { id: 'new', workflow: 'checkout', version: 1, status: 'running', savedAt: 1007, size: 0 },
        { id: 'old', workflow: 'checkout', version: 1, status: 'running', savedAt: 1003, size: 0 },
      ],
    )
    truthy((list[0]?.size ?? 0) > (list[1]?.size ?? 0), 'more records, larger')
  },
  'filters: workflow, status, beginning of the id': async (open) => {
    const storage = open()
    await written(storage, 'user-1/cart', 1)
    await written(storage, 'user-10/cart', 2, { workflow: 'chat' })
    const epoch = await written(storage, 'user-2/cart', 3)
    await storage.append('user-2/cart', epoch, { ...batch(4), status: 'completed' }, strict)
    const ids = async (filter: Parameters<SessionStorage['list']>[0]): Promise<string[]> =>
      (await storage.list(filter)).map((it) => it.id)
    equal(await ids({ workflow: 'chat' }), ['user-10/cart'])
    equal(await ids({ status: 'completed' }), ['user-2/cart'])
    equal(await ids({ prefix: 'user-1' }), ['user-10/cart', 'user-1/cart'])
    equal(await ids({ prefix: 'user-1/' }), ['user-1/cart'])
    equal(await ids({ prefix: 'user-', workflow: 'checkout', status: 'running' }), ['user-1/cart'])
    equal(await ids({ workflow: 'nothing' }), [])
  },
  'a compaction makes the size that of the snapshot': async (open) => {
    const storage = open()
    const epoch = await written(storage, 'a', 50)
    const before = (await storage.list())[0]?.size ?? 0
    await storage.compact('a', epoch, snapshot(50))
    const after = (await storage.list())[0]?.size ?? 0
    truthy(after < before && after > 0, `${after} is less than ${before}`)
  },
}

const removals: Cases = {
  'a deleted session is gone, quarantine included, and its writer is fenced': async (open) => {
    const storage = open()
    const epoch = await written(storage, 'a', 2)
    await written(storage, 'ab', 1)
    await storage.compact('a', epoch, snapshot(2))
    await storage.quarantine('a')
    await storage.delete('a')
    equal(await storage.export('a'), undefined)
    equal(await storage.read('a'), undefined)
    await refused(storage.append('a', epoch, batch(3), strict), 'STALE_EPOCH')
    equal(
      (await storage.list()).map((it) => it.id),
      ['ab'],
    )
  },
  'the next session of that id does not take the old writer for its own': async (open) => {
    const [tab, other] = [open(), open()]
    const old = await written(tab, 'a', 2)
    await other.delete('a')
    const epoch = await written(other, 'a', 2)
    truthy(epoch !== old, 'no epoch is given out twice')
    await refused(tab.append('a', old, batch(3), strict), 'STALE_EPOCH')
  },
  'a discarded session leaves its quarantine': async (open) => {
    const storage = open()
    const epoch = await written(storage, 'a', 2)
    await storage.quarantine('a')
    await storage.discard('a')
    equal(await storage.read('a'), undefined)
    equal(await storage.list(), [])
    const left = await storage.export('a')
    equal(left?.session, undefined)
    equal(
      left?.quarantine.map((it) => it.head.seq),
      [2],
    )
    await refused(storage.append('a', epoch, batch(3), strict), 'STALE_EPOCH')
    await written(storage, 'a', 1)
    equal((await storage.export('a'))?.quarantine.length, 1)
    await storage.delete('a')
    equal(await storage.export('a'), undefined)
  },
  'what one writer left is set aside once, that of the next one beside it': async (open) => {
    const storage = open()
    await written(storage, 'a', 2)
    await storage.quarantine('a')
    await storage.quarantine('a')
    equal((await storage.export('a'))?.quarantine.length, 1)
    const { epoch = 0 } = await storage.claim('a', shape, 2)
    await storage.append('a', epoch, batch(3), strict)
    await storage.quarantine('a')
    equal((await storage.export('a'))?.quarantine.map((it) => it.head.seq).sort(), [2, 3])
    equal((await storage.read('a'))?.head.seq, 3)
    await storage.quarantine('nothing there')
    equal(await storage.export('nothing there'), undefined)
  },
  'clear takes everything of a prefix, also what no list shows': async (open) => {
    const storage = open()
    for (const id of ['ann/1', 'ann/2', 'anne/1', 'bob/1']) await written(storage, id, 1)
    await storage.quarantine('ann/2')
    await storage.discard('ann/2')
    await storage.clear('ann/')
    equal(await storage.export('ann/2'), undefined)
    equal((await storage.list()).map((it) => it.id).sort(), ['anne/1', 'bob/1'])
    await storage.clear()
    equal(await storage.list(), [])
  },
  'deleting what is not there is no error': async (open) => {
    const storage = open()
    await storage.delete('a')
    await storage.discard('a')
    await storage.clear('a')
    await storage.clear()
  },
}

const odds: Cases = {
  'ids of any kind': async (open) => {
    const storage = open()
    const ids = [
      '',
      ' ',
      'a',
      'a\u0000',
      'a,b',
      'a.b',
      '__proto__',
      'toString',
      'ü/…\ud83d\udc15',
      'x'.repeat(500),
    ]
    for (const [at, id] of ids.entries()) await written(storage, id, at + 1)
    for (const [at, id] of ids.entries()) equal((await storage.read(id))?.head.seq, at + 1)
    await storage.delete('a')
    equal((await storage.list()).length, ids.length - 1)
  },
  'nobody shares a reference with the storage': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const data = [{ text: 'stored' }]
    await storage.append('a', epoch, { ...batch(1), data }, strict)
    data[0] = { text: 'changed by the writer' }
    const read = (await storage.read('a'))?.batches[0]?.data as { text: string }[]
    equal(read, [{ text: 'stored' }])
    read[0] = { text: 'changed by the reader' }
    equal((await storage.read('a'))?.batches[0]?.data, [{ text: 'stored' }])
    const text = { ...batch(2) }
    await storage.append('a', epoch, text, strict)
    Object.assign(text, { data: 'changed by the writer' })
    const stored = await storage.read('a')
    equal(stored?.batches[1]?.data, batch(2).data)
    Object.assign(stored?.batches[1] ?? {}, { data: 'changed by the reader' })
    Object.assign(stored?.head ?? {}, { seq: 99 })
    const again = await storage.read('a')
    equal([again?.batches[1]?.data, again?.head.seq], [batch(2).data, 2])
  },
  'what structured clone can hold comes back': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const data = { at: new Date(5), bytes: new Uint8Array([1, 2, 255]), map: new Map([['a', 1n]]) }
    await storage.compact('a', epoch, { ...snapshot(1), data })
    await storage.quarantine('a')
    const read = (await storage.read('a'))?.snapshot?.data as typeof data
    equal([read.at.getTime(), [...read.bytes], read.map.get('a')], [5, [1, 2, 255], 1n])
  },
  'a megabyte of text comes back': async (open) => {
    const storage = open()
    const epoch = await begin(storage, 'a')
    const text = 'ä€\ud83d\udc15 0123456789'.repeat(70_000)
    await storage.append('a', epoch, { ...batch(1), data: text }, strict)
    truthy((await open().read('a'))?.batches[0]?.data === text, 'the same text')
  },
  'methods work without their object': async (open) => {
    const { claim, append, read, close } = open()
    const { epoch = 0 } = await claim('a', shape, 0)
    await append('a', epoch, batch(1), strict)
    equal((await read('a'))?.head.seq, 1)
    await close()
  },
  'after close the data are there for the next one': async (open) => {
    const storage = open()
    await written(storage, 'a', 3)
    await storage.close()
    await storage.close()
    equal((await open().read('a'))?.head.seq, 3)
  },
}

/** Claims whatever is there; racing claims may have to look again. */
export async function begin(storage: SessionStorage, id: string, wanted = shape): Promise<number> {
  const { epoch, seq } = await storage.claim(id, wanted, 0)
  return epoch ?? (await storage.claim(id, wanted, seq)).epoch ?? fail('the claim was refused twice')
}

/** A session with this many records, one a batch. Answers with its epoch. */
export async function written(
  storage: SessionStorage,
  id: string,
  records: number,
  other: Partial<typeof shape> = {},
): Promise<number> {
  const epoch = await begin(storage, id, { ...shape, ...other })
  for (let seq = 1; seq <= records; seq++) await storage.append(id, epoch, batch(seq), relaxed)
  return epoch
}

export function batch(from: number, to = from): StoredBatch {
  const data = JSON.stringify(Array.from({ length: to - from + 1 }, (_, at) => ({ seq: from + at })))
  return { from, to, at: 1000 + to, status: 'running', data, sum: 1 }
}

export function snapshot(seq: number): StoredSnapshot {
  return { ...shape, seq, at: 1000 + seq, status: 'running', data: `{"seq":${seq}}`, sum: 1 }
}

async function refused(call: Promise<unknown>, code: string): Promise<void> {
  const error = await call.then(
    () => fail(`expected ${code}, but it worked`),
    (thrown: unknown) => thrown as DogearError,
  )
  equal(error.code, code)
}

function equal(actual: unknown, expected: unknown): void {
  const [got, want] = [canonical(actual), canonical(expected)]
  if (got !== want) fail(`expected ${want}, got ${got}`)
}

function truthy(condition: boolean, what: string): void {
  if (!condition) fail(`not so: ${what}`)
}

function fail(message: string): never {
  throw new Error(message)
}

/** JSON with sorted keys: what a storage must give back, whatever the order it keeps. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, it: unknown) => {
      if (typeof it === 'bigint') return `${it}n`
      if (typeof it !== 'object' || it === null || Array.isArray(it)) return it
      return Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1)))
    }) ?? 'undefined'
  )
}
