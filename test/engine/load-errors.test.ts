import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  type AnyWorkflow,
  type LoadError,
  type SessionStorage,
} from '../../src/index'
import { virtualClock } from '../../src/testing'
import { Done, failure, flow, gate, Go, Question, unhandled } from '../support/flows'

type Stored = Awaited<ReturnType<SessionStorage['read']>>

const make = (
  options: {
    name?: string
    version?: number
    state?: z.ZodType
    migrations?: Record<number, (it: object) => object>
  } = {},
) =>
  defineWorkflow({
    ...flow,
    state: z.object({ name: z.string().default(''), age: z.number().default(0) }),
    ...(options as object),
  }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
    Done((await ctx.ask(Question(1))).data),
  )

const current = make({ version: 2 })

/** A storage that holds a session of `current`, and everything that is done to it from now on. */
async function stored(heavy = false) {
  const clock = virtualClock()
  const inner = memoryStorage()
  const engine = createEngine({
    storage: inner,
    clock,
    ...(heavy && {
      serializer: {
        serialize: (value) => ({ text: JSON.stringify(value), size: 400_000 }),
        deserialize: (it) => JSON.parse((it as { text: string }).text) as unknown,
      },
    }),
  })
  const session = await engine.open(current, { id: 'cart' })
  session.state.set('name', 'Ada')
  session.run().catch(() => {})
  await clock.advance(2000)
  session.state.set('age', 30)
  await clock.advance(2000)
  await engine.close()
  const calls: string[] = []
  const tamper: { change?: (stored: NonNullable<Stored>) => Stored } = {}
  const storage: SessionStorage = {
    ...inner,
    async read(id) {
      const found = await inner.read(id)
      return found && tamper.change ? tamper.change(structuredClone(found)) : found
    },
    claim: (...args) => (calls.push('claim'), inner.claim(...args)),
    append: (...args) => (calls.push('append'), inner.append(...args)),
    compact: (...args) => (calls.push('compact'), inner.compact(...args)),
    delete: (id) => (calls.push('delete'), inner.delete(id)),
    discard: (id) => (calls.push('discard'), inner.discard(id)),
    quarantine: (id) => (calls.push('quarantine'), inner.quarantine(id)),
  }
  const errors: unknown[] = []
  const open = (workflow: AnyWorkflow = current) =>
    createEngine({ storage, clock, onError: (error) => errors.push(error) }).session(
      workflow as typeof current,
      {
        id: 'cart',
      },
    )
  return { clock, inner, calls, tamper, open, errors }
}

type Change = (stored: NonNullable<Stored>) => Stored
const head =
  (change: object): Change =>
  (it) => ({ ...it, head: { ...it.head, ...change } })

const cases: [LoadError['code'], string, AnyWorkflow, Change | undefined][] = [
  ['WRONG_WORKFLOW', 'another workflow', make({ name: 'other', version: 2 }), undefined],
  ['NEWER_VERSION', 'an older version of the code', make({ version: 1 }), undefined],
  ['MIGRATION_MISSING', 'a newer version of the code', make({ version: 3 }), undefined],
  [
    'STATE_INVALID',
    'a schema that refuses the state',
    make({ version: 2, state: z.object({ name: z.number().default(0) }) }),
    undefined,
  ],
  [
    'STATE_INVALID',
    'a schema that would take a field away',
    make({ version: 2, state: z.object({ name: z.string().default(''), more: z.number().default(1) }) }),
    undefined,
  ],
  ['NEWER_FORMAT', 'a newer format', current, head({ format: 99 })],
  [
    'UNREADABLE_RECORD',
    'a damaged batch',
    current,
    (it) => ({ ...it, batches: it.batches.map((batch) => ({ ...batch, data: `${String(batch.data)} ` })) }),
  ],
  ['UNREADABLE_RECORD', 'a lost end', current, (it) => ({ ...it, batches: it.batches.slice(0, -1) })],
  ['UNREADABLE_RECORD', 'a hole', current, (it) => ({ ...it, batches: it.batches.slice(1) })],
  ['UNREADABLE_RECORD', 'no head', current, (it) => ({ ...it, head: undefined as never })],
]

