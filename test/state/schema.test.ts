import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { PathError, SchemaError, StateValidationError } from '../../src/errors'
import { toPath } from '../../src/state/path'
import { createStore } from '../../src/state/create-store'
import { compileSchema } from '../../src/state/schema'
import type { Schema } from '../../src/state/standard-schema'
import { validate } from '../../src/state/standard-schema'
import { currentOf } from '../../src/state/view'

/** A schema beside a state; what it answers is put as `[path, value]`. */
const over = (schema: Schema | undefined, state: unknown = {}) => {
  const compiled = compileSchema(schema)
  const current = currentOf(state)
  const check = (path: string, value: unknown): readonly [string, unknown] => {
    const answer = compiled.check(current, toPath(path), value)
    return [answer.path.text, answer.value]
  }
  const caught = (run: () => unknown): StateValidationError => {
    try {
      run()
    } catch (error) {
      expect(error).toBeInstanceOf(StateValidationError)
      return error as StateValidationError
    }
    throw new Error('it was accepted')
  }
  return {
    compiled,
    check,
    remove: (path: string) => compiled.checkDelete(current, toPath(path)),
    refusal: (path: string, value: unknown) => caught(() => check(path, value)),
    refusedDelete: (path: string) => caught(() => compiled.checkDelete(current, toPath(path))),
  }
}

/** Counts how often a schema is asked. */
const counted = <S extends z.core.$ZodType>(schema: S): { schema: S; calls: () => number } => {
  const { _zod: inside } = schema
  const run = vi.spyOn(inside, 'run')
  return { schema, calls: () => run.mock.calls.length }
}

/** A schema of another vendor: an object with a positive `n`, which it rounds. */
const foreign: Schema = {
  '~standard': {
    vendor: 'other',
    version: 1,
    validate: (value) => {
      const n = (value as { n?: unknown }).n
      if (typeof n !== 'number' || n < 0) {
        return { issues: [{ message: 'must be positive', path: [{ key: 'n' }] }] }
      }
      return { value: { ...(value as object), n: Math.round(n) } }
    },
  },
}

describe('no schema', () => {
  it('everything / passes through unchanged', () => {
    const { check, compiled, remove } = over(undefined)
    const value = { a: 1 }
    expect(check('a.b', value)[1]).toBe(value)
    expect(() => remove('a.b')).not.toThrow()
    expect(compiled.initial(undefined)).toEqual({})
    expect(compiled.kindOf(toPath('a'))).toBe('unknown')
  })
})

describe('the first state', () => {
  it('nothing given / the defaults', () => {
    const { compiled } = over(z.object({ count: z.number().default(0), note: z.string().optional() }))
    expect(compiled.initial(undefined)).toEqual({ count: 0 })
    expect(compiled.initial({ count: 3 })).toEqual({ count: 3 })
  })

  it('a default of the whole / completed by inner defaults; another vendor without one / refuses no state', () => {
    const inner = z.object({ a: z.number(), b: z.string().default('b') })
    expect(over(inner.default({ a: 1 } as never)).compiled.initial(undefined)).toEqual({ a: 1, b: 'b' })
    expect(over(inner.prefault({ a: 2 })).compiled.initial(undefined)).toEqual({ a: 2, b: 'b' })
    expect(over(inner.default({ a: 1, b: 'x' })).compiled.initial({ a: 3 })).toEqual({ a: 3, b: 'b' })
    expect(over(z.object({ n: z.number().default(4) }).optional()).compiled.initial(undefined)).toEqual({
      n: 4,
    })
    expect(() => over(foreign).compiled.initial(undefined)).toThrow(StateValidationError)
  })

  it('a required key is missing / StateValidationError of the whole state', () => {
    const { compiled } = over(z.object({ user: z.object({ age: z.number() }) }))
    expect(() => compiled.initial({ user: { age: 'x' } })).toThrow(StateValidationError)
    expect(() => compiled.initial({ user: { age: 'x' } })).toThrow('user.age')
    expect(() => compiled.initial(undefined)).toThrow(
      /^the state is not valid: .*; what is not given needs a default$/,
    )
  })
})

