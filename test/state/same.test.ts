import { describe, expect, it, test } from 'vitest'
import { sameContent, sameJson } from '../../src/state/same'

describe('two values say the same', () => {
  it.each([
    [1, 1],
    ['a', 'a'],
    [null, null],
    [Number.NaN, Number.NaN],
    [[], []],
    [{}, {}],
    [
      { a: 1, b: [2, { c: null }] },
      { b: [2, { c: null }], a: 1 },
    ],
    [{ a: undefined, b: 1 }, { b: 1 }],
    [{ toString: 1 }, { toString: 1 }],
    [Object.create(null), {}],
  ])('%# %j and %j', (a, b) => {
    expect(sameJson(a, b)).toBe(true)
    expect(sameJson(b, a)).toBe(true)
  })
})

describe('two values say different things', () => {
  const date = new Date(0)
  it.each([
    [1, 2],
    [1, '1'],
    [0, null],
    [null, undefined],
    [null, {}],
    [[], {}],
    [[1], [1, 2]],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: { b: 1 } }, { a: { b: 2 } }],
    [{ toString: undefined }, { toString: 1 }],
    [{}, { toString: 1 }],
    [{}, { constructor: Object }],
    [date, new Date(0)],
    [new Map(), new Map()],
    [{ at: date }, { at: new Date(0) }],
  ])('%# %j and %j', (a, b) => {
    expect(sameJson(a, b)).toBe(false)
    expect(sameJson(b, a)).toBe(false)
  })

  it('the same object that is not plain equals itself', () => expect(sameJson([date], [date])).toBe(true))
})

describe('sameContent', () => {
  const file = (text: string, name: string, lastModified = 5): File =>
    new File([text], name, { lastModified })

  test.each<readonly [string, unknown, unknown, boolean]>([
    ['files of the same size, type, name and date', file('a', 'a.txt'), file('b', 'a.txt'), true],
    ['files with different names', file('a', 'a.txt'), file('a', 'b.txt'), false],
    ['files with different dates', file('a', 'a.txt'), file('a', 'a.txt', 6), false],
    ['a file and a blob', file('a', 'a.txt'), new Blob(['a']), false],
    ['invalid dates', new Date(Number.NaN), new Date(Number.NaN), true],
    [
      'views of different parts of a buffer',
      new DataView(new ArrayBuffer(2), 1),
      new DataView(new ArrayBuffer(2)),
      false,
    ],
  ])('%s', (_, a, b, same) => {
    expect(sameContent({ a }, { a: b })).toBe(same)
  })

  test('instances of an unknown class / each equals only itself', () => {
    const key = new AbortController()
    expect([sameContent(key, key), sameContent(key, new AbortController())]).toEqual([true, false])
  })
})