describe.each(cases)('%s: %s', (code, _, workflow, change) => {
  const prepared = async () => {
    const all = await stored()
    if (change) all.tamper.change = change
    return all
  }

  test('open and ready reject with a LoadError, the status is error, and nothing stored is changed', async () => {
    const heard = await unhandled(async () => {
      const { clock, inner, calls, open, errors } = await prepared()
      const before = JSON.stringify(await inner.read('cart'))
      const session = open(workflow)
      if (code !== 'STATE_INVALID') session.state.set('name', 'typed')
      const error: LoadError = await failure(session.ready)
      expect(error).toMatchObject({ name: 'LoadError', code, id: 'cart' })
      expect(error.message).toContain('"cart"')
      expect(session.status).toBe('error')
      expect(session.error).toBe(error)
      expect(session.persistence).toMatchObject({
        status: code.startsWith('NEWER') ? 'outdated' : 'error',
        error,
      })
      expect(await failure(session.run())).toBe(error)
      await clock.advance(60_000)
      expect(calls.filter((it) => it !== 'quarantine')).toEqual([])
      expect(JSON.stringify(await inner.read('cart'))).toBe(before)
      expect(errors).toEqual([])
    })
    expect(heard).toEqual([])
  })

  test('the bytes are set aside once, however often it is opened; a newer record stays untouched', async () => {
    const { inner, open } = await prepared()
    for (let time = 0; time < 3; time++) await failure(open(workflow).ready)
    const { quarantine } = (await inner.export('cart')) ?? { quarantine: [] }
    expect(quarantine).toHaveLength(code.startsWith('NEWER') ? 0 : 1)
  })

  test('retry() while the cause is there / rejects with another LoadError, and nothing changes', async () => {
    const { inner, open } = await prepared()
    const before = JSON.stringify(await inner.read('cart'))
    const session = open(workflow)
    const error: LoadError = await failure(session.ready)
    const again: LoadError = await failure(error.retry())
    expect(again).toMatchObject({ name: 'LoadError', code })
    expect(again).not.toBe(error)
    expect(session.status).toBe('error')
    expect(session.error).toBe(again)
    expect(JSON.stringify(await inner.read('cart'))).toBe(before)
  })

  test('export() / gives the stored bytes as they are', async () => {
    const { inner, open } = await prepared()
    const error: LoadError = await failure(open(workflow).ready)
    const exported = (await error.export()) as { session: Stored }
    expect(exported.session).toEqual(await inner.read('cart'))
  })

  test('reset() / starts over; the old bytes stay set aside', async () => {
    const { clock, inner, tamper, open } = await prepared()
    const session = open(workflow)
    const error: LoadError = await failure(session.ready)
    delete tamper.change
    await error.reset()
    expect(session.status).toBe('idle')
    expect(session.error).toBeUndefined()
    const result = session.run()
    await clock.advance(1000)
    await session.asks[0]?.reply('after the reset')
    expect(await result).toBe('after the reset')
    await session.flush()
    expect(session.persistence.status).toBe('saved')
    const exported = await inner.export('cart')
    expect(exported?.session?.head.workflow).toBe(workflow.name)
    expect(exported?.quarantine.length).toBeLessThanOrEqual(1)
    // Given up by hand: also what is newer must have a copy then.
    expect(exported?.quarantine).toHaveLength(1)
  })
})