describe('a write through zod', () => {
  const schema = z.object({
    age: z.number(),
    when: z.coerce.number(),
    user: z.object({ name: z.string(), nick: z.string().optional() }),
    list: z.array(z.object({ n: z.number() })),
    byId: z.record(z.string(), z.object({ done: z.boolean() })),
    pair: z.tuple([z.string(), z.number()]),
    rest: z.tuple([z.string()], z.number()),
    enums: z.partialRecord(z.enum(['a', 'b']), z.number()),
    numbers: z.record(z.number(), z.string()),
    strict: z.strictObject({ a: z.number() }),
    loose: z.looseObject({ a: z.number() }),
    catchall: z.object({ a: z.number() }).catchall(z.string()),
    any: z.any(),
    unknown: z.unknown(),
  })
  const state = {
    age: 3,
    when: 1,
    user: { name: 'Ada' },
    list: [{ n: 1 }],
    byId: { x: { done: false } },
    pair: ['a', 1],
    rest: ['a'],
    enums: { a: 1 },
    numbers: { 1: 'x' },
    strict: { a: 1 },
    loose: { a: 1 },
    catchall: { a: 1 },
    any: { deep: [] },
    unknown: {},
  }
  const { check, refusal } = over(schema, state)

  it("'30' for a number / StateValidationError with path and issues", () => {
    const error = refusal('age', '30')
    expect(error.path).toBe('age')
    expect(error.issues).toEqual([{ path: 'age', message: expect.stringContaining('expected number') }])
    expect(error.message).toContain('state.age')
  })

  it('issues inside a written object / have paths from the root of the state', () => {
    expect(refusal('list.0', { n: 'x' }).issues[0]?.path).toBe('list.0.n')
    expect(refusal('user', {}).issues[0]?.path).toBe('user.name')
    expect(refusal('', { ...state, age: 'x' }).issues[0]?.path).toBe('age')
  })

  it.each([
    ['age', 4],
    ['user.name', 'Grace'],
    ['user.nick', 'G'],
    ['list.0.n', 2],
    ['list.1', { n: 2 }],
    ['byId.y', { done: true }],
    ['byId.x.done', true],
    ['pair.1', 2],
    ['rest.1', 7],
    ['enums.b', 2],
    ['numbers.2', 'y'],
    ['strict.a', 2],
    ['loose.b', { anything: 1 }],
    ['loose.b', 'x'],
    ['catchall.b', 'x'],
    ['any.deep', 1],
    ['any.other', { a: 1 }],
    ['unknown.a', 1],
  ])('%s / accepted at its own path', (path, value) => {
    expect(check(path, value)).toEqual([path, value])
  })

  it.each([
    ['user.name', 1],
    ['list.0.n', 'x'],
    ['list.1', {}],
    ['byId.x.done', 1],
    ['byId.x', true],
    ['pair.1', 'x'],
    ['pair.2', 1],
    ['rest.1', 'x'],
    ['enums.c', 1],
    ['numbers.x', 'y'],
    ['catchall.b', 1],
    ['strict.b', 1],
    ['user.nope', 1],
    ['nope', 1],
    ['nope.below', 1],
    ['toString', 1],
    ['user.hasOwnProperty', 1],
  ])('%s: %j / refused', (path, value) => {
    expect(refusal(path, value).path).toBe(path)
  })

  it('an unknown key / an error, instead of a loss at the next load', () => {
    expect(refusal('user.nope', 1).issues).toEqual([
      { path: 'user.nope', message: 'the schema does not know this key' },
    ])
    expect(refusal('strict.b', 1).issues[0]?.message).toContain('Unrecognized key: "b"')
  })

  it('a key that is no index of a list / PathError', () => {
    expect(() => check('list.foo', { n: 1 })).toThrow(PathError)
    expect(() => check('pair.foo', 1)).toThrow(PathError)
  })

  it('below a scalar or null / PathError', () => {
    expect(() => check('age.deep', 1)).toThrow(PathError)
    const nullable = over(
      z.object({
        a: z
          .object({ b: z.number() })
          .refine(() => true)
          .nullable(),
      }),
      {
        a: null,
      },
    )
    expect(() => nullable.check('a.b', 1)).toThrow(PathError)
  })

  it('a coerced value / the output is written', () => {
    expect(check('when', '42')).toEqual(['when', 42])
  })

  it('defaults inside a written object / filled in', () => {
    const { check: write } = over(z.object({ o: z.object({ a: z.number().default(7), b: z.string() }) }))
    expect(write('o', { b: 'x' })).toEqual(['o', { a: 7, b: 'x' }])
  })

  it('only the written value is validated, not the state', () => {
    const big = counted(z.array(z.number()))
    const leaf = counted(z.number())
    const { check: write } = over(z.object({ big: big.schema, o: z.object({ leaf: leaf.schema }) }), {
      big: [1, 2, 3],
      o: { leaf: 1 },
    })
    write('o.leaf', 2)
    write('o.leaf', 3)
    write('big.0', 3)
    expect(big.calls()).toBe(0)
    expect(leaf.calls()).toBe(2)
  })

  it('the given value / is not changed', () => {
    const given = Object.freeze({ n: 1 })
    expect(check('list.0', given)).toEqual(['list.0', { n: 1 }])
    expect(state.list).toEqual([{ n: 1 }])
  })
})

