import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checksum } from '../../src/storage/checksum'
import { loadStored } from '../../src/storage/load'
import { Refusal } from '../../src/storage/refusal'
import { memoryStorage } from '../../src/storage/adapters/memory'
import { jsonSerializer } from '../../src/storage/serializer'
import type { SessionStorage, StoredBatch, StoredSession, StoredSnapshot } from '../../src/storage/storage'
import { random } from '../support/random'
import { desk, shape } from './desk'

type Stored = { -readonly [K in keyof StoredSession]: StoredSession[K] }

function batch(from: number, to: number): StoredBatch {
  const data = JSON.stringify(Array.from({ length: to - from + 1 }, (_, at) => ({ seq: from + at })))
  return { from, to, at: 10 * to, status: 'running', data, sum: checksum(data) }
}

function snapshot(seq: number): StoredSnapshot {
  const data = JSON.stringify({ count: seq })
  return { ...shape, seq, at: 10 * seq, status: 'running', data, sum: checksum(data) }
}

/** A whole session: a snapshot at 4 and the records up to 9. */
function whole(): Stored {
  const head = { ...shape, id: 'a', epoch: 2, seq: 9, snapshot: 4, status: 'running', savedAt: 90, size: 1 }
  return { head, snapshot: snapshot(4), batches: [batch(5, 5), batch(6, 8), batch(9, 9)] }
}

function reading(stored: unknown): SessionStorage {
  return { ...memoryStorage(), read: () => Promise.resolve(structuredClone(stored) as StoredSession) }
}

const load = (stored: unknown): ReturnType<typeof loadStored> =>
  loadStored(reading(stored), 'a', jsonSerializer)

async function refusal(stored: unknown): Promise<string> {
  const error: unknown = await load(stored).then(
    () => 'it was loaded',
    (thrown: unknown) => thrown,
  )
  return error instanceof Refusal ? `${error.code}: ${error.message}` : String(error)
}

const seqs = (records: readonly unknown[] = []): number[] => records.map((it) => (it as { seq: number }).seq)

