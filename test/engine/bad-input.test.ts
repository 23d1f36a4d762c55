import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  resource,
  type SessionStorage,
  type StepError,
} from '../../src/index'
import { virtualClock } from '../../src/testing'
import {
  answeredAfterReload,
  Done,
  failure,
  flow,
  Go,
  Nudge,
  profile,
  Question,
  thrown,
  unhandled,
} from '../support/flows'

const State = z.strictObject({
  name: z.string().default(''),
  age: z.number().optional(),
  form: z.record(z.string(), z.unknown()).default({}),
  list: z.array(z.string()).default([]),
})

class Instance {
  readonly n = 1
}
const cycle: { self?: unknown } = {}
cycle.self = cycle

interface Bad {
  readonly title: string
  readonly path: string
  readonly value: unknown
  readonly code: string
  readonly named: string
}
const unserializable: readonly [string, unknown, string][] = [
  ['a function', { call: () => {} }, 'function'],
  ['a class instance', new Instance(), 'Instance'],
  ['a Map', new Map(), 'Map'],
  ['a Symbol', Symbol('x'), 'symbol'],
  ['a BigInt', 1n, 'bigint'],
  ['NaN', Number.NaN, 'NaN'],
  ['a cycle', cycle, 'cycle'],
  ['a File', new File(['x'], 'x.txt'), 'File'],
]
const bad: readonly Bad[] = [
  { title: 'an unknown path', path: 'nope', value: 1, code: 'STATE_VALIDATION|PATH', named: 'nope' },
  { title: 'a path below a scalar', path: 'name.first', value: 'x', code: 'PATH', named: 'name' },
  { title: 'a list index with a hole', path: 'list.4', value: 'x', code: 'PATH', named: 'list' },
  { title: 'a list key that is no index', path: 'list.first', value: 'x', code: 'PATH', named: 'list' },
  {
    title: '__proto__ in the path',
    path: '__proto__.polluted',
    value: true,
    code: 'PATH',
    named: '__proto__',
  },
  {
    title: '__proto__ on the way',
    path: 'form.__proto__.polluted',
    value: true,
    code: 'PATH',
    named: '__proto__',
  },
  {
    title: 'constructor.prototype',
    path: 'form.constructor.prototype.polluted',
    value: true,
    code: 'PATH',
    named: 'constructor',
  },
  {
    title: '__proto__ inside the value',
    path: 'form',
    value: JSON.parse('{"a":{"__proto__":{"polluted":true}}}') as unknown,
    code: 'PATH|SERIALIZATION|STATE_VALIDATION',
    named: '__proto__',
  },
  { title: 'the wrong type', path: 'age', value: '30', code: 'STATE_VALIDATION', named: 'age' },
  {
    title: 'the wrong type in a list',
    path: 'list',
    value: ['a', 5],
    code: 'STATE_VALIDATION',
    named: 'list',
  },
  ...unserializable.map(([title, value, named]) => ({
    title,
    path: 'form.deep.file',
    value,
    code: 'SERIALIZATION',
    named,
  })),
]

function clean(): void {
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
}

describe('a bad write to session.state', () => {
  test.each(bad)('$title / a typed error naming it; nothing is changed or stored', async (it) => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state: State }).step('work', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const session = await page.open(workflow)
    const before = session.state.get()
    let told = 0
    session.state.subscribe('', () => told++)
    const { state } = session
    const nested = { [it.path]: it.value }
    const calls = [
      () => state.set(it.path as never, it.value as never),
      () => state.set(it.path.split('.') as never, it.value as never),
      () =>
        state.batch(() => {
          state.set('name', 'half')
          state.set(it.path as never, it.value as never)
        }),
      ...(it.path === 'form.deep.file'
        ? [
            () =>
              state.edit((draft) => {
                draft.name = 'half'
                draft.form['deep'] = { file: it.value }
              }),
            () => state.replace({ name: 'half', form: { deep: { file: it.value } }, list: [] }),
            () => state.append('form.list' as never, it.value as never),
          ]
        : []),
    ]
    void nested
    for (const call of calls) {
      const error: Error & { code: string } = thrown(call)
      expect(error.code).toMatch(new RegExp(`^(${it.code})$`))
      expect(error.message.toLowerCase()).toContain(it.named.toLowerCase())
    }
    expect(session.state.get()).toBe(before)
    expect(told).toBe(0)
    await page.clock.advance(2000)
    expect(await page.engine.list()).toEqual([])
    clean()
  })
})