describe('zod wrappers', () => {
  const deep = z.object({ n: z.number() })
  interface Node {
    name: string
    children?: Node[] | undefined
  }
  const node: z.ZodType<Node> = z.lazy(() =>
    z.object({ name: z.string(), children: z.array(node).optional() }),
  )
  it.each<[string, z.core.$ZodType]>([
    ['optional', deep.optional()],
    ['exactOptional', z.exactOptional(deep)],
    ['nullable', deep.nullable()],
    ['nullish', deep.nullish()],
    ['default', deep.default({ n: 0 })],
    ['prefault', deep.prefault({ n: 0 })],
    ['readonly', deep.readonly()],
    ['catch', deep.catch({ n: 0 })],
    ['nonoptional', z.nonoptional(deep.optional())],
    ['lazy', z.lazy(() => deep)],
    ['brand', deep.brand<'x'>()],
    ['describe', deep.describe('text').meta({ title: 'x' })],
    ['all of them', z.lazy(() => deep.readonly().nullable().default(null)).optional()],
    ['mini', mini.optional(mini.nullable(mini.object({ n: mini.number() })))],
  ])('%s / seen through, the leaf is validated', (_, schema) => {
    const outer = counted(schema)
    const { check, refusal } = over(z.object({ o: outer.schema }), { o: { n: 1 } })
    expect(check('o.n', 2)).toEqual(['o.n', 2])
    expect(refusal('o.n', 'x').issues[0]?.path).toBe('o.n')
    expect(outer.calls()).toBe(0)
  })

  it('a recursive schema / validated at any depth', () => {
    const { check, refusal } = over(node, {
      name: 'a',
      children: [{ name: 'b', children: [{ name: 'c' }] }],
    })
    expect(check('children.0.children.0.name', 'x')).toEqual(['children.0.children.0.name', 'x'])
    expect(refusal('children.0.children.0.name', 1).issues[0]?.path).toBe('children.0.children.0.name')
  })

  it('a schema that wraps itself for ever / no hang', () => {
    const endless: z.ZodType = z.lazy(() => endless)
    expect(compileSchema(endless).kindOf(toPath('a.b'))).toBe('unknown')
  })

  it('a leaf with a fallback / the fallback is written', () => {
    expect(over(z.object({ n: z.number().catch(0) }), { n: 1 }).check('n', 'x')).toEqual(['n', 0])
  })

  it('a Date and other platform values / pass where the schema takes them', () => {
    const at = new Date()
    expect(over(z.object({ at: z.date() })).check('at', at)).toEqual(['at', at])
  })
})

