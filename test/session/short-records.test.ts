import { expect, test } from 'vitest'
import { readFileSync, writeFileSync } from 'node:fs'
import type { SessionRecord } from '../../src/session/model/record'
import { wrongInRecord } from '../../src/session/model/saved-check'
import { lengthen, shorten } from '../../src/session/model/short-records'

const fileOf = (name: string): URL => new URL(`golden/${name}.json`, import.meta.url)
const goldenOf = (name: string): SessionRecord[] => {
  const text = readFileSync(fileOf(name), 'utf8')
  const file = JSON.parse(text) as { records?: SessionRecord[]; batches: { data: string }[] }
  return file.records ?? file.batches.flatMap((it) => JSON.parse(it.data) as SessionRecord[])
}
const text = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test.each(['steady', 'wide', 'wizard', 'house', 'house-migrated'])(
  'the records of the golden journal "%s", any part of them shortened / read back the same',
  (name) => {
    const records = goldenOf(name)
    for (let from = 0; from < records.length; from++) {
      const part = records.slice(from)
      expect(lengthen(text(shorten(part)) as unknown[])).toEqual(part)
      expect(lengthen(part)).toEqual(part)
    }
  },
)

/** `GOLDEN=list` makes the files anew: only for a format that was never released. */
test.each(['steady', 'wide'])(
  'the golden list "%s-list" / reads back as the records of its journal',
  (name) => {
    const records = goldenOf(name)
    const file = fileOf(`${name}-list`)
    if (process.env['GOLDEN'] === 'list')
      writeFileSync(
        file,
        `[\n${shorten(records)
          .map((it) => JSON.stringify(it))
          .join(',\n')}\n]\n`,
      )
    expect(lengthen(JSON.parse(readFileSync(file, 'utf8')) as unknown[])).toEqual(records)
  },
)

test('frequent records / are stored as lists without names; a list of one as its item', () => {
  const taken = { kind: 'taken', exec: 1, step: 'first', events: [1], seq: 7, at: 10 } as const
  const ended = { kind: 'ended', exec: 1, emits: [], seq: 8, at: 10 } as const
  const event = { type: 'a', data: [1] }
  const collected = {
    kind: 'collected',
    exec: 1,
    key: 'collect:1',
    step: 'first',
    buffer: '',
    event,
  } as const
  const events = [
    { id: 1, type: 'a', data: null, to: ['b'] },
    { id: 2, type: 'a', data: 'x', to: [], scope: 1, branch: 0 },
    { id: 3, type: 'no data', to: ['b'] },
    { id: 4, type: 'a', data: 1, to: [], gather: ['c'], scope: 1, branch: 1 },
    { id: 5, type: 'a', data: 1, to: [], answers: { exec: 1, key: 'wait' } },
    { id: 6, type: 'a', data: 1, to: ['b'], rescues: 1 },
  ]
  const records: SessionRecord[] = [
    { kind: 'paused', seq: 6, at: 10 },
    ...[taken, ended],
    { ...ended, emits: events, seq: 9, opens: 2 },
    { kind: 'started', run: 'one', event: { id: 7, type: 'go', data: 1, to: ['first'] }, seq: 10, at: 10 },
    { kind: 'finished', status: 'completed', result: null, seq: 11, at: 10 },
    { kind: 'finished', status: 'completed', seq: 12, at: 10 },
    { kind: 'finished', status: 'cancelled', reason: 'enough', seq: 13, at: 10 },
    { ...taken, events: [8, 9], seq: 14, at: 10 },
    { ...collected, seq: 15, at: 10 },
    { ...collected, buffer: 'other', seq: 16, at: 10 },
    { ...collected, batch: ['a'], seq: 17, at: 10 },
    { ...collected, sends: events.slice(0, 1), seq: 18, at: 10 },
    { ...collected, event: { type: 'no data' }, seq: 19, at: 10 },
    { ...ended, emits: events.slice(0, 1), seq: 20, at: 10 },
    { ...ended, emits: events.slice(2, 3), seq: 21, at: 10 },
    { ...ended, emits: events.slice(1, 2), seq: 22, opens: 3, at: 10 },
    { kind: 'resumed', seq: 23, at: 11 },
    { ...taken, seq: 24, at: 11, by: 'another tab', n: 1 },
    { ...taken, seq: 30, at: 11 },
  ]
  expect(shorten(records)).toEqual([
    { kind: 'paused', seq: 6, at: 10 },
    [1, 'first', 1],
    -1,
    [1, [[1, 'a', 'b', null], [2, 'a', [], 'x', 1, 0], ...events.slice(2)], 2],
    ['one', [7, 'go', 'first', 1]],
    [null],
    { kind: 'finished', status: 'completed' },
    { kind: 'finished', status: 'cancelled', reason: 'enough' },
    [1, 'first', [8, 9]],
    [1, 'collect:1', 'first', 'a', [1]],
    { ...collected, buffer: 'other' },
    { ...collected, batch: ['a'] },
    { ...collected, sends: events.slice(0, 1) },
    { ...collected, event: { type: 'no data' } },
    [1, 1, 'a', 'b', null],
    [1, events[2]],
    [1, [[2, 'a', [], 'x', 1, 0]], 3],
    ...records.slice(-3),
  ])
  expect(lengthen(shorten(records))).toEqual(records)
})

