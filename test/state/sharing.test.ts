import { expect, test } from 'vitest'
import { sharing } from '../../src/state/sharing'
import { random } from '../support/random'

const row = (id: number, text = '') => ({ id, tags: [`t${id}`], text })
const copy = <T>(value: T): T => structuredClone(value)

test('what is equal / is the object that was given', () => {
  const given = { a: { b: [1, { c: null }] }, list: [row(1), row(2)], at: new Date(5) }
  expect(sharing(copy(given), given)).toBe(given)
})

test('what differs / is made anew along its path, and nothing else', () => {
  const given = { a: { n: 1 }, list: [row(1), row(2)], far: { n: 2 } }
  const made = copy(given)
  made.list[1]!.text = 'new'
  const shared = sharing(made, given) as typeof given
  expect(shared).toEqual(made)
  expect([shared.a === given.a, shared.far === given.far, shared.list === given.list]).toEqual([
    true,
    true,
    false,
  ])
  expect(shared.list[0]).toBe(given.list[0])
  expect(shared.list[1]!.tags).toBe(given.list[1]!.tags)
})

test.each<[string, unknown, unknown]>([
  ['keys in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['a key less', { a: 1, b: undefined }, { a: 1 }],
  ['a list and an object', [], {}],
  ['a date and an object', new Date(5), {}],
  ['an object and a date', {}, new Date(5)],
  ['another date', new Date(5), new Date(6)],
  ['files, which cannot be read', new Blob(['a']), new Blob(['b'])],
  ['maps', new Map([[1, 2]]), new Map([[1, 2]])],
  ['nothing', {}, null],
])('%s / are no equals', (_, given, made) => {
  const shared = sharing(made, given)
  expect(shared).not.toBe(given)
  expect(shared).toStrictEqual(made)
  expect(Object.keys(shared ?? {})).toEqual(Object.keys(made ?? {}))
})

test('items without a number or a text of their own, and items whose values have no text / as they are', () => {
  const given: unknown[] = [
    { in: { id: 1 } },
    { in: { id: 2 } },
    { toString: 1 },
    { big: 1n },
    null,
    [[1], [2]],
  ]
  expect(sharing([...given].reverse(), given)).toEqual([...given].reverse())
  const [last] = sharing([copy(given[1])], given) as unknown[]
  expect(last).toEqual(given[1])
})

/** A small value of which there are not many, so that equal parts are frequent. */
function value(next: () => number, depth = 3): unknown {
  const kind = Math.floor(next() * (depth > 0 ? 5 : 3))
  if (kind < 3) return [null, 'text', Math.floor(next() * 3)][kind]
  const parts = Array.from({ length: Math.floor(next() * 4) }, () => value(next, depth - 1))
  return kind === 3 ? parts : Object.fromEntries(parts.map((it) => ['abc'[Math.floor(next() * 3)], it]))
}

test('random values / what comes of them is equal to what was made, in the order of its keys; twice it is the same', () => {
  const next = random(1)
  for (let round = 0; round < 3000; round++) {
    const [given, made] = [value(next, 4), value(next, 4)]
    const shared = sharing(made, given)
    expect(JSON.stringify(shared)).toBe(JSON.stringify(made))
    expect(sharing(copy(shared), shared)).toBe(shared)
    expect(sharing(copy(made), shared)).toBe(shared)
  }
})