describe('rules that only an ancestor can check', () => {
  it('a list with a maximum / the whole list is validated, the item is written', () => {
    const schema = z.object({ list: z.array(z.number()).max(3) })
    expect(over(schema, { list: [1, 2] }).check('list.2', 3)).toEqual(['list.2', 3])
    const { refusal } = over(schema, { list: [1, 2, 3] })
    const error = refusal('list.3', 4)
    expect(error).toMatchObject({ path: 'list.3', issues: [{ path: 'list' }] })
  })

  it('a refinement of two keys / validated with both, the key is written', () => {
    const schema = z.object({
      range: z
        .object({ from: z.number(), to: z.number() })
        .refine((one) => one.from <= one.to, 'wrong way round'),
    })
    const { check, refusal } = over(schema, { range: { from: 1, to: 5 } })
    expect(check('range.from', 3)).toEqual(['range.from', 3])
    expect(refusal('range.from', 9).issues).toEqual([{ path: 'range', message: 'wrong way round' }])
    expect(refusal('range.from', 'x').issues[0]?.path).toBe('range.from')
    expect(refusal('range.nope', 1).issues[0]?.path).toBe('range.nope')
  })

  it('a refinement on the root, on a wrapper, on any() / holds for writes far below', () => {
    const small = (one: { a: { b: { n: number } } }): boolean => one.a.b.n < 5
    const inner = z.object({ a: z.object({ b: z.object({ n: z.number() }) }) })
    const state = { a: { b: { n: 1 } } }
    const schemas = [
      inner.refine(small),
      inner.readonly().refine(small),
      inner.superRefine((one, context) => {
        if (!small(one)) context.addIssue('too big')
      }),
      z.any().refine(small),
    ]
    for (const schema of schemas) {
      const { check, refusal } = over(schema, state)
      expect(check('a.b.n', 2)).toEqual(['a.b.n', 2])
      expect(refusal('a.b.n', 7).path).toBe('a.b.n')
    }
    expect(state).toEqual({ a: { b: { n: 1 } } })
  })

  it('unions, intersections and pipes / checked at their level, the leaf is written', () => {
    const shape = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), n: z.number() }),
      z.object({ kind: z.literal('b'), s: z.string() }),
    ])
    const both = z.intersection(z.object({ n: z.number() }), z.object({ s: z.string() }))
    const { check, refusal } = over(
      z.object({
        shape,
        both,
        either: z.union([z.object({ n: z.number() }), z.string()]),
        piped: z.object({ n: z.number() }).pipe(z.object({ n: z.number().max(5) })),
      }),
      { shape: { kind: 'a', n: 1 }, both: { n: 1, s: '' }, either: { n: 1 }, piped: { n: 1 } },
    )
    expect(check('shape.n', 2)).toEqual(['shape.n', 2])
    expect(check('both.s', 'x')).toEqual(['both.s', 'x'])
    expect(check('either.n', 2)).toEqual(['either.n', 2])
    expect(check('piped.n', 2)).toEqual(['piped.n', 2])
    expect(refusal('shape.s', 'x').issues[0]?.path).toBe('shape.s')
    expect(refusal('shape.kind', 'b').path).toBe('shape.kind')
    expect(refusal('either.n', 'x').path).toBe('either.n')
    expect(refusal('piped.n', 9).issues[0]?.path).toBe('piped.n')
  })

  it('an ancestor that changes more than the path / its whole output is written', () => {
    const schema = z.object({
      sum: z.object({ a: z.number(), total: z.number() }).overwrite((one) => ({ ...one, total: one.a * 2 })),
    })
    expect(over(schema, { sum: { a: 1, total: 2 } }).check('sum.a', 5)).toEqual(['sum', { a: 5, total: 10 }])
    expect(over(schema, { sum: { a: 1, total: 2 } }).check('sum.a', 1)).toEqual(['sum.a', 1])
  })

  it('a schema of another vendor / checked as a whole, the output of the path is written', () => {
    const { check, refusal } = over(foreign, { n: 1, deep: { x: [1, 2] } })
    expect(check('n', 2.4)).toEqual(['n', 2])
    expect(check('deep.x.1', 3)).toEqual(['deep.x.1', 3])
    expect(check('', { n: 3 })).toEqual(['', { n: 3 }])
    expect(refusal('n', -1)).toMatchObject({
      path: 'n',
      issues: [{ path: 'n', message: 'must be positive' }],
    })
    expect(over(foreign, { n: 1.5 }).check('x', 1)).toEqual(['', { n: 2, x: 1 }])
  })

  it('a schema of another vendor that copies frozen values and fills them in, as ArkType does / gets an unfrozen copy', () => {
    const validate = (value: unknown): unknown => {
      const { user } = value as { user: object }
      const copy = Object.defineProperties({ name: '' }, Object.getOwnPropertyDescriptors(user))
      copy.name = copy.name.trim()
      return { value: { ...(value as object), user: copy } }
    }
    const filling: Schema = { '~standard': { vendor: 'x', version: 1, validate } }
    const user = Object.freeze({ name: ' Ada ' })
    expect(compileSchema(filling).initial({ user })).toEqual({ user: { name: 'Ada' } })
    expect(user.name).toBe(' Ada ')
    expect(over(filling, { n: 1, user }).check('n', 2)).toEqual(['', { n: 2, user: { name: 'Ada' } }])
  })

  it('a schema of another vendor inside zod / checked at its level', () => {
    const custom = z.custom<{ n: number }>((value) => (value as { n?: unknown }).n !== 13)
    const { check, refusal } = over(z.object({ custom }), { custom: { n: 1 } })
    expect(check('custom.n', 2)).toEqual(['custom.n', 2])
    expect(refusal('custom.n', 13).issues[0]?.path).toBe('custom')
  })

  it('an asynchronous schema / SchemaError that says what to do', async () => {
    const schema = z.object({ n: z.number().refine(async () => true) })
    expect(() => over(schema).check('n', 1)).toThrow(SchemaError)
    expect(() => over(schema).compiled.initial({ n: 1 })).toThrow('the schema of state must be synchronous')
    const late: Schema = {
      '~standard': { vendor: 'x', version: 1, validate: () => Promise.reject(new Error('late')) },
    }
    expect(() => over(late).check('n', 1)).toThrow(SchemaError)
    const broken = z.number().refine(() => {
      throw new Error('mine')
    })
    expect(() => over(z.object({ n: broken })).check('n', 1)).toThrow('none that throws')
    await new Promise(setImmediate) // an unhandled rejection would fail this test
  })
})

