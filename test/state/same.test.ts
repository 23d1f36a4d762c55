import { describe, expect, it, test } from 'vitest'
import { keeps, sameContent, sameJson } from '../../src/state/same'

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
    [date, {}],
    [[], { length: 0 }],
  ])('%# %j and %j', (a, b) => {
    expect(sameJson(a, b)).toBe(false)
    expect(sameJson(b, a)).toBe(false)
  })

  it('the same object that is not plain equals itself', () => expect(sameJson([date], [date])).toBe(true))
})

describe('sameContent', () => {
  const file = (text: string, name: string, lastModified = 5): File =>
    new File([text], name, { lastModified })

  const viewOf = (byte: number): DataView => new DataView(Uint8Array.of(byte).buffer)

  test.each<readonly [string, unknown, unknown, boolean]>([
    ['files of the same size, type, name and date', file('a', 'a.txt'), file('b', 'a.txt'), true],
    ['files with different names', file('a', 'a.txt'), file('a', 'b.txt'), false],
    ['files with different dates', file('a', 'a.txt'), file('a', 'a.txt', 6), false],
    ['a file and a blob', file('a', 'a.txt'), new Blob(['a']), false],
    ['dates', new Date(5), new Date(6), false],
    ['a date and an empty object', new Date(5), {}, false],
    ['an empty list and an empty object', [], {}, false],
    ['an empty map and an empty set', new Map(), new Set(), false],
    ['maps', new Map([['k', { n: 1 }]]), new Map([['k', { n: 1 }]]), true],
    ['maps with different values', new Map([['k', 1]]), new Map([['k', 2]]), false],
    ['sets with different values', new Set([1]), new Set([2]), false],
    ['patterns', /a/g, /a/g, true],
    ['patterns with different flags', /a/g, /a/i, false],
    ['buffers', Uint8Array.of(1).buffer, Uint8Array.of(1).buffer, true],
    ['buffers with different bytes', Uint8Array.of(1).buffer, Uint8Array.of(2).buffer, false],
    ['lists of numbers in different widths', Uint8Array.of(1), Uint16Array.of(1), false],
    ['views with different bytes', viewOf(1), viewOf(2), false],
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

describe('what a schema makes of a state keeps all of it', () => {
  test.each<readonly [string, unknown, unknown, boolean]>([
    [
      'a new key, at the top or deep inside',
      { a: 1, list: [{ b: 1, new: 2 }], new: 2 },
      { a: 1, list: [{ b: 1 }] },
      true,
    ],
    ['a key that is gone', {}, { a: 1 }, false],
    ['another value', { a: '1' }, { a: 1 }, false],
    ['a list with one item more', { list: [1, 2] }, { list: [1] }, false],
    ['a list with one item less', { list: [1] }, { list: [1, 2] }, false],
    ['an object in place of a list', { list: { length: 0 } }, { list: [] }, false],
    ['a list in place of an object', { box: [] }, { box: {} }, false],
    ['a text in place of an object', { box: 'text' }, { box: {} }, false],
    ['a date', { at: new Date(5) }, { at: new Date(5) }, true],
    ['another date', { at: new Date(6) }, { at: new Date(5) }, false],
  ])('%s / %#', (_, after, before, kept) => {
    expect(keeps(after, before)).toBe(kept)
  })
})
