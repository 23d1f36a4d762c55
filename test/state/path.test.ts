import { describe, expect, it } from 'vitest'
import { PathError } from '../../src/errors'
import { listIndex, parentOf, ROOT, toPath } from '../../src/state/path'

const refused = (input: unknown): PathError => {
  try {
    toPath(input as string)
  } catch (error) {
    expect(error).toBeInstanceOf(PathError)
    return error as PathError
  }
  throw new Error('it was accepted')
}

describe('a path', () => {
  it("'user.profile.name' and its segments / name the same path", () => {
    const path = toPath('user.profile.name')
    expect(path).toEqual({
      keys: ['user', 'profile', 'name'],
      id: 'user.profile.name',
      text: 'user.profile.name',
    })
    expect(toPath(['user', 'profile', 'name'])).toEqual(path)
    expect(toPath(path.id)).toEqual(path)
  })

  it("'items.0' and ['items', 0] / name the same path", () => {
    expect(toPath(['items', 0])).toEqual(toPath('items.0'))
    expect(toPath(['items', -0])).toEqual(toPath('items.0'))
  })

  it("'' and [] / the root, which is its own parent", () => {
    expect(toPath('')).toBe(ROOT)
    expect(toPath([])).toBe(ROOT)
    expect(parentOf(ROOT)).toBe(ROOT)
  })

  it('a key with a dot, or an empty key / stays one segment, and the id is the segments', () => {
    const path = toPath(['files', 'a.txt'])
    expect(path.keys).toEqual(['files', 'a.txt'])
    expect(path.id).toEqual(['files', 'a.txt'])
    expect(toPath(path.id)).toEqual(path)
    expect(toPath(['files', 'a', 'txt'])).not.toBe(path)
    expect(toPath(['']).keys).toEqual([''])
    expect(toPath(['']).text).not.toBe('')
  })

  it('that id given as a text / never the same path', () => {
    const path = toPath(['a.b', 'c'])
    expect(() => toPath(path.text)).toThrow(PathError)
    const sly = '["a.b","c"]'
    expect(toPath(sly).text).not.toBe(path.text)
    expect(toPath([sly]).keys).toEqual([sly])
  })

  it.each(['__proto__', 'prototype', 'constructor'])('%s anywhere / refused, naming the path', (key) => {
    expect(refused(key).path).toBe(key)
    expect(refused(`a.${key}.b`).message).toContain(`a.${key}.b`)
    expect(refused(['a', key]).message).toContain(key)
    expect(refused(['a.b', key])).toBeInstanceOf(PathError)
  })

  it.each(['.', 'a.', '.a', 'a..b', '..'])('"%s" / refused: an empty segment', (text) => {
    expect(refused(text).message).toContain('empty segment')
  })

  it.each([
    [['a', -1]],
    [['a', 1.5]],
    [['a', Number.NaN]],
    [['a', Infinity]],
    [['a', 1e21]],
    [['a', null]],
    [['a', undefined]],
    [['a', {}]],
    [['a', Object.create(null)]],
    [['a', Symbol('s')]],
    [['a', ['b']]],
    [Array(2)],
    [5],
    [null],
    [undefined],
    [{}],
    [{ length: 1, 0: 'a' }],
    [new String('a')],
  ])('%# neither text nor index / refused', (input) => {
    expect(refused(input).code).toBe('PATH')
  })

  it('1,000 segments / accepted; 1,001, or a million / refused with a short message', () => {
    expect(toPath(Array(1000).fill('a')).keys).toHaveLength(1000)
    expect(toPath(Array(1000).fill('b').join('.')).keys).toHaveLength(1000)
    for (const length of [1001, 1_000_000]) {
      expect(refused(Array(length).fill('a')).message).toContain('more than 1000 segments')
      expect(refused(Array(length).fill('a').join('.')).message.length).toBeLessThan(400)
    }
  })

  it('names of methods / plain keys', () => {
    expect(toPath('items.keys.get.toString').keys).toEqual(['items', 'keys', 'get', 'toString'])
  })

  it('keys as long as those that are refused / plain keys', () => {
    expect(toPath('addresses.environment.0').keys).toEqual(['addresses', 'environment', '0'])
  })

  it('its segments / cannot be changed, and the given array is not kept', () => {
    const given = ['x.y', 'z']
    const path = toPath(given)
    given[0] = '__proto__'
    expect(path.keys).toEqual(['x.y', 'z'])
    expect(Object.isFrozen(path.keys)).toBe(true)
  })

  it('a hundred thousand different paths / all are right, and memory stays bounded', () => {
    for (let at = 0; at < 100_000; at++) toPath(`many.${at}`)
    expect(toPath('many.99999').keys).toEqual(['many', '99999'])
    expect(toPath('')).toBe(ROOT)
  })

  it('its parent / the path one level up, also with dots in segments', () => {
    expect(parentOf(toPath('a.b.c'))).toEqual(toPath('a.b'))
    expect(parentOf(toPath(['a.b', 'c'])).keys).toEqual(['a.b'])
    expect(parentOf(toPath(['a', 'b.c']))).toEqual(toPath('a'))
    expect(parentOf(toPath('a'))).toEqual(ROOT)
  })
})

describe('an index', () => {
  it.each([
    ['0', 0],
    ['12', 12],
    ['4294967296', 4294967296],
    ['-0', -1],
    ['-1', -1],
    ['01', -1],
    ['1.0', -1],
    ['1.5', -1],
    ['1e3', -1],
    ['0x1', -1],
    [' 1', -1],
    ['', -1],
    ['foo', -1],
    ['length', -1],
    ['Infinity', -1],
    ['NaN', -1],
    ['9007199254740993', -1],
  ])('"%s" / %d', (key, index) => expect(listIndex(key)).toBe(index))
})
