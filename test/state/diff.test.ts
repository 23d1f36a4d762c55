import { describe, expect, test, vi } from 'vitest'
import { diff } from '../../src/state/diff'
import type { Op } from '../../src/state/op'
import { toPath } from '../../src/state/path'
import { Tree } from '../../src/state/tree'
import { forSeeds, Generator } from './generate'
import { mutate, type Json, type Mutation } from './model'
import { draftOf, type Touched } from '../../src/state/draft'

describe('diff', () => {
  test('the same value: nothing', () => {
    const root = { a: [1], b: { c: 1 } }
    expect(diff(root, root)).toEqual([])
    expect(diff(root, structuredClone(root))).toEqual([])
  })

  test('keys that came, changed and went', () => {
    expect(diff({ a: 1, b: { c: 1, d: 2 } }, { b: { c: 2, e: null } })).toEqual([
      ['delete', 'a'],
      ['set', 'b.c', 2],
      ['delete', 'b.d'],
      ['set', 'b.e', null],
    ])
  })

  test('a list in place of the whole state, or of a part of it: replaced', () => {
    expect(diff({ a: 1 }, [1])).toEqual([['replace', [1]]])
    expect(diff({ a: { b: 1 } }, { a: [1] })).toEqual([['set', 'a', [1]]])
  })

  test('a key that holds undefined is a missing key', () => {
    expect(diff({ a: 1 }, { a: undefined })).toEqual([['delete', 'a']])
    expect(diff({ a: undefined }, { b: undefined })).toEqual([])
  })

  test('keys in another order / those that must come later are deleted and set again, in their order', () => {
    expect(diff({ a: 1, b: 2, c: 3 }, { a: 1, c: 3, b: 2 })).toEqual([
      ['delete', 'b'],
      ['set', 'b', 2],
    ])
    expect(diff({ a: 1, b: 2 }, { new: 0, a: 1, b: 3 })).toEqual([
      ['delete', 'a'],
      ['delete', 'b'],
      ['set', 'new', 0],
      ['set', 'a', 1],
      ['set', 'b', 3],
    ])
  })

  test('keys that are numbers come first in every object / they stay where they are', () => {
    expect(diff({ 2: 'x', a: 1 }, { a: 1, 1: 'y', 2: 'x' })).toEqual([['set', '1', 'y']])
    expect(diff({ a: 1, b: 2 }, { 7: 0, a: 1, b: 2 })).toEqual([['set', '7', 0]])
    // Numbers beyond those of a list are text to an object, and so is 01.
    for (const key of ['4294967295', '01', '-1', '1.5'])
      expect(diff({ a: 1 }, { [key]: 0, a: 1 })).toEqual([
        ['delete', 'a'],
        ['set', key === '1.5' ? [key] : key, 0],
        ['set', 'a', 1],
      ])
  })

  test('parts with the same identity are skipped', () => {
    const untouched = new Proxy<object>({}, { ownKeys: () => expect.unreachable() })
    expect(diff({ a: untouched, b: 1 }, { a: untouched, b: 2 })).toEqual([['set', 'b', 2]])
    expect(diff([[untouched, 1]], [[untouched, 1]])).toEqual([['replace', [[untouched, 1]]]])
    expect(diff({ l: [untouched, 1, untouched] }, { l: [untouched, 2, untouched] })).toEqual([
      ['set', 'l.1', 2],
    ])
  })

  test('an item pushed, inserted or removed is one splice of that item', () => {
    const [a, b, c] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]
    expect(diff({ l: [a, b] }, { l: [a, b, c] })).toEqual([['splice', 'l', 2, 0, [c]]])
    expect(diff({ l: [a, b] }, { l: [a, c, b] })).toEqual([['splice', 'l', 1, 0, [c]]])
    expect(diff({ l: [a, b, c] }, { l: [a, c] })).toEqual([['splice', 'l', 1, 1, []]])
    expect(diff({ l: [1, 1] }, { l: [1, 1, 1] })).toEqual([['splice', 'l', 2, 0, [1]]])
  })

  test('items changed in place are changed by path', () => {
    const [a, b] = [{ n: 1 }, { n: 2 }]
    expect(diff({ l: [a, b, 3] }, { l: [a, { n: 4 }, 5] })).toEqual([
      ['set', 'l.1.n', 4],
      ['set', 'l.2', 5],
    ])
  })

  test('a text that grew at its end is an append, any other changed text a set', () => {
    expect(diff({ t: 'ab' }, { t: 'abc' })).toEqual([['append', 't', 'c']])
    expect(diff({ t: 'ab' }, { t: 'xab' })).toEqual([['set', 't', 'xab']])
    expect(diff({ t: 'ab' }, { t: 'a' })).toEqual([['set', 't', 'a']])
  })

  test('an object for a list, a list for an object, a scalar for either: a set', () => {
    expect(diff({ a: [], b: {}, c: {}, d: null }, { a: {}, b: [], c: 1, d: {} })).toEqual([
      ['set', 'a', {}],
      ['set', 'b', []],
      ['set', 'c', 1],
      ['set', 'd', {}],
    ])
  })

  test('an undefined item or a hole is kept, so that the write can refuse it', () => {
    expect(diff({ l: [1, 2, 3] }, { l: [1, undefined, 3] })).toEqual([['splice', 'l', 1, 1, [undefined]]])
    const [op] = diff({ l: [1] }, { l: Object.assign([1], { length: 3 }) })
    expect(op).toStrictEqual(['splice', 'l', 1, 0, [undefined, undefined]])
  })

  test('a root that is no object: a replace', () => {
    expect(diff(1, 2)).toEqual([['replace', 2]])
    expect(diff([1], [2])).toEqual([['replace', [2]]])
    expect(diff({ a: 1 }, null)).toEqual([['replace', null]])
    expect(diff([1], { 0: 1 })).toEqual([['replace', { 0: 1 }]])
  })

  test('keys with dots and empty keys are named by segments', () => {
    expect(diff({ 'a.b': { c: 1 }, '': 1 }, { 'a.b': { c: 2 } })).toEqual([
      ['set', ['a.b', 'c'], 2],
      ['delete', ['']],
    ])
  })

  test('keys named like methods are keys', () => {
    expect(diff({ toString: 1 }, { hasOwnProperty: 2 })).toEqual([
      ['delete', 'toString'],
      ['set', 'hasOwnProperty', 2],
    ])
  })

  test(
    'applied in order to the old value, it makes the new one (600 seeds, edited values)',
    { timeout: 3_600_000 },
    () => {
      forSeeds(
        600,
        (it) => Array.from({ length: 1 + it.below(8) }, () => it.mutation()),
        (script: readonly Mutation[], seed) => {
          const from = new Generator(seed + 9000).root()
          const { draft, touched, finish } = draftOf(from)
          for (const mutation of script) mutate(draft, mutation)
          const to = finish() as Json
          expectMade(from, to)
          expectMade(from, to, touched)
        },
      )
    },
  )

  const wide = (width: number): Record<string, { at: number }> =>
    Object.fromEntries(Array.from({ length: width }, (_, at) => [`key${at}`, { at }]))

  test.each<[string, (width: number) => Json, (draft: never) => void, (width: number) => Op[]]>([
    [
      'two of many keys change',
      wide,
      (box: ReturnType<typeof wide>) => {
        Object.assign(box['key50'] ?? {}, { at: -1 })
        box['key7'] = { at: -2 }
      },
      () => [
        ['set', 'key7.at', -2],
        ['set', 'key50.at', -1],
      ],
    ],
    [
      'one of many keys goes, another one comes',
      wide,
      (box: ReturnType<typeof wide>) => {
        box['new'] = { at: -1 }
        delete box['key7']
      },
      () => [
        ['delete', 'key7'],
        ['set', 'new', { at: -1 }],
      ],
    ],
    [
      'one of many items changes',
      (width) => ({ list: Object.values(wide(width)) }),
      ({ list }: { list: { at: number }[] }) => Object.assign(list[7] ?? {}, { at: -1 }),
      () => [['set', 'list.7.at', -1]],
    ],
    [
      'many items get one more',
      (width) => ({ list: Object.values(wide(width)) }),
      ({ list }: { list: { at: number }[] }) => void list.push({ at: -1 }),
      (width) => [['splice', 'list', width, 0, [{ at: -1 }]]],
    ],
  ])('%s / the others are not looked at, and the changes come in order', (_, make, recipe, expected) => {
    const counts: number[] = []
    for (const width of [100, 1000]) {
      const from = make(width)
      const spies = [vi.spyOn(Object, 'hasOwn'), vi.spyOn(Set.prototype, 'add')]
      const { draft, touched, finish } = draftOf(from)
      recipe(draft as never)
      const ops = diff(from, finish(), touched)
      counts.push(spies.reduce((sum, it) => sum + it.mock.calls.length, 0))
      vi.restoreAllMocks()
      expect(ops).toEqual(expected(width))
    }
    expect(counts[1]).toBe(counts[0])
  })

  test('a changed object is moved over another / compared with that one', () => {
    const from = { a: { x: 1, y: 1 }, b: { x: 1, y: 2 } }
    const { draft, touched, finish } = draftOf(from)
    const box = draft as typeof from
    box.a.x = 9
    box.b = box.a
    const to = finish() as Json
    expect(diff(from, to, touched)).toEqual([
      ['set', 'a.x', 9],
      ['set', 'b.x', 9],
      ['set', 'b.y', 1],
    ])
  })

  test(
    'applied in order to the old value, it makes the new one (600 seeds, unrelated values)',
    { timeout: 3_600_000 },
    () => {
      forSeeds(
        600,
        (it) => [it.root(), it.root()],
        ([from = null, to = null]) => expectMade(from, to),
      )
    },
  )
})

function expectMade(from: Json, to: Json, touched?: Touched): void {
  const tree = new Tree(from)
  const ops = diff(from, to, touched)
  tree.apply(ops)
  // Without something that has moved as it is, what was touched is all that there is to find.
  const isMoved = (it: Op): boolean => it[0] === 'set' && touched?.originals?.has(it[2]) === true
  if (touched && !ops.some(isMoved)) expect(ops).toEqual(diff(from, to))
  const made = tree.read(toPath(''))
  expect(made).toEqual(to)
  expect(JSON.stringify(made)).toBe(JSON.stringify(to))
}
