import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, type EventValidationError, type SerializationError } from '../../src/index'
import { thrown } from '../support/flows'

const Address = defineEvent(
  'address',
  z.object({ street: z.string(), lines: z.array(z.string()).default([]) }),
)

describe('a factory', () => {
  test("has type, schema, reply; makes events of its type with the schema's output", () => {
    const schema = z.object({ n: z.coerce.number() })
    const Made = defineEvent('made', schema, { reply: Address })
    expect(Made.type).toBe('made')
    expect(Made.schema).toBe(schema)
    expect(Made.reply).toBe(Address)
    expect(Address.reply).toBeUndefined()
    expect(Made({ n: '5' })).toEqual({ type: 'made', data: { n: 5 } })
    expect(Address({ street: 'a' })).toEqual({ type: 'address', data: { street: 'a', lines: [] } })
  })

  test('.is() / goes by type, whoever made the event', () => {
    expect(Address.is(Address({ street: 'a' }))).toBe(true)
    expect(Address.is({ type: 'address', data: 5 })).toBe(true)
    expect(Address.is({ type: 'other', data: 5 })).toBe(false)
    for (const it of [undefined, null, 'address', [Address({ street: 'a' })]])
      expect(Address.is(it)).toBe(false)
  })

  test('without a schema / no data; any data is refused', () => {
    const Plain = defineEvent('plain')
    expect(Plain()).toEqual({ type: 'plain', data: undefined })
    const error: EventValidationError = thrown(() => (Plain as (data: unknown) => unknown)(5))
    expect(error).toMatchObject({ code: 'EVENT_VALIDATION', type: 'plain' })
    expect(thrown<{ code: string }>(() => (Plain as (data: unknown) => unknown)(null)).code).toBe(
      'EVENT_VALIDATION',
    )
  })

  test('a schema that accepts undefined / may be called without data', () => {
    const Maybe = defineEvent('maybe', z.string().optional())
    const Filled = defineEvent('filled', z.string().default('x'))
    expect(Maybe()).toEqual({ type: 'maybe', data: undefined })
    expect(Filled().data).toBe('x')
  })
})

describe('validation', () => {
  test('data of the wrong shape / EventValidationError with type, issues and their paths', () => {
    const Deep = defineEvent('deep', z.object({ list: z.array(z.object({ n: z.number() })) }))
    const error: EventValidationError = thrown(() => Deep({ list: [{ n: 1 }, { n: 'x' }] } as never))
    expect(error.name).toBe('EventValidationError')
    expect(error.code).toBe('EVENT_VALIDATION')
    expect(error.type).toBe('deep')
    expect(error.issues.map((it) => it.path)).toEqual(['list.1.n'])
    expect(error.message).toContain('"deep"')
    expect(error.message).toContain('list.1.n')
  })

  test.each([undefined, null, 5, 'x', [], () => {}])('%s for an object / refused', (wrong) => {
    expect(thrown(() => Address(wrong as never))).toMatchObject({ code: 'EVENT_VALIDATION' })
  })

  test('a transform / runs once', () => {
    const Trimmed = defineEvent(
      'trimmed',
      z.string().transform((it) => `<${it}>`),
    )
    expect(Trimmed('a').data).toBe('<a>')
  })

  test('unknown keys / dropped, or refused by a strict schema', () => {
    const Loose = defineEvent('loose', z.object({ a: z.number() }))
    const Strict = defineEvent('strict', z.strictObject({ a: z.number() }))
    expect(Loose({ a: 1, b: 2 } as never).data).toEqual({ a: 1 })
    expect(thrown(() => Strict({ a: 1, b: 2 } as never))).toMatchObject({ code: 'EVENT_VALIDATION' })
  })

  test('a schema that returns a promise / a typed error at the call, never an event with a promise in it', () => {
    const Slow = defineEvent(
      'slow',
      z.string().refine(async () => true),
    )
    expect(() => Slow('x')).toThrow('synchronous')
  })

  test('a schema that throws / its error comes out of the call', () => {
    const Broken = defineEvent('broken', {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('schema is broken')
        },
      },
    } as never)
    expect(() => (Broken as unknown as (data: unknown) => unknown)(1)).toThrow('schema is broken')
  })
})