describe('a bad write in a step', () => {
  test.each(bad)('$title / the step fails with it; the state is as before the step', async (it) => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state: State }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.set('name', 'half')
        await ctx.state.set(it.path as never, it.value as never)
        return Done(1)
      },
    )
    const session = await page.open(workflow)
    const error: StepError = await failure(session.run())
    expect((error.cause as { code: string }).code).toMatch(new RegExp(`^(${it.code})$`))
    expect(error.message.toLowerCase()).toContain(it.named.toLowerCase())
    expect(session.state.get()).toEqual({ name: '', form: {}, list: [] })
    clean()
  })

  test('caught by the step / it goes on as if the write had never been tried, also after a reload', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state: State }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const codes: string[] = []
        for (const it of bad)
          await ctx.state
            .set(it.path as never, it.value as never)
            .catch((error: { code: string }) => codes.push(error.code))
        await ctx.state.set('name', `${codes.length} refused`)
        await ctx.ask(Question(1))
        return Done(codes.length)
      },
    )
    const again = await answeredAfterReload(page, workflow, 1)
    expect(again.result).toBe(bad.length)
    expect(again.state.get()).toEqual({ name: `${bad.length} refused`, form: {}, list: [] })
  })
})

describe('reading', () => {
  test('odd paths / missing, never a method or a prototype', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const { state } = await page.open(workflow)
    for (const path of [
      'toString',
      'constructor',
      'hasOwnProperty',
      'a.b.c',
      'items',
      'keys',
      'get',
      'length',
    ]) {
      expect(readOrRefuse(() => state.get(path))).toBeUndefined()
      expect(readOrRefuse(() => state.has(path)) ?? false).toBe(false)
    }
    clean()
  })

  function readOrRefuse(call: () => unknown): unknown {
    try {
      return call()
    } catch (error) {
      expect((error as { code: string }).code).toBe('PATH')
      return undefined
    }
  }
})

describe('bad events', () => {
  test.each(unserializable)(
    '%s in an event / SerializationError at the factory, and at send, ask and return',
    async (_, value, named) => {
      const Any = defineEvent('any', z.unknown())
      expect(thrown(() => Any({ deep: [value] }))).toMatchObject({ code: 'SERIALIZATION' })
      const page = profile()
      const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
        'work',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          const codes: string[] = []
          for (const call of [
            async () => ctx.send({ type: 'done', data: value } as never),
            () => ctx.ask({ type: 'question', data: { deep: value } } as never),
          ]) {
            try {
              await call()
            } catch (error) {
              codes.push((error as { code: string }).code)
            }
          }
          await ctx.state.set('codes', codes)
          await ctx.sleep(10)
          return { type: 'done', data: [value] } as never
        },
      )
      const session = await page.open(workflow)
      const result = failure(session.run())
      await page.settle()
      expect(session.state.get('codes')).toEqual(['SERIALIZATION', 'SERIALIZATION'])
      expect(thrown(() => session.send({ type: 'nudge', data: value } as never))).toMatchObject({
        code: 'SERIALIZATION',
      })
      await page.clock.advance(10)
      const error: StepError = await result
      expect(error.cause).toMatchObject({ code: 'SERIALIZATION' })
      expect(error.message.toLowerCase()).toContain(named.toLowerCase())
    },
  )

  test('an unknown event / UnknownEventError naming it and the known events', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    const error: Error & { code: string } = thrown(() => session.send(Nudge(1) as never))
    expect(error).toMatchObject({ code: 'UNKNOWN_EVENT', type: 'nudge' })
    expect(error.message).toContain('"nudge"')
    expect(error.message).toContain('"go"')
    expect(error.message).toContain('declare it in `events`')
  })

  test.each([
    ['sends', 'emits', (ctx: { send(event: never): unknown }) => ctx.send(Nudge(1) as never)],
    [
      'collects',
      'on',
      (ctx: { collect(event: never, expected: never[]): unknown }) =>
        ctx.collect(Nudge(1) as never, [Nudge as never]),
    ],
  ])('a step %s an unknown event / the error says where it is declared: in `%s`', async (_, option, act) => {
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await act(ctx)
      return Done(1)
    })
    const session = await profile().open(workflow)
    const error: Error = await failure(session.run())
    expect(error.message).toContain(`declare it in \`${option}\``)
  })
})

