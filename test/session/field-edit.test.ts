import { expect, test } from 'vitest'
import { withoutReplaced } from '../../src/session/model/field-edit'
import type { Op } from '../../src/state/op'
import { Tree } from '../../src/state/tree'
import { random } from '../support/random'
import { asking, profile } from '../support/flows'

const after = (ops: readonly Op[]): string => {
  const tree = new Tree({})
  tree.apply(ops)
  return JSON.stringify(tree.root())
}

test.each<[string, readonly Op[], readonly Op[]]>([
  [
    'two fields in turn / the last of each, in the order of the first',
    [
      ['set', 'a', 1],
      ['set', 'b', 2],
      ['set', 'a', 3],
      ['set', 'b', 4],
    ],
    [
      ['set', 'a', 3],
      ['set', 'b', 4],
    ],
  ],
  [
    'a list, an item of it, and the list again / the list',
    [
      ['set', 'list', [1, 2]],
      ['set', 'list.0', 3],
      ['append', 'list', 4],
      ['set', 'list', [2, 1]],
    ],
    [['set', 'list', [2, 1]]],
  ],
  [
    'a key that sounds the same / is another field',
    [
      ['set', ['a.b'], 1],
      ['set', 'a.b', 2],
      ['set', ['a.b'], 3],
    ],
    [
      ['set', ['a.b'], 3],
      ['set', 'a.b', 2],
    ],
  ],
  [
    'an item, when the list was shifted / is another one',
    [
      ['set', 'list.1', 1],
      ['delete', 'list.0'],
      ['set', 'list.1', 2],
      ['splice', 'list', 0, 0, [9]],
      ['set', 'list.1', 3],
    ],
    [
      ['set', 'list.1', 1],
      ['delete', 'list.0'],
      ['set', 'list.1', 2],
      ['splice', 'list', 0, 0, [9]],
      ['set', 'list.1', 3],
    ],
  ],
  [
    'the whole state / nothing before it',
    [
      ['set', 'a', 1],
      ['replace', { b: 1 }],
      ['set', 'b', 2],
    ],
    [
      ['replace', { b: 1 }],
      ['set', 'b', 2],
    ],
  ],
])('%s', (_, ops, expected) => {
  expect(withoutReplaced(ops)).toEqual(expected)
})

test('any edits / come to the same state, with its keys in the same order, and far fewer of them', async () => {
  let all = 0
  let left = 0
  for (let seed = 1; seed <= 100; seed++) {
    const next = random(seed)
    const below = (n: number): number => Math.floor(next() * n)
    const session = await profile().open(asking)
    const { state } = session
    const value = (): unknown =>
      [below(9), `t${below(9)}`, { x: below(9), y: [below(9)] }, [below(9), { z: 1 }, below(9)]][below(4)]
    const place = (): string =>
      ['a', 'b', 'a.x', 'a.y', 'a.y.0', 'b.1', 'b.1.z', 'b.2', 'b.3', 'c', 'c.x'][below(11)]!
    const moves = [
      () => state.set(place(), value()),
      () => state.set(place(), value()),
      () => state.set(place(), value()),
      () => state.delete(place()),
      () => state.append(place(), next() < 0.5 ? value() : 'text'),
      () => state.edit((draft) => void (draft['b'] as unknown[]).unshift(below(9))),
      () => next() < 0.1 && state.replace({ a: value(), b: value() }),
    ]
    for (let n = 0; n < 80; n++) {
      try {
        moves[below(moves.length)]!()
      } catch {
        // There is nothing to write into.
      }
    }
    const entry = session.history().at(-1)
    const ops = (entry?.type === 'wrote' ? entry['ops'] : []) as Op[]
    expect(after(ops)).toBe(JSON.stringify(state.get()))
    const fewer = withoutReplaced(ops)
    expect(after(fewer)).toBe(after(ops))
    expect(withoutReplaced(fewer)).toEqual(fewer)
    all += ops.length
    left += fewer.length
  }
  expect(left).toBeLessThan(all * 0.6)
})