describe('the data of an event', () => {
  test('is frozen all the way down', () => {
    const event = Address({ street: 'a', lines: ['x'] })
    expect(Object.isFrozen(event)).toBe(true)
    expect(Object.isFrozen(event.data)).toBe(true)
    expect(Object.isFrozen(event.data.lines)).toBe(true)
    expect(() => {
      ;(event as { type: string }).type = 'x'
    }).toThrow(TypeError)
  })

  test("the caller's own data / is neither frozen nor kept", () => {
    const Any = defineEvent('any', z.unknown())
    const own = { list: [{ n: 1 }] }
    const event = Any(own)
    own.list[0]!.n = 2
    own.list.push({ n: 3 })
    expect(event.data).toEqual({ list: [{ n: 1 }] })
    expect(Object.isFrozen(own)).toBe(false)
    expect(Object.isFrozen(own.list)).toBe(false)
  })

  const Any = defineEvent('any', z.unknown())
  class Custom {
    readonly n = 1
  }
  test.each([
    ['a function', () => {}, 'function'],
    ['a symbol', Symbol('x'), 'symbol'],
    ['a BigInt', 1n, 'bigint'],
    ['NaN', Number.NaN, 'NaN'],
    ['Infinity', -Infinity, '-Infinity'],
    ['a Map', new Map(), 'Map'],
    ['a Set', new Set(), 'Set'],
    ['a Date', new Date(), 'Date'],
    ['an instance', new Custom(), 'Custom'],
    ['a promise', Promise.resolve(), 'Promise'],
    ['a typed array', new Uint8Array(2), 'Uint8Array'],
    ['a regular expression', /x/, 'RegExp'],
    ['an error', new Error('x'), 'Error'],
    // oxlint-disable-next-line no-sparse-arrays -- the hole is what is tested
    ['a hole in a list', [1, , 3], 'hole'],
  ])('%s / SerializationError naming the event, the path and the kind', (_, value, kind) => {
    for (const data of [value, { deep: { at: [value] } }]) {
      const error: SerializationError = thrown(() => Any(data))
      expect(error.code).toBe('SERIALIZATION')
      expect(error.message).toContain('any')
      expect(error.message.toLowerCase()).toContain(kind.toLowerCase())
      if (!Object.is(data, value)) expect(error.path).toContain('deep.at.0')
    }
  })

  test('a cycle, and nesting without end / refused, no stack overflow', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    expect(thrown(() => Any(cycle))).toMatchObject({ code: 'SERIALIZATION' })
    let deep: unknown = 1
    for (let n = 0; n < 50_000; n++) deep = [deep]
    expect(thrown(() => Any(deep))).toMatchObject({ code: 'SERIALIZATION' })
  })

  test('one object in two places / counts as no cycle', () => {
    const one = { n: 1 }
    expect(Any({ a: one, b: one }).data).toEqual({ a: { n: 1 }, b: { n: 1 } })
  })

  test.each(['__proto__', 'constructor', 'prototype'])('a key "%s" / refused, nothing is polluted', (key) => {
    const data = JSON.parse(`{"deep":{"${key}":{"polluted":true}}}`) as unknown
    expect(thrown<{ code: string }>(() => Any(data)).code).toMatch(/^(PATH|SERIALIZATION)$/)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('undefined in objects is dropped, in lists refused; null, false, 0 and empty texts stay; -0 is 0', () => {
    expect(Any({ a: undefined, b: null, c: false, d: 0, e: '' }).data).toEqual({
      b: null,
      c: false,
      d: 0,
      e: '',
    })
    expect('a' in (Any({ a: undefined }).data as object)).toBe(false)
    expect(thrown(() => Any([undefined]))).toMatchObject({ code: 'SERIALIZATION' })
    expect(Object.is(Any(-0).data, 0)).toBe(true)
  })

  test('an object without a prototype, with symbols, with a getter, or a proxy / plain data or refused', () => {
    expect(Any(Object.assign(Object.create(null), { a: 1 })).data).toEqual({ a: 1 })
    expect(thrown(() => Any({ [Symbol('x')]: 1 }))).toMatchObject({ code: 'SERIALIZATION' })
    let reads = 0
    const event = Any({
      get n() {
        return ++reads
      },
    })
    expect(event.data).toEqual({ n: 1 })
    expect(Object.getOwnPropertyDescriptor(event.data, 'n')?.get).toBeUndefined()
    expect(Any(new Proxy({ a: 1 }, {})).data).toEqual({ a: 1 })
  })

  test('text with lone surrogates, NUL or line separators / kept through JSON', () => {
    const text = 'a\u0000b\u2028c\ud800d"\\'
    expect(JSON.parse(JSON.stringify(Any(text).data))).toBe(text)
  })
})