describe('missing parents', () => {
  const schema = z.object({
    user: z.object({ name: z.string(), age: z.number().default(1) }).optional(),
    list: z.array(z.object({ n: z.number() })).optional(),
    free: z.object({ a: z.object({ b: z.object({ c: z.number() }).optional() }).optional() }).optional(),
    text: z.string().optional(),
    pair: z.tuple([z.string()]).optional(),
  })
  const { check, refusal, compiled } = over(schema)

  it('the topmost one created / validated and written whole', () => {
    expect(check('user.name', 'Ada')).toEqual(['user', { name: 'Ada', age: 1 }])
    expect(check('free.a.b.c', 1)).toEqual(['free', { a: { b: { c: 1 } } }])
    expect(over(schema, { free: {} }).check('free.a.b.c', 1)).toEqual(['free.a', { b: { c: 1 } }])
  })

  it('one that lacks a required key / refused, naming the given path', () => {
    expect(refusal('user.age', 5)).toMatchObject({ path: 'user.age', issues: [{ path: 'user.name' }] })
  })

  it('a list where the schema says so, from index 0', () => {
    expect(check('list.0.n', 1)).toEqual(['list', [{ n: 1 }]])
    expect(check('pair.0', 'x')).toEqual(['pair', ['x']])
    expect(() => check('list.1.n', 1)).toThrow(PathError)
  })

  it('under an unknown key / refused', () => {
    expect(refusal('nope.a.b', 1).path).toBe('nope.a.b')
  })

  it('under an ancestor with a refinement / checked there', () => {
    const refined = over(schema.refine((one) => one.user?.name !== 'Eve', 'not Eve'))
    expect(refined.check('user.name', 'Ada')).toEqual(['user', { name: 'Ada', age: 1 }])
    expect(refined.refusal('user.name', 'Eve').issues).toEqual([{ path: '', message: 'not Eve' }])
  })

  it('append to nothing / the schema decides between a text and a list', () => {
    expect(compiled.kindOf(toPath('text'))).toBe('text')
    expect(compiled.kindOf(toPath('user.name'))).toBe('text')
    expect(compiled.kindOf(toPath('list'))).toBe('list')
    expect(compiled.kindOf(toPath('user'))).toBe('unknown')
    expect(compiled.kindOf(toPath('nope'))).toBe('unknown')
  })

  it('a text appended to nothing, in a schema that cannot be taken apart / a list, if only a list is accepted', () => {
    const lists: Schema = {
      '~standard': {
        vendor: 'other',
        version: 1,
        validate: (value) =>
          Array.isArray((value as { list?: unknown }).list ?? [])
            ? { value }
            : { issues: [{ message: 'a list', path: ['list'] }] },
      },
    }
    const foreign = createStore({ schema: lists, initial: {} })
    foreign.append('list', 'a')
    foreign.append('other', 'a')
    expect(foreign.get()).toEqual({ list: ['a'], other: 'a' })
    const variant = z.object({ kind: z.literal('a'), tags: z.array(z.string()).optional() })
    const union = z.discriminatedUnion('kind', [variant, z.object({ kind: z.literal('b') })])
    const store = createStore({
      schema: z.object({ union, any: z.any().optional() }),
      initial: { union: { kind: 'a' } },
    })
    store.append('union.tags' as never, 'x' as never)
    store.append('any' as never, 'x' as never)
    expect(store.get()).toEqual({ union: { kind: 'a', tags: ['x'] }, any: 'x' })
    const short = createStore({
      schema: z.object({ text: z.union([z.string().max(2), z.number()]).optional() }),
    })
    expect(() => short.append('text', 'abc')).toThrow(/text/)
    expect(short.get()).toEqual({})
  })

  it('their kind is also known below a refinement', () => {
    const refined = compileSchema(z.object({ list: z.array(z.string()).optional() }).refine(() => true))
    expect(refined.kindOf(toPath('list'))).toBe('list')
    expect(refined.kindOf(toPath('list.0'))).toBe('text')
  })
})

