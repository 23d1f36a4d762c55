import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PathError, SerializationError } from '../../src/errors'
import { copyJson } from '../../src/state/json'

const refusal = (value: unknown, where = 'state.upload'): SerializationError => {
  try {
    copyJson(value, where)
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError)
    return error as SerializationError
  }
  throw new Error('it was accepted')
}

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? { a: value } : [value]
  return value
}

class Point {
  x = 1
}

describe('plain data', () => {
  it.each([null, true, false, '', 'text', 0, 1.5, -3, [], {}, [1, [2, { a: null }]], { a: { b: [] } }])(
    '%j / comes back the same',
    (value) => expect(copyJson(value, 'state')).toEqual(value),
  )

  it("the caller's own objects / never kept, never frozen", () => {
    const given = { list: [{ n: 1 }] }
    const copy = copyJson(given, 'state') as typeof given
    expect(copy).not.toBe(given)
    expect(copy.list).not.toBe(given.list)
    expect(copy.list[0]).not.toBe(given.list[0])
    expect(Object.isFrozen(given) || Object.isFrozen(given.list)).toBe(false)
  })

  it('the copy / deeply frozen in development', () => {
    const copy = copyJson({ list: [{ n: 1 }] }, 'state') as { list: readonly unknown[] }
    expect([copy, copy.list, copy.list[0]].every(Object.isFrozen)).toBe(true)
  })

  it('a key that holds undefined / dropped; undefined by itself stays', () => {
    expect(Object.keys(copyJson({ a: undefined, b: 1 }, 'state') as object)).toEqual(['b'])
    expect(copyJson(undefined, 'state')).toBeUndefined()
  })

  it('-0 / 0', () => {
    expect(Object.is(copyJson(-0, 'state'), 0)).toBe(true)
    expect(Object.is((copyJson([-0], 'state') as number[])[0], 0)).toBe(true)
  })

  it('one object in two places, without a cycle / copied twice', () => {
    const shared = { n: 1 }
    const copy = copyJson({ a: shared, b: [shared, shared] }, 'state') as { a: object; b: object[] }
    expect(copy).toEqual({ a: { n: 1 }, b: [{ n: 1 }, { n: 1 }] })
    expect(copy.a).not.toBe(copy.b[0])
    expect(copy.b[0]).not.toBe(copy.b[1])
  })

  it('objects without a prototype, or from another frame / count as plain', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 })
    expect(copyJson(bare, 'state')).toEqual({ a: 1 })
    const foreign: unknown = runInNewContext('({ list: [1, { a: 2 }] })')
    const copy = copyJson(foreign, 'state') as { list: unknown[] }
    expect(copy).toEqual({ list: [1, { a: 2 }] })
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(Array.isArray(copy.list)).toBe(true)
  })

  it('a getter / read once, its value kept', () => {
    const read = vi.fn<() => number>(() => 5)
    const given = Object.defineProperty({}, 'a', { enumerable: true, get: read })
    expect(copyJson(given, 'state')).toEqual({ a: 5 })
    expect(read).toHaveBeenCalledTimes(1)
  })

  it('keys named like methods / kept as data', () => {
    const given = { toString: 1, hasOwnProperty: 2, valueOf: 3, length: 4, toJSON: 5 }
    expect(copyJson(given, 'state')).toEqual(given)
  })

  it('inherited and non-enumerable properties / left out', () => {
    const given = Object.defineProperty({ a: 1 }, 'hidden', { value: 2, enumerable: false })
    expect(Object.getOwnPropertyNames(copyJson(given, 'state'))).toEqual(['a'])
  })
})

