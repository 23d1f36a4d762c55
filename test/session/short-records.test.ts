import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import type { SessionRecord } from '../../src/session/record'
import { lengthen, shorten } from '../../src/session/short-records'

const goldenOf = (name: string): SessionRecord[] => {
  const text = readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')
  const file = JSON.parse(text) as { records?: SessionRecord[]; batches: { data: string }[] }
  return file.records ?? file.batches.flatMap((it) => JSON.parse(it.data) as SessionRecord[])
}
const text = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test.each(['steady', 'wide', 'wizard', 'house', 'house-migrated'])(
  'the records of the golden journal "%s", each part of them stored short / are whole again',
  (name) => {
    const records = goldenOf(name)
    for (let from = 0; from < records.length; from++) {
      const part = records.slice(from)
      expect(lengthen(text(shorten(part)) as unknown[])).toEqual(part)
      expect(lengthen(part)).toEqual(part)
    }
  },
)

test('a run and a step that begin and end, and events / lists without names; what does not follow says its number and time', () => {
  const taken = { kind: 'taken', exec: 1, step: 'first', events: [1], seq: 7, at: 10 } as const
  const ended = { kind: 'ended', exec: 1, emits: [], seq: 8, at: 10 } as const
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
    { kind: 'resumed', seq: 14, at: 11 },
    { ...taken, seq: 15, at: 11, by: 'another tab', n: 1 },
    { ...taken, seq: 20, at: 11 },
  ]
  expect(shorten(records)).toEqual([
    { kind: 'paused', seq: 6, at: 10 },
    [1, 'first', [1]],
    [1, []],
    [1, [[1, 'a', ['b'], null], [2, 'a', [], 'x', 1, 0], ...events.slice(2)], 2],
    ['one', [7, 'go', ['first'], 1]],
    [null],
    { kind: 'finished', status: 'completed' },
    { kind: 'finished', status: 'cancelled', reason: 'enough' },
    ...records.slice(8),
  ])
  expect(lengthen(shorten(records))).toEqual(records)
})

test('a list that is damaged / what is no record stays what it is, and nothing is made up for what has lost its place', () => {
  const damaged = [null, 7, [1, []], { kind: 'paused' }, { kind: 'paused', seq: 3 }]
  const [, , list, first, third] = lengthen(damaged) as Partial<SessionRecord>[]
  expect(lengthen(damaged).slice(0, 2)).toEqual([null, 7])
  expect([list?.seq, first?.at, third?.at]).toEqual([undefined, undefined, undefined])
})