describe('calls that no type checker has seen', () => {
  const workflow = defineWorkflow(flow).step('work', { on: Go, emits: [Done] }, () => Done(1))

  test.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an object', {}],
    ['a name', 'flow'],
  ])('%s in place of a workflow / WorkflowError from open, session, flow and import', async (_, value) => {
    const { engine } = profile()
    const is = { code: 'WORKFLOW', message: expect.stringContaining('defineWorkflow()') as string }
    expect(await failure(engine.open(value as never))).toMatchObject(is)
    expect(thrown(() => engine.session(value as never))).toMatchObject(is)
    expect(thrown(() => engine.flow(value as never))).toMatchObject(is)
    expect(await failure(engine.import(value as never, {}))).toMatchObject(is)
  })

  test.each<readonly [string, unknown]>([
    ['engine.open() takes an object, not string', 'cart-42'],
    ['engine.open() takes an object, not null', null],
    ['engine.open(): id takes a text, not 42', { id: 42 }],
    ['engine.open(): id takes a text, not an empty one', { id: '' }],
  ])('%s / ArgumentError, and no other session is opened', async (message, options) => {
    const { engine } = profile()
    expect(await failure(engine.open(workflow, options as never))).toMatchObject({
      code: 'ARGUMENT',
      message,
    })
    expect(await engine.list()).toEqual([])
  })

  test('a state schema with an asynchronous refinement / SchemaError from open, not an error of storage', async () => {
    const { engine, errors } = profile()
    const state = z.object({
      name: z
        .string()
        .default('Ada')
        .refine(async () => true),
    })
    const late = defineWorkflow({ ...flow, state }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    expect(await failure(engine.open(late))).toMatchObject({
      code: 'SCHEMA',
      message: expect.stringContaining('the schema of state must be synchronous') as string,
    })
    expect([await engine.list(), errors]).toEqual([[], []])
  })

  test('a reply to an unknown ask / nobody takes it', async () => {
    const session = await profile().open(workflow)
    expect(await session.reply(undefined as never, 1)).toBe(false)
  })
})

describe('a missing resource', () => {
  test('MissingResourceError naming the key and those that are there', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, resources: { there: resource<number>() } }).step(
      'work',
      { on: Go, emits: [Done] },
      (ctx) => Done(ctx.requireResource('payments' as never)),
    )
    const session = await page.open(workflow, { resources: { there: 1 } })
    const error: StepError = await failure(session.run())
    expect(error.cause).toMatchObject({ code: 'MISSING_RESOURCE', key: 'payments', available: ['there'] })
  })
})

describe('a storage that fails to open', () => {
  test.each([
    ['rejects', () => Promise.reject(new DOMException('not allowed', 'SecurityError'))],
    [
      'throws',
      () => {
        throw new DOMException('not allowed', 'SecurityError')
      },
    ],
  ])(
    '%s at every call / typed errors with a code; nothing is unhandled, the page stays usable',
    async (_, fail) => {
      const clock = virtualClock()
      const heard = await unhandled(async () => {
        const storage = new Proxy({} as SessionStorage, {
          get: (_target, key) =>
            key === 'kind' ? 'broken' : key === 'close' ? () => Promise.resolve() : fail,
        })
        const engine = createEngine({ storage, clock })
        const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
        const error = await failure(engine.open(workflow, { id: 'cart' }))
        expect(error).toMatchObject({ code: 'STORAGE' })
        expect((error as Error).message).toContain('not allowed')
        for (const call of [
          () => engine.list(),
          () => engine.export('cart'),
          () => engine.delete('cart'),
          () => engine.clear(),
        ])
          expect(((await failure(call())) as { code?: string }).code).toBe('STORAGE')
        const session = engine.session(workflow, { id: 'cart' })
        session.state.set('typed', 1)
        expect(session.state.get('typed')).toBe(1)
        await clock.advance(60_000)
        await engine.close()
      })
      expect(heard).toEqual([])
    },
  )
})
