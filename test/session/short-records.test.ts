import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import type { SessionRecord } from '../../src/session/model/record'
import { lengthen, shorten } from '../../src/session/model/short-records'

const goldenOf = (name: string): SessionRecord[] => {
  const text = readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')
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
    [1, []],
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
    [1, [1, 'a', 'b', null]],
    [1, events[2]],
    [1, [2, 'a', [], 'x', 1, 0], 3],
    ...records.slice(-3),
  ])
  expect(lengthen(shorten(records))).toEqual(records)
})

test('lists of one stored as lists / are still read', () => {
  const list = [{ kind: 'paused', seq: 1, at: 1 }, [1, 'first', [1]], [1, [[2, 'a', ['b'], null]]]]
  expect(lengthen(list).slice(1)).toEqual([
    { kind: 'taken', exec: 1, step: 'first', events: [1], seq: 2, at: 1 },
    { kind: 'ended', exec: 1, emits: [{ id: 2, type: 'a', data: null, to: ['b'] }], seq: 3, at: 1 },
  ])
})

test('damaged records / what is no record stays as it is, and no number or time is made up', () => {
  const damaged = [null, 7, [1, []], { kind: 'paused' }, { kind: 'paused', seq: 3 }]
  const [, , list, first, third] = lengthen(damaged) as Partial<SessionRecord>[]
  expect(lengthen(damaged).slice(0, 2)).toEqual([null, 7])
  expect([list?.seq, first?.at, third?.at]).toEqual([undefined, undefined, undefined])
})
