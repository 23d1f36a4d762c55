import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  jsonSerializer,
  structuredCloneSerializer,
  type Serializer,
  type Status,
} from '../../src/index'

const Go = defineEvent('go')
const Done = defineEvent('done')
const base = {
  name: 'flow',
  start: Go,
  stop: Done,
  state: z.object({ card: z.string().optional() }),
} as const

describe('lists', () => {
  it('list() / the status is one that a session has', () => {
    const { list } = createEngine()
    expectTypeOf<Awaited<ReturnType<typeof list>>[number]['status']>().toEqualTypeOf<Status>()
    void (() => list({ status: 'waiting' }))
    // @ts-expect-error no such status
    void (() => list({ status: 'wating' }))
  })
})

describe("a workflow's options for stored sessions", () => {
  it('migrations by version, from an unchecked state', () => {
    defineWorkflow({
      ...base,
      version: 3,
      migrations: {
        2: (state) => {
          expectTypeOf(state).toBeAny()
          return { card: 'x' }
        },
        3: async () => ({ card: 'y' }),
      },
    })
    // @ts-expect-error a migration is a function
    defineWorkflow({ ...base, version: 2, migrations: { 2: { card: 'x' } } })
    // @ts-expect-error and stands under a version
    defineWorkflow({ ...base, version: 2, migrations: { two: () => ({}) } })
  })

  it('renamedSteps from name to name', () => {
    defineWorkflow({ ...base, version: 1, renamedSteps: { old: 'now' } })
    // @ts-expect-error a name is a text
    defineWorkflow({ ...base, version: 1, renamedSteps: { old: 1 } })
  })

  it('private paths', () => {
    defineWorkflow({ ...base, version: 1, private: ['card'] })
    const state = z.object({
      login: z.object({ password: z.string().default('') }).optional(),
      cards: z.array(z.object({ number: z.string().optional() })).default([]),
    })
    defineWorkflow({ ...base, version: 1, state, private: ['login.password', 'cards.0.number', 'login'] })
    defineWorkflow({ name: 'untyped', version: 1, start: Go, stop: Done, private: ['any', 'any.thing'] })
    // @ts-expect-error no such path
    defineWorkflow({ ...base, version: 1, state, private: ['login', 'card'] })
    // @ts-expect-error a list
    defineWorkflow({ ...base, version: 1, private: 'card' })
  })
})

describe('options for storing a session', () => {
  it('a serializer for an engine or a session, expireAfter in milliseconds', () => {
    const workflow = defineWorkflow({ ...base, version: 1 })
    const engine = createEngine({ serializer: structuredCloneSerializer })
    void engine.open(workflow, { serializer: jsonSerializer, expireAfter: 86_400_000 })
    // @ts-expect-error a number
    void engine.open(workflow, { expireAfter: '1 day' })
    // @ts-expect-error a serializer reads what it writes
    void engine.open(workflow, { serializer: { serialize: (value: unknown) => value } })
  })

  it('a serializer may be async, and may check', () => {
    const own: Serializer = {
      serialize: async (value) => JSON.stringify(value),
      deserialize: async (stored) => JSON.parse(String(stored)) as unknown,
      check(value, path) {
        expectTypeOf(value).toBeUnknown()
        expectTypeOf(path).toBeString()
      },
    }
    createEngine({ serializer: own })
  })
})