describe('a value that cannot be kept', () => {
  it('a File / refused, naming the path, the kind and the way out', () => {
    const error = refusal({ file: new File([], 'a.txt') })
    expect(error.path).toBe('state.upload.file')
    expect(error.kind).toBe('a File')
    expect(error.message).toContain('resources')
  })

  it.each([
    ['a function', () => 1],
    ['a function', Point],
    ['a symbol', Symbol('s')],
    ['a BigInt', 1n],
    ['NaN', Number.NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['a Date', new Date()],
    ['a Map', new Map()],
    ['a Set', new Set()],
    ['a RegExp', /x/],
    ['an Error', new Error('x')],
    ['a Promise', Promise.resolve()],
    ['a Blob', new Blob()],
    ['a Uint8Array', new Uint8Array(2)],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a Number', Object(1)],
    ['a String', Object('s')],
    ['a Point', new Point()],
    ['a Date', runInNewContext('new Date()')],
    ['a Map', runInNewContext('new Map()')],
    [
      'a class instance',
      new (class {
        x = 1
      })(),
    ],
    ['a class instance', Object.create({ inherited: 1 })],
    ['a class instance', Object.create(Object.create(null) as object)],
    [
      'a Sly',
      new (class Sly {
        isPrototypeOf() {}
      })(),
    ],
    ['a class instance', Object.setPrototypeOf([], null)],
    ['a List', new (class List extends Array<unknown> {})()],
  ])('%s / refused at any depth', (kind, value) => {
    expect(refusal(value, 'state.a')).toMatchObject({ path: 'state.a', kind })
    expect(refusal({ b: [0, { c: value }] }, 'state.a')).toMatchObject({ path: 'state.a.b.1.c', kind })
  })

  it('undefined and holes in a list / refused', () => {
    expect(refusal([1, undefined])).toMatchObject({ path: 'state.upload.1', kind: 'undefined in a list' })
    expect(refusal({ a: Array(2) })).toMatchObject({ path: 'state.upload.a.0', kind: 'a hole in a list' })
  })

  it('a list with a name beside its items, as `match` returns it / refused, naming the name', () => {
    const [kind, path] = ['a named value in a list', 'state.upload.found.index']
    expect(refusal({ found: 'abc'.match(/b/) })).toMatchObject({ kind, path })
  })

  it('a cycle / refused, naming where it closes', () => {
    const own: Record<string, unknown> = { deep: {} }
    ;(own['deep'] as Record<string, unknown>)['again'] = own
    expect(refusal(own)).toMatchObject({ path: 'state.upload.deep.again', kind: 'a cycle' })
    const list: unknown[] = []
    list.push(list)
    expect(refusal(list)).toMatchObject({ path: 'state.upload.0', kind: 'a cycle' })
  })

  it('a symbol as a key / refused', () => {
    expect(refusal({ a: { [Symbol('secret')]: 1 } }).kind).toBe('a value under a symbol key')
  })

  it('1,000 levels / accepted; 1,001 or 10,000 / refused with a short message, no stack overflow', () => {
    expect(copyJson(nested(1000), 'state')).toEqual(nested(1000))
    for (const depth of [1001, 10_000, 200_000]) {
      const error = refusal(nested(depth))
      expect(error.kind).toContain('nested deeper')
      expect(error.message.length).toBeLessThan(800)
    }
  })

  it('an endless getter / refused', () => {
    const endless = (): object => Object.defineProperty({}, 'more', { enumerable: true, get: endless })
    expect(refusal(endless()).kind).toContain('nested deeper')
  })

  it('a getter that throws / its own error comes out', () => {
    const given = {
      get a() {
        throw new Error('mine')
      },
    }
    expect(() => copyJson(given, 'state')).toThrow('mine')
  })

  it.each(['__proto__', 'constructor', 'prototype'])(
    'an own key %s / refused, prototypes untouched',
    (key) => {
      const given = JSON.parse(`{"a": [{"${key}": {"polluted": true}}]}`) as unknown
      expect(() => copyJson(given, 'state.user')).toThrow(PathError)
      expect(() => copyJson(given, 'state.user')).toThrow(
        expect.objectContaining({ path: `user.a.0.${key}` }),
      )
      expect('polluted' in {}).toBe(false)
    },
  )

  it('a class instance that hides its constructor / refused', () => {
    const sly = Object.assign(new Point(), { constructor: undefined })
    expect(refusal(sly).kind).toBe('a class instance')
  })
})

describe('development mode', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.unstubAllGlobals()
    vi.resetModules()
  })
  const load = async (): Promise<boolean> => {
    vi.resetModules()
    return (await import('../../src/state/development')).development
  }

  it('in a production build / off, and nothing is frozen', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(await load()).toBe(false)
    const json = await import('../../src/state/json')
    expect(Object.isFrozen(json.copyJson({}, 'state'))).toBe(false)
  })

  it('in a browser without a bundler / off, without an error', async () => {
    vi.stubGlobal('process', undefined)
    expect(await load()).toBe(false)
  })

  it('anywhere else / on', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    expect(await load()).toBe(true)
  })
})