describe('loadStored', () => {
  it('finds nothing where nothing is stored', async () => {
    expect(await loadStored(memoryStorage(), 'a', jsonSerializer)).toBeUndefined()
  })

  it('answers with the snapshot and the records after it', async () => {
    const loaded = await load(whole())
    expect(loaded?.snapshot).toEqual({ seq: 4, at: 40, value: { count: 4 } })
    expect(seqs(loaded?.records)).toEqual([5, 6, 7, 8, 9])
    expect(loaded?.sizes).toEqual({ seq: 9, savedAt: 90, snapshot: 11, journal: 11 + 31 + 11, batches: 3 })
  })

  it('works without a snapshot', async () => {
    const { head } = whole()
    const loaded = await load({ head: { ...head, snapshot: 0, seq: 3 }, batches: [batch(1, 3)] })
    expect([loaded?.snapshot, seqs(loaded?.records)]).toEqual([undefined, [1, 2, 3]])
  })

  it('ignores batches that the snapshot covers, and the covered part of a batch', async () => {
    const stored = whole()
    expect(
      seqs((await load({ ...stored, batches: [batch(1, 2), batch(3, 4), ...stored.batches] }))?.records),
    ).toEqual([5, 6, 7, 8, 9])
    expect(seqs((await load({ ...stored, batches: [batch(2, 7), batch(8, 9)] }))?.records)).toEqual([
      5, 6, 7, 8, 9,
    ])
  })

  it('works with a snapshot alone', async () => {
    const { head } = whole()
    const loaded = await load({ head: { ...head, seq: 4 }, snapshot: snapshot(4), batches: [] })
    expect([loaded?.records, loaded?.snapshot?.seq]).toEqual([[], 4])
  })

  it('refuses a newer format before it looks at anything else', async () => {
    const stored = whole()
    const garbage = { data: 'not JSON', sum: 0 }
    expect(await refusal({ head: { format: 7 }, batches: [garbage] })).toMatch('NEWER_FORMAT')
    expect(await refusal({ ...stored, head: { ...stored.head, format: 99, seq: 'new meaning' } })).toMatch(
      'NEWER_FORMAT',
    )
    expect(await refusal({ ...stored, snapshot: { ...snapshot(4), format: 7, sum: 0 } })).toMatch(
      'NEWER_FORMAT',
    )
  })

  it('lets the caller refuse by the head before anything is decoded', async () => {
    const stored = { ...whole(), snapshot: { ...snapshot(4), data: 'encrypted by a newer version' } }
    const other = new Error('another workflow')
    const accept = (head: { workflow: string }): void => {
      if (head.workflow === 'checkout') throw other
    }
    await expect(loadStored(reading(stored), 'a', jsonSerializer, accept)).rejects.toBe(other)
  })

  it('passes on what the storage throws', async () => {
    const storage = { ...memoryStorage(), read: () => Promise.reject(new Error('no disk')) }
    await expect(loadStored(storage, 'a', jsonSerializer)).rejects.toThrow('no disk')
  })

  it.each<[string, (stored: Stored) => unknown]>([
    ['no head', (it) => ({ ...it, head: undefined })],
    ['a head that is text', (it) => ({ ...it, head: 'head' })],
    ['a head of another session', (it) => ({ ...it, head: { ...it.head, id: 'b' } })],
    ['a head without a number', (it) => ({ ...it, head: { ...it.head, epoch: NaN } })],
    ['a lost snapshot', ({ head, batches }) => ({ head, batches })],
    ['a snapshot at another place', (it) => ({ ...it, snapshot: snapshot(3) })],
    ['a lost first batch', (it) => ({ ...it, batches: it.batches.slice(1) })],
    ['a hole', (it) => ({ ...it, batches: it.batches.filter((_, at) => at !== 1) })],
    ['a lost end', (it) => ({ ...it, batches: it.batches.slice(0, -1) })],
    ['no batches at all', (it) => ({ ...it, batches: [] })],
    ['an overlap', (it) => ({ ...it, batches: [batch(5, 6), batch(6, 8), batch(9, 9)] })],
    ['an order that is not one', (it) => ({ ...it, batches: it.batches.toReversed() })],
    ['records beyond the head', (it) => ({ ...it, batches: [...it.batches, batch(10, 10)] })],
    ['a wrong checksum', (it) => ({ ...it, snapshot: { ...snapshot(4), sum: 5 } })],
    [
      'no checksum',
      ({ snapshot: _snapshot, ...it }) => ({ ...it, snapshot: { ...snapshot(4), sum: undefined } }),
    ],
    ['fewer records than the batch says', (it) => ({ ...it, batches: [{ ...batch(5, 6), to: 9 }] })],
    [
      'a batch that is no list',
      (it) => {
        const data = '{"length":1}'
        return { ...it, batches: [{ ...batch(5, 5), data, sum: checksum(data) }, ...it.batches.slice(1)] }
      },
    ],
    ['data that are no text', (it) => ({ ...it, snapshot: { ...snapshot(4), data: 7 } })],
    [
      'text that is no JSON',
      (it) => ({ ...it, snapshot: { ...snapshot(4), data: '{', sum: checksum('{') } }),
    ],
  ])('refuses %s', async (_name, damage) => {
    expect(await refusal(damage(whole()))).toMatch('UNREADABLE_RECORD')
  })

  it('refuses every flipped bit and every lost end of the stored text', async () => {
    const next = random(5)
    for (let round = 0; round < 300; round++) {
      const stored = whole()
      const place = Math.floor(next() * 4)
      const victim = place === 3 ? snapshot(4) : stored.batches[place]
      const text = String(victim?.data)
      const at = Math.floor(next() * text.length)
      const flipped = String.fromCharCode(text.charCodeAt(at) ^ (1 << Math.floor(next() * 7)))
      const data = next() < 0.5 ? text.slice(0, at) : text.slice(0, at) + flipped + text.slice(at + 1)
      const damaged =
        place === 3
          ? { ...stored, snapshot: { ...snapshot(4), data } }
          : { ...stored, batches: stored.batches.with(place, { ...batch(1, 1), ...victim, data }) }
      expect(await refusal(damaged)).toMatch('checksum')
    }
  })

  it('reads every golden file: sessions stored by released versions', async () => {
    const golden = JSON.parse(
      readFileSync(new URL('golden/format-1.json', import.meta.url), 'utf8'),
    ) as unknown
    const loaded = await load(golden)
    expect(loaded?.snapshot?.value).toEqual([
      { seq: 1, notes: [1], ballast: '' },
      { seq: 2, notes: [2, 3], ballast: '' },
    ])
    expect(loaded?.records).toEqual([
      { seq: 3, notes: [4], ballast: '' },
      { seq: 4, notes: [5], ballast: '' },
    ])
  })

  it('loads what a journal has stored, with the sizes of the list', async () => {
    const storage = memoryStorage()
    const { write, journal } = await desk({ storage })
    for (let n = 0; n < 5; n++) {
      write('strict', 1000 * n)
      await journal.flush()
    }
    const loaded = await loadStored(storage, 'a', jsonSerializer)
    expect(seqs(loaded?.records)).toEqual([1, 2, 3, 4, 5])
    expect((await storage.list())[0]?.size).toBe(loaded?.sizes.journal)
  })
})