describe('a delete through a schema', () => {
  const schema = z.object({
    name: z.string(),
    nick: z.string().optional(),
    exact: z.exactOptional(z.string()),
    filled: z.string().default(''),
    filledOptional: z.string().default('').optional(),
    any: z.any(),
    list: z.array(z.number()),
    most: z.array(z.number()).min(2),
    byId: z.record(z.string(), z.number()),
    enums: z.record(z.enum(['a', 'b']), z.number()),
    partial: z.partialRecord(z.enum(['a', 'b']), z.number()),
    pair: z.tuple([z.string(), z.number()]),
    loose: z.looseObject({ a: z.number() }),
    refined: z.object({ a: z.number().optional(), b: z.number().optional() }).refine((one) => one.a ?? one.b),
    deep: z.object({ n: z.number(), o: z.number().optional() }).optional(),
  })
  const state = {
    name: 'Ada',
    nick: 'A',
    exact: 'x',
    filled: 'x',
    filledOptional: 'x',
    any: 1,
    list: [1],
    most: [1, 2],
    byId: { x: 1 },
    enums: { a: 1, b: 2 },
    partial: { a: 1 },
    pair: ['a', 1],
    loose: { a: 1, b: 2 },
    refined: { a: 1 },
    deep: { n: 1, o: 2 },
  }
  const { remove, refusedDelete } = over(schema, state)

  it.each(['nick', 'exact', 'list.0', 'byId.x', 'partial.a', 'loose.b', 'deep', 'deep.o'])(
    '%s / allowed',
    (path) => expect(() => remove(path)).not.toThrow(),
  )

  it.each(['name', 'filled', 'most.0', 'enums.a', 'pair.0', 'pair.1', 'loose.a', 'refined.a', 'deep.n'])(
    '%s / refused, naming the path',
    (path) => expect(refusedDelete(path).path).toBe(path),
  )

  it('an item of a list with a minimum / allowed as long as the rest passes', () => {
    expect(() => over(schema, { ...state, most: [1, 2, 3] }).remove('most.1')).not.toThrow()
    expect(over(schema, state).refusedDelete('most.1').issues[0]?.path).toBe('most')
  })

  it("a key that the ancestor's refinement can do without / allowed", () => {
    expect(() => over(schema, { ...state, refined: { a: 1, b: 2 } }).remove('refined.a')).not.toThrow()
  })

  it('a path where nothing is / allowed', () => {
    expect(() => over(schema, {}).remove('deep.n')).not.toThrow()
  })

  it("with another vendor's schema / checked as a whole", () => {
    expect(over(foreign, { n: 1, x: 2 }).refusedDelete('n').path).toBe('n')
    expect(() => over(foreign, { n: 1, x: 2 }).remove('x')).not.toThrow()
  })

  it('a check / does not change the state', () => {
    const before = structuredClone(state)
    for (const path of Object.keys(state)) {
      try {
        remove(path)
      } catch {}
    }
    expect(state).toEqual(before)
  })
})