/** A step that returns an event to itself, of which another step takes some as well, and a fan-out. */
const chained = (): SessionRecord[] => {
  let seq = 0
  const at = 10
  const taken = (exec: number, events: number[], step = 'link') =>
    ({ kind: 'taken', exec, step, events, seq: ++seq, at }) as const
  const ended = (exec: number, emits: object[], opens?: number) =>
    ({ kind: 'ended', exec, emits, ...(opens && { opens }), seq: ++seq, at }) as SessionRecord
  const event = (id: number, data: unknown, to = ['link']) => ({ id, type: 'a', data, to })
  const branch = (id: number, at: number) => ({ ...event(id, at), scope: 1, branch: at })
  return [
    ...[taken(1, [1]), ended(1, [event(2, { n: 2 })])],
    ...[taken(2, [2]), ended(2, [event(3, { n: 3 })])],
    ...[taken(3, [3]), ended(3, [event(4, null)])],
    // Another step, another event, more than one, a number that does not follow, two steps that take it.
    ...[taken(4, [4], 'other'), ended(4, [event(5, 5)]), taken(5, [4]), taken(6, [4, 5])],
    ...[taken(9, [5]), ended(9, [event(7, 7)]), ended(6, [event(8, 8, ['link', 'other'])]), taken(10, [8])],
    ...[ended(10, [branch(9, 0), branch(10, 1), event(11, 2), branch(12, 2)], 1), taken(11, [9])],
    ...[ended(11, [branch(13, 0)]), taken(12, [13]), ended(12, [])],
  ]
}

test('what follows from the records before it in the list / is left out', () => {
  expect(shorten(chained()).slice(1)).toEqual([
    ...[[1, 2, 'a', 'link', { n: 2 }], 0, [2, 0, { n: 3 }], 0, [3, 0, null]],
    ...[
      [4, 'other', 4],
      [4, 0, 5],
      [5, 'link', 4],
      [6, 'link', [4, 5]],
    ],
    ...[
      [9, 'link', 5],
      [9, 7, 'a', 'link', 7],
      [6, 8, 'a', ['link', 'other'], 8],
      [10, 'link', 8],
    ],
    [
      10,
      [
        [9, 'a', 'link', 0, 1, 0],
        [0, 1, 1, 1],
        [0, 2],
        [0, 2, 1, 2],
      ],
      1,
    ],
    ...[[11, 'link', 9], [11, 0, 0, 1, 0], 0, -12],
  ])
})

test('any part of such a list / reads back the same', () => {
  const records = chained()
  for (let from = 0; from < records.length; from++)
    for (let to = from + 1; to <= records.length; to++) {
      const part = records.slice(from, to)
      expect(lengthen(text(shorten(part)) as unknown[])).toEqual(part)
    }
})

test('lists as earlier code has stored them / are still read', () => {
  const event = [2, 'a', ['b'], null]
  const list = [{ kind: 'paused', seq: 1, at: 1 }, [1, 'first', [1]], [1, [event]], [1, event], [1, []]]
  const ended = { kind: 'ended', exec: 1, emits: [{ id: 2, type: 'a', data: null, to: ['b'] }], at: 1 }
  expect(lengthen(list).slice(1)).toEqual([
    { kind: 'taken', exec: 1, step: 'first', events: [1], seq: 2, at: 1 },
    { ...ended, seq: 3 },
    { ...ended, seq: 4 },
    { ...ended, emits: [], seq: 5 },
  ])
})

test('damaged records / what is no record stays as it is, and no number or time is made up', () => {
  const damaged = [null, 7, [1, []], { kind: 'paused' }, { kind: 'paused', seq: 3 }]
  const [, , list, first, third] = lengthen(damaged) as Partial<SessionRecord>[]
  expect(lengthen(damaged).slice(0, 2)).toEqual([null, 7])
  expect([list?.seq, first?.at, third?.at]).toEqual([undefined, undefined, undefined])
  const begun = { kind: 'paused', seq: 3, at: 1 }
  for (const it of [null, false, '', '-1', 7, NaN, {}, [7, {}]])
    expect(wrongInRecord(lengthen([begun, it])[1] as SessionRecord)).toBeDefined()
  // A step that takes an event which is not there.
  expect(wrongInRecord(lengthen([begun, 0])[1] as SessionRecord)).toBeDefined()
})