describe('remedies', () => {
  test('retry() once the cause is gone / the session is there, with what was typed meanwhile', async () => {
    const { clock, tamper, open } = await stored()
    tamper.change = head({ format: 99 })
    const session = open()
    const error: LoadError = await failure(session.ready)
    session.state.set('name', 'typed meanwhile')
    delete tamper.change
    await error.retry()
    expect(session.status).toBe('waiting')
    expect(session.error).toBeUndefined()
    expect(session.state.get()).toEqual({ name: 'typed meanwhile', age: 30 })
    expect(session.asks).toHaveLength(1)
    await session.ready
    await session.asks[0]?.reply('yes')
    await clock.advance(100)
    expect(session.result).toBe('yes')
  })

  test('retry() twice at the same time, and again later / no harm', async () => {
    const { tamper, open } = await stored()
    tamper.change = head({ format: 99 })
    const session = open()
    const error: LoadError = await failure(session.ready)
    delete tamper.change
    await Promise.all([error.retry(), error.retry()])
    expect(session.status).toBe('waiting')
    expect(session.state.get('name')).toBe('Ada')
    session.state.set('name', 'after')
    await error.retry().catch(() => {})
    await session.flush()
    expect(session.state.get('name')).toBe('after')
    expect(session.status).toBe('waiting')
  })

  test.each([
    ['another workflow, then its own', make({ name: 'other', version: 2 }), current],
    ['older code, then newer', make({ version: 1 }), current],
    [
      'a missing migration, then one',
      make({ version: 3 }),
      make({ version: 3, migrations: { 3: (it) => it } }),
    ],
    [
      'a schema that refuses it, then the right one',
      make({ version: 2, state: z.object({ name: z.null() }) }),
      current,
    ],
  ])('opened in one engine with %s / refused, then loaded', async (_, wrong, right) => {
    const { inner } = await stored()
    const engine = createEngine({ storage: inner })
    const refused = engine.session(wrong, { id: 'cart' })
    await failure(refused.ready)
    expect(engine.session(wrong, { id: 'cart' })).toBe(refused)
    await failure(refused.ready)
    const session = await engine.open(right, { id: 'cart' })
    expect([session.status, session.state.get()]).toEqual(['waiting', { name: 'Ada', age: 30 }])
    const result = session.run()
    await session.asks[0]?.reply('yes')
    expect(await result).toBe('yes')
  })

  test('opened in one engine with a definition that has mistakes / the refused session stays', async () => {
    const { inner } = await stored()
    const engine = createEngine({ storage: inner })
    const older = make({ version: 1 })
    const refused = engine.session(older, { id: 'cart' })
    const error: LoadError = await failure(refused.ready)
    const mistaken = defineWorkflow({ ...flow, name: 'cart', version: 2 })
    expect(() => engine.session(mistaken, { id: 'cart' })).toThrow('mistakes')
    expect(await failure(error.retry())).toMatchObject({ code: 'NEWER_VERSION' })
    expect(engine.session(older, { id: 'cart' })).toBe(refused)
    await failure(refused.ready)
  })

  test('opened with its own workflow while a reset of the refused one is on its way / what was loaded is not removed', async () => {
    const { inner } = await stored()
    const [begun, goesOn] = [gate(), gate()]
    let times = 0
    const quarantine = async (id: string): Promise<void> => {
      if (++times === 1) return inner.quarantine(id)
      begun.open()
      await goesOn.promise
    }
    const engine = createEngine({ storage: { ...inner, quarantine } })
    const refused = engine.session(make({ name: 'other' }), { id: 'cart' })
    const error: LoadError = await failure(refused.ready)
    const reset = error.reset()
    await begun.promise
    const session = await engine.open(current, { id: 'cart' })
    goesOn.open()
    await reset
    session.state.set('name', 'after')
    await session.flush()
    expect([session.status, session.persistence.status]).toEqual(['waiting', 'saved'])
  })

  test('a refused session is closed / it still says so, and gives no copy that is empty', async () => {
    const { open } = await stored()
    const session = open(make({ version: 1 }))
    const error: LoadError = await failure(session.ready)
    await session.close()
    expect([session.status, session.error]).toEqual(['error', error])
    expect(() => session.toJSON()).toThrow(error)
  })

  test.each(['closed', 'opened with newer code', 'deleted'])(
    'a refused session was %s since / its retry() and reset() reject and say so, and export() still gives it',
    async (what) => {
      const { inner } = await stored()
      const engine = createEngine({ storage: inner })
      const refused = engine.session(make({ version: 1 }), { id: 'cart' })
      const error: LoadError = await failure(refused.ready)
      const before = (await error.export()) as object
      if (what === 'closed') await refused.close()
      else if (what === 'deleted') await engine.delete('cart')
      else await engine.open(current, { id: 'cart' })
      for (const remedy of [error.retry, error.reset])
        expect(await failure(remedy())).toMatchObject({
          code: 'SESSION_CLOSED',
          id: 'cart',
          message: expect.stringContaining('open it again'),
        })
      if (what === 'closed') expect(await error.export()).toEqual(before)
    },
  )

  test('opened in one engine with the wrong serializer, then with the right one / refused, then loaded', async () => {
    const serializer = {
      serialize: (value: unknown) => ({ text: JSON.stringify(value) }),
      deserialize: (it: unknown) => JSON.parse((it as { text: string }).text) as unknown,
    }
    const storage = memoryStorage()
    const first = createEngine({ storage })
    const made = await first.open(current, { serializer })
    made.state.set('name', 'Ada')
    await first.close()
    const engine = createEngine({ storage })
    expect(await failure(engine.open(current))).toMatchObject({ code: 'UNREADABLE_RECORD' })
    expect((await engine.open(current, { serializer })).state.get('name')).toBe('Ada')
  })

  test('engine.delete() of a refused session / removes it with its quarantine', async () => {
    const { inner, clock } = await stored()
    const engine = createEngine({ storage: inner, clock })
    await failure(engine.open(make({ name: 'other', version: 2 }), { id: 'cart' }))
    await engine.delete('cart')
    expect(await inner.export('cart')).toBeUndefined()
    const session = await engine.open(make({ name: 'other', version: 2 }), { id: 'cart' })
    expect(session.status).toBe('idle')
  })

  test('discard() fails / reset() rejects, and the session stays refused', async () => {
    const { inner, clock } = await stored()
    const engine = createEngine({
      storage: { ...inner, discard: () => Promise.reject(new Error('disk on fire')) },
      clock,
    })
    const session = engine.session(make({ name: 'other', version: 2 }), { id: 'cart' })
    const error: LoadError = await failure(session.ready)
    const refused = await failure(error.reset())
    expect((refused as Error).message).toContain('disk on fire')
    expect((refused as { code?: string }).code).toBe('STORAGE')
    expect(session.status).toBe('error')
    expect((await inner.read('cart'))?.head.seq).toBeGreaterThan(0)
  })
})