describe('hostile input', () => {
  it('a schema key named like a prototype method / a plain key', () => {
    const { check, refusal } = over(z.object({ toString: z.string(), valueOf: z.number().optional() }), {
      toString: 'x',
    })
    expect(check('toString', 'y')).toEqual(['toString', 'y'])
    expect(check('valueOf', 1)).toEqual(['valueOf', 1])
    expect(refusal('hasOwnProperty', 1).path).toBe('hasOwnProperty')
  })

  it('a value 10,000 levels deep under an open schema / passes, no overflow', () => {
    let value: unknown = 1
    for (let level = 0; level < 10_000; level++) value = { a: value }
    expect(over(z.object({ any: z.any() })).check('any', value)[1]).toBe(value)
  })

  it('a cycle under an ancestor with a refinement / no endless loop', () => {
    const own: Record<string, unknown> = {}
    own['own'] = own
    const { check } = over(
      z.object({ any: z.any(), n: z.number() }).refine(() => true),
      { n: 1 },
    )
    expect(check('any', own)[1]).toBe(own)
  })

  it('100,000 paths through one schema / all right', () => {
    const { check } = over(z.object({ byId: z.record(z.string(), z.number()) }), { byId: {} })
    for (let at = 0; at < 100_000; at++) check(`byId.${at}`, at)
    expect(check('byId.5', 5)).toEqual(['byId.5', 5])
  })

  it('keys with dots / found in the schema, named in the issues', () => {
    const compiled = compileSchema(z.object({ files: z.record(z.string(), z.number()) }))
    const path = toPath(['files', 'a.txt'])
    const empty = currentOf({ files: {} })
    expect(compiled.check(empty, path, 1)).toEqual({ path, value: 1 })
    expect(() => compiled.check(empty, path, 'x')).toThrow('a.txt')
  })
})

describe('validate', () => {
  it('issue paths of keys and segment objects / become dotted text', () => {
    const schema: Schema = {
      '~standard': {
        vendor: 'x',
        version: 1,
        validate: () => ({
          issues: [{ message: 'm', path: ['a', 0, { key: 'b' }, Symbol('s')] }, { message: 'whole' }],
        }),
      },
    }
    expect(validate(schema, 1)).toEqual({
      issues: [
        { path: 'a.0.b.Symbol(s)', message: 'm' },
        { path: '', message: 'whole' },
      ],
    })
  })

  it('a vendor that returns `issues: undefined` / the value is accepted', () => {
    const schema: Schema = {
      '~standard': { vendor: 'x', version: 1, validate: (value) => ({ value, issues: undefined }) },
    }
    expect(validate(schema, undefined)).toEqual({ value: undefined })
  })
})