describe('what is stored is data', () => {
  /** Rewrites the journal as an attacker would: with a right checksum. */
  const rewritten = async (change: (records: unknown[]) => unknown[]) => {
    const { clock, inner, open, tamper } = await stored()
    void open
    const { createEngine: fresh } = await import('../../src/index')
    const serializer = {
      serialize: (value: unknown): unknown => ({ value: JSON.stringify(value) }),
      deserialize: (it: unknown): unknown => {
        const text = typeof it === 'string' ? it : (it as { value: string }).value
        const value = JSON.parse(text) as unknown
        return Array.isArray(value) ? change(value as unknown[]) : value
      },
    }
    void tamper
    return fresh({ storage: inner, clock, serializer }).session(current, { id: 'cart' })
  }

  test.each(['constructor', 'toString', '__proto__', 'nope'])(
    'a record of an unknown kind "%s" / UNREADABLE_RECORD',
    async (kind) => {
      const session = await rewritten((records) => records.map((it) => ({ ...(it as object), kind })))
      expect(await failure(session.ready)).toMatchObject({ code: 'UNREADABLE_RECORD' })
    },
  )

  test('records that are no objects / UNREADABLE_RECORD', async () => {
    for (const odd of [null, 5, 'x', []]) {
      const session = await rewritten((records) => records.map(() => odd))
      expect(await failure(session.ready)).toMatchObject({ code: 'UNREADABLE_RECORD' })
    }
  })

  test('a write to __proto__ / refused or ignored, and nothing is polluted', async () => {
    const session = await rewritten((records) =>
      records.map((it) =>
        (it as { kind: string }).kind === 'wrote'
          ? {
              ...(it as object),
              ops: [
                ['set', '__proto__.polluted', true],
                ['set', 'constructor.prototype.polluted', true],
              ],
            }
          : it,
      ),
    )
    await session.ready.catch(() => {})
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('a step named like __proto__ / an orphan, no crash', async () => {
    const session = await rewritten((records) =>
      records.map((it) =>
        (it as { kind: string }).kind === 'taken' ? { ...(it as object), step: '__proto__' } : it,
      ),
    )
    await session.ready.catch((error: unknown) => expect(error).toMatchObject({ code: 'UNREADABLE_RECORD' }))
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
