import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  structuredCloneSerializer,
  type LoadError,
  type SessionStorage,
} from '../../src/index'
import { virtualClock } from '../../src/testing'
import {
  Done,
  failure,
  flow,
  Go,
  Item,
  Nudge,
  profile,
  Question,
  thrown,
  Worked,
  type Profile,
} from '../support/flows'

const one = defineWorkflow({ ...flow, state: z.object({ name: z.string().default('') }) }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => Done((await ctx.ask(Question(1))).data),
)

afterEach(() => {
  vi.unstubAllGlobals()
})

type Migrations = NonNullable<Parameters<typeof defineWorkflow>[0]['migrations']>

const V3 = z.object({
  first: z.string(),
  last: z.string(),
  visits: z.number().default(0),
  born: z.date().optional(),
})

const three = (migrations: Migrations, version = 3) =>
  defineWorkflow({ ...flow, version, state: V3, migrations }).step(
    'ask',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => Done((await ctx.ask(Question(1))).data),
  )

const both: Migrations = {
  2: (state: { name: string }) => ({ full: state.name }),
  3: async ({ full }: { full: string }) => {
    const [first = '', last = ''] = full.split(' ')
    return { first, last }
  },
}

async function stored(): Promise<Profile> {
  const page = profile()
  const session = await page.open(one)
  session.state.set('name', 'Ada Lovelace')
  session.run().catch(() => {})
  await page.reload()
  return page
}

const open = { initialState: { first: '', last: '' } }

describe('a session of an older version', () => {
  test('is migrated in order, also asynchronously; the schema completes it; its open ask goes on', async () => {
    const page = await stored()
    const session = await page.open(three(both), open)
    expect(session.state.get()).toEqual({ first: 'Ada', last: 'Lovelace', visits: 0 })
    expect(session.asks).toHaveLength(1)
    const result = session.run()
    await session.asks[0]?.reply('yes')
    expect(await result).toBe('yes')
  })

  test("without structuredClone, as in Jest's jsdom / is migrated", async () => {
    vi.stubGlobal('structuredClone', undefined)
    const session = await (await stored()).open(three(both), open)
    expect(session.state.get()).toEqual({ first: 'Ada', last: 'Lovelace', visits: 0 })
  })

  test('back, rewind and fork to before the migration / refused: the state had another shape; later records are reached', async () => {
    const asking = (version: number, state: z.ZodObject, migrations: Migrations) =>
      defineWorkflow({ ...flow, version, state, migrations }).step(
        'ask',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          for (const page of [1, 2, 3]) await ctx.ask(Question(page))
          return Done(1)
        },
      )
    const page = profile()
    const old = await page.open(asking(1, z.object({ a: z.number() }), {}), { initialState: { a: 1 } })
    old.run().catch(() => {})
    await old.asks[0]?.reply(1)
    await page.reload()
    const session = await page.open(
      asking(2, z.object({ b: z.number() }), { 2: (state: { a: number }) => ({ b: state.a }) }),
    )
    await page.settle()
    const seq = session.history().find((it) => it.type === 'opened')!.seq
    expect(session.back()).toBe(false)
    expect(thrown(() => session.rewind(seq))).toMatchObject({ code: 'HISTORY' })
    expect(await failure(session.fork(seq))).toMatchObject({ code: 'HISTORY' })
    expect([session.asks[0]?.data, session.state.get()]).toEqual([2, { b: 1 }])
    await session.asks[0]?.reply(2)
    await page.settle()
    expect(session.asks[0]?.data).toBe(3)
    expect(session.back()).toBe(true)
    await page.settle()
    expect([session.asks[0]?.data, session.state.get()]).toEqual([2, { b: 1 }])
  })

  test('is stored once, as a snapshot; the next open migrates nothing', async () => {
    const page = await stored()
    const session = await page.open(three(both), open)
    await session.flush()
    const { head, snapshot, batches } = (await page.storage.read('flow'))!
    expect([head.version, snapshot?.version, batches]).toEqual([3, 3, []])
    page.kill()
    const again = await page.open(three({}), open)
    expect(again.state.get('first')).toBe('Ada')
  })

  test('a migration changes what it is given / the next one gets the changed state', async () => {
    const page = await stored()
    const session = await page.open(
      three({
        2(state) {
          state.name += '!'
          return state as unknown
        },
        3: (state) => ({ first: state.name, last: '' }),
      }),
      open,
    )
    expect(session.state.get('first')).toBe('Ada Lovelace!')
  })

  test('the page dies before the result is stored / the old session is there, and is migrated again', async () => {
    const page = await stored()
    page.kill({ crashAt: 1 })
    const session = await page.open(three(both), open)
    session.state.set('visits', 5)
    await page.clock.advance(5000)
    page.kill()
    expect((await page.storage.read('flow'))?.head.version).toBe(1)
    const again = await page.open(three(both), open)
    expect(again.state.get()).toEqual({ first: 'Ada', last: 'Lovelace', visits: 0 })
  })

  test('the page dies inside a migration / nothing was written', async () => {
    const page = await stored()
    const before = JSON.stringify(await page.storage.export('flow'))
    const session = page.engine.session(three({ 2: () => new Promise(() => {}), 3: () => ({}) }), open)
    session.ready.catch(() => {})
    await page.clock.advance(1000)
    page.kill()
    expect(JSON.stringify(await page.storage.export('flow'))).toBe(before)
    expect((await page.open(three(both), open)).state.get('first')).toBe('Ada')
  })

  test('the disk is full / the migrated session works in memory, the old one stays; saved when there is room', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const old = await createEngine({ storage: inner, clock }).open(one)
    old.state.set('name', 'Ada Lovelace')
    await old.close()
    let full = true
    const storage: SessionStorage = {
      ...inner,
      compact: (...call) => (full ? Promise.reject(new Error('full')) : inner.compact(...call)),
    }
    const session = await createEngine({ storage, clock }).open(three(both), open)
    session.state.set('visits', 1)
    await clock.advance(3000)
    expect(session.persistence.status).toBe('unsaved')
    expect((await inner.read('flow'))?.head.version).toBe(1)
    full = false
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
    const again = await createEngine({ storage: inner, clock }).open(three({}), open)
    expect(again.state.get()).toEqual({ first: 'Ada', last: 'Lovelace', visits: 1 })
  })

  test('rewound to between the stop event and the end / completed at the resume', async () => {
    const page = profile()
    const make = (version: number) =>
      defineWorkflow({ ...flow, version, migrations: { 2: (old: unknown) => old } }).step(
        'end',
        { on: Go, emits: [Done] },
        () => Done('there'),
      )
    const first = await page.open(make(1))
    await first.run()
    const { seq = 0 } = first.history().find((it) => it.type === 'ended') ?? {}
    first.rewind(seq)
    await page.reload()
    const second = await page.open(make(2))
    expect(second.status).toBe('paused')
    second.resume()
    await page.settle()
    expect(second).toMatchObject({ status: 'completed', result: 'there' })
  })

  test('typed during a migration / goes on top of its result', async () => {
    const page = await stored()
    const session = page.engine.session(three(both), open)
    session.state.set('visits', 9)
    await session.ready
    expect(session.state.get()).toEqual({ first: 'Ada', last: 'Lovelace', visits: 9 })
  })

  test('cut off at work / its uncommitted writes are undone before the migration, and it runs again', async () => {
    const page = profile()
    const make = (version: number, migrations: Migrations, hang: boolean) =>
      defineWorkflow({ ...flow, version, migrations }).step(
        'work',
        { on: Go, emits: [Done] },
        async (ctx) => {
          await ctx.state.set('half', version)
          if (hang) await new Promise(() => {})
          return Done(ctx.state.get('half'))
        },
      )
    const first = await page.open(make(1, {}, true))
    first.run().catch(() => {})
    await page.clock.advance(2000)
    page.kill()
    let seen: unknown
    const session = await page.open(
      make(2, { 2: (state) => ((seen = structuredClone(state)), { ...state, moved: true }) }, false),
    )
    expect(await session.run()).toBe(2)
    expect(seen).toEqual({})
    expect(session.state.get()).toEqual({ half: 2, moved: true })
  })

  const Card = z.object({ holder: z.string(), note: z.string().default('') }).optional()
  const paying = (version: number, migrate?: (state: { card?: { note: string } }) => unknown) =>
    defineWorkflow({
      ...flow,
      version,
      state: z.object({ card: Card, to: z.string().optional() }),
      ...(migrate && { migrations: { [version]: migrate } }),
    }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.state.set('card', { holder: 'Ada', note: '' })
      await new Promise(() => {})
    })

  /** A page is left in the middle of the step, and somebody has typed into what the step had made. */
  const leftTyped = async (): Promise<Profile> => {
    const page = profile()
    const first = await page.open(paying(1))
    first.run().catch(() => {})
    await page.clock.advance(100)
    first.state.set('card.note', 'typed')
    await page.reload()
    return page
  }

  test('somebody typed into what was cut off / what is left of it and not valid alone goes, and the rest is migrated', async () => {
    const page = await leftTyped()
    const session = await page.open(paying(2, (state) => ({ ...state, to: 'Linz' })))
    expect(session.state.get('to')).toBe('Linz')
  })

  test('the same, and the migration makes what the schema refuses anyway / the session is refused', async () => {
    const page = await leftTyped()
    const refused = page.open(paying(2, (state) => ({ ...state, to: 1 })))
    await expect(refused).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
  })
})

describe('the same version, and a schema with more defaults', () => {
  const rows = (state: z.ZodObject) =>
    defineWorkflow({ ...flow, state }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.append('rows', { name: 'begun' })
        const { data } = await ctx.ask(Question(1))
        return Done([data, ctx.state.get()])
      },
    )
  const before = rows(z.object({ rows: z.array(z.object({ name: z.string() })).default([]) }))
  const after = rows(
    z.object({
      rows: z.array(z.object({ name: z.string(), count: z.number().default(1) })).default([]),
      tags: z.array(z.string()).default(['new']),
    }),
  )

  test('opens completed, and its ask goes on; what is written to the new field survives a reload', async () => {
    const page = profile()
    const first = await page.open(before)
    first.run().catch(() => {})
    await page.clock.advance(500)
    await page.reload()
    let session = await page.open(after)
    await page.clock.advance(10)
    expect(session.state.get()).toEqual({ rows: [{ name: 'begun', count: 1 }], tags: ['new'] })
    session.state.append('tags', 'own')
    await page.clock.advance(500)
    await page.reload()
    session = await page.open(after)
    expect(session.state.get('tags')).toEqual(['new', 'own'])
    await session.asks[0]?.reply('yes')
    await page.clock.advance(10)
    expect([session.status, session.result]).toEqual([
      'completed',
      ['yes', { rows: [{ name: 'begun', count: 1 }], tags: ['new', 'own'] }],
    ])
    expect(page.errors).toEqual([])
  })

  test('is stored once; the next open writes nothing', async () => {
    const page = profile()
    await page.open(before)
    await page.reload()
    const session = await page.open(before)
    session.state.append('rows', { name: 'a' })
    await page.reload()
    await page.open(after)
    await page.reload()
    const { head } = (await page.storage.read('flow')) ?? {}
    await page.open(after)
    await page.clock.advance(5000)
    expect((await page.storage.read('flow'))?.head.seq).toBe(head?.seq)
  })

  test('but without one of the fields / STATE_INVALID, and nothing is lost', async () => {
    const page = profile()
    const session = await page.open(before)
    session.state.append('rows', { name: 'kept' })
    await page.reload()
    const other = rows(z.object({ tags: z.array(z.string()).default([]) }))
    expect(await failure(page.open(other))).toMatchObject({
      code: 'STATE_INVALID',
      message: expect.stringContaining('remove or change "rows"') as string,
    })
    await page.reload()
    expect((await page.open(before)).state.get('rows')).toEqual([{ name: 'kept' }])
  })

  test('that replaces a set which it refuses / STATE_INVALID, and nothing is lost', async () => {
    const page = profile()
    const clone = { serializer: structuredCloneSerializer }
    const colours = (...known: string[]) =>
      rows(z.object({ colours: z.set(z.enum(known)).catch(() => new Set<string>()) }))
    const session = await page.open(colours('red', 'blue'), clone)
    session.state.set('colours', new Set(['red', 'blue']))
    await page.reload()
    expect(await failure(page.open(colours('red'), clone))).toMatchObject({ code: 'STATE_INVALID' })
    await page.reload()
    const again = await page.open(colours('red', 'blue'), clone)
    expect(again.state.get('colours')).toEqual(new Set(['red', 'blue']))
  })
})

describe('a step fails under older code, and newer code tries it again', () => {
  const trying = (version: number, calls: number[], parallel: boolean) => {
    const flaky = async (): Promise<void> => {
      if (calls.push(version) === 1) throw new Error('not yet')
    }
    const flowState = z.object({ count: z.number().default(0) })
    const migrations: Migrations = { 2: (state: object) => state }
    return defineWorkflow({ ...flow, version, flowState, migrations }).step(
      'try',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
      async (ctx) => {
        await ctx.state.append('text', 'begun')
        await ctx.commit()
        if (parallel) await Promise.all([ctx.once('flaky', flaky), ctx.state.append('text', ', tried')])
        else {
          await ctx.state.append('text', ', tried')
          await ctx.flowState.set('count', (it) => it + 1)
          await flaky()
        }
        return Done([ctx.state.get('text'), ctx.flowState.get('count')])
      },
    )
  }

  test.each([
    ['was rolled back, though the write to flow state after it stays / is made again', false, 1],
    ['was kept, because an effect beside it failed / is not made twice', true, 0],
  ])('a write that %s', async (_, parallel, count) => {
    const page = profile()
    const calls: number[] = []
    const session = await page.open(trying(1, calls, parallel))
    session.run().catch(() => {})
    await page.clock.advance(500)
    await page.reload()
    const again = await page.open(trying(2, calls, parallel))
    await page.clock.advance(1000)
    expect([calls, again.result]).toEqual([
      [1, 2],
      ['begun, tried', count],
    ])
  })
})

test.each([['the user has typed'], ['it has written something private']])(
  'a step fails under older code, and keeps a write beside a failed effect; when newer code tries it again %s / the write is not made twice',
  async (how) => {
    const calls: number[] = []
    const trying = (version: number) =>
      defineWorkflow({
        ...flow,
        version,
        migrations: { 2: (state: object) => state },
        private: ['card'],
      }).step('try', { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } }, async (ctx) => {
        const flaky = ctx.once('flaky', () => {
          if (calls.push(version) === 1) throw new Error('not yet')
        })
        if (how.endsWith('private')) void ctx.state.set('card', version)
        await Promise.all([flaky, ctx.state.append('text', 'tried')])
        return Done(ctx.state.get('text'))
      })
    const page = profile()
    const session = await page.open(trying(1))
    session.run().catch(() => {})
    await page.clock.advance(500)
    await page.reload()
    const again = await page.open(trying(2))
    if (how.endsWith('typed')) again.state.set('other', 'typed')
    await page.clock.advance(1000)
    expect([calls, again.result]).toEqual([[1, 2], 'tried'])
  },
)

test('a step is cut off after an effect, and its sleep is over when newer code goes on / the write after the effect is made again', async () => {
  const page = profile()
  const sleeping = (version: number) =>
    defineWorkflow({ ...flow, version, migrations: { 2: (state: object) => state } }).step(
      'sleep',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.append('text', 'begun')
        const effect = ctx.once('effect', () => {}).then(() => ctx.state.append('text', ', done'))
        await Promise.all([effect, ctx.sleep(1000)])
        return Done(ctx.state.get('text'))
      },
    )
  const session = await page.open(sleeping(1))
  session.run().catch(() => {})
  await page.clock.advance(500)
  await page.reload()
  await page.clock.advance(1000)
  const again = await page.open(sleeping(2))
  await page.clock.advance(10)
  expect(again.result).toBe('begun, done')
})

describe('a step that older code has begun, with a write before its ask', () => {
  const items = (version: number, field: string, migrations: Migrations) =>
    defineWorkflow({ ...flow, version, migrations, private: ['card'] })
      .step('note', { on: Nudge }, (ctx, { data }) => ctx.state.append('noted', String(data)))
      .step('ask', { on: Go, asks: [Question], emits: [Done, Nudge] }, async (ctx) => {
        await ctx.state.append(field, 'begun')
        ctx.send(Nudge(`by ${version}`))
        await ctx.state.set('card', '4111')
        await ctx.ask(Question(1))
        await ctx.state.append(field, ', asked')
        const { data } = await ctx.ask(Question(2))
        return Done([data, ctx.state.get(field), ctx.state.get('card'), ctx.state.get('noted')])
      })
  const renamed: Migrations = { 2: ({ items: lines, noted }: Record<string, string>) => ({ lines, noted }) }

  async function begun(answered: boolean): Promise<Profile> {
    const page = profile()
    const session = await page.open(items(1, 'items', {}))
    session.run().catch(() => {})
    await page.clock.advance(10)
    if (answered) await session.asks[0]?.reply('first')
    await page.clock.advance(500)
    await page.reload()
    return page
  }

  test.each([false, true])(
    'newer code writes elsewhere, first ask answered: %s / goes on, nothing is written or sent twice, also after another reload',
    async (answered) => {
      const page = await begun(answered)
      const workflow = items(2, 'lines', renamed)
      let session = await page.open(workflow)
      await page.clock.advance(10)
      expect(session.state.get('lines')).toEqual(answered ? 'begun, asked' : 'begun')
      if (!answered) await session.asks[0]?.reply('first')
      await page.clock.advance(500)
      expect(session.state.get('lines')).toEqual('begun, asked')
      await page.reload()
      session = await page.open(workflow)
      await page.clock.advance(10)
      expect(session.state.get('lines')).toEqual('begun, asked')
      expect(session.asks.map((it) => it.data)).toEqual([2])
      await session.asks[0]?.reply('second')
      await page.clock.advance(10)
      expect([session.status, session.result]).toEqual([
        'completed',
        ['second', 'begun, asked', '4111', 'by 1'],
      ])
    },
  )

  test('newer code does not ask what older code asked / ReplayMismatchError, as without a migration', async () => {
    const page = await begun(false)
    const other = defineWorkflow({ ...flow, version: 2, migrations: renamed }).step(
      'ask',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.append('lines', 'begun')
        return Done(1)
      },
    )
    const session = await page.open(other)
    await page.clock.advance(10)
    expect(session.error).toMatchObject({ cause: { name: 'ReplayMismatchError' } })
    expect(session.state.get('lines')).toEqual('begun')
  })
})

describe('a migration that is missing or fails', () => {
  test.each<[LoadError['code'], string, Migrations]>([
    ['MIGRATION_MISSING', 'none', {}],
    ['MIGRATION_MISSING', 'the last one', { 2: (it) => it as unknown }],
    ['MIGRATION_MISSING', 'the first one', { 3: (it) => it as unknown }],
    [
      'MIGRATION_FAILED',
      'one throws',
      {
        2: () => {
          throw new Error('no such field')
        },
        3: (it) => it as unknown,
      },
    ],
    [
      'MIGRATION_FAILED',
      'one rejects',
      { 2: () => Promise.reject(new Error('no')), 3: (it) => it as unknown },
    ],
    ['MIGRATION_FAILED', 'the result does not pass', { 2: (it) => it as unknown, 3: () => ({ first: 5 }) }],
    ['MIGRATION_FAILED', 'there is no result', { 2: () => undefined, 3: () => undefined }],
    [
      'MIGRATION_FAILED',
      'the result has what the serializer cannot keep',
      { 2: (it) => it as unknown, 3: () => ({ first: '', last: '', born: new Date(0) }) },
    ],
  ])(
    '%s: %s / refused, set aside, nothing overwritten; better code reads it',
    async (code, _, migrations) => {
      const page = await stored()
      const error: LoadError = await failure(page.open(three(migrations), open))
      expect(error.code).toBe(code)
      await page.clock.advance(60_000)
      const kept = await page.storage.export('flow')
      expect(kept?.session?.head.version).toBe(1)
      expect(kept?.quarantine).toHaveLength(1)
      page.kill()
      expect((await page.open(three(both), open)).state.get('last')).toBe('Lovelace')
    },
  )

  test.each([{}, { state: z.object({ name: z.string().default('') }) }])(
    'it changes what it is given and returns nothing / refused, and does not begin anew with the defaults',
    async (schema) => {
      const page = await stored()
      const migrations: Migrations = { 2: (state: { name: string }) => void (state.name += '!') }
      const forgets = defineWorkflow({ ...flow, version: 2, ...schema, migrations }).step(
        'ask',
        { on: Go, emits: [Done] },
        () => Done(1),
      )
      expect(await failure(page.open(forgets))).toMatchObject({
        code: 'MIGRATION_FAILED',
        message: expect.stringContaining('version 2 failed: TypeError: it returned no state') as string,
      })
      page.kill()
      expect((await page.open(one)).state.get('name')).toBe('Ada Lovelace')
    },
  )
})

describe('code of an older version', () => {
  test('opens a newer session / NEWER_VERSION, and not a byte is touched', async () => {
    const page = await stored()
    await (await page.open(three(both), open)).flush()
    page.kill()
    const before = JSON.stringify(await page.storage.export('flow'))
    expect(await failure(page.open(one))).toMatchObject({ code: 'NEWER_VERSION' })
    await page.clock.advance(60_000)
    expect(JSON.stringify(await page.storage.export('flow'))).toBe(before)
  })

  test('is open while a newer page migrates / outdated and read-only, and shows what it had', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const old = await createEngine({ storage, clock }).open(one)
    old.state.set('name', 'Ada Lovelace')
    await old.flush()
    const fresh = await createEngine({ storage, clock }).open(three(both), open)
    await fresh.flush()
    old.state.set('name', 'too late')
    await clock.advance(2000)
    expect(old.persistence.status).toBe('outdated')
    expect(old.state.get('name')).toBe('too late')
    expect(() => old.state.set('name', 'never')).toThrow('written by another tab')
    expect(fresh.state.get('first')).toBe('Ada')
    expect((await storage.read('flow'))?.head.version).toBe(3)
  })
})

describe('renamed steps', () => {
  const steps = (name: string, renamedSteps?: Record<string, string>) =>
    defineWorkflow({ ...flow, ...(renamedSteps && { renamedSteps }) })
      .step(name as 'named', { on: Go, asks: [Question], emits: [Worked] }, async (ctx) => {
        await ctx.ask(Question(1))
        return Worked(1)
      })
      .step('last', { on: Worked, emits: [Done] }, () => Done('done'))

  test('renamedSteps / the open ask goes on under the new name, also when opened again', async () => {
    const page = profile()
    const first = await page.open(steps('ask'))
    first.run().catch(() => {})
    await page.reload()
    const second = await page.open(steps('question', { ask: 'question' }))
    expect(second.orphans).toEqual([])
    expect(second.asks[0]?.step).toBe('question')
    second.state.set('typed', 1)
    await page.reload()
    const third = await page.open(steps('question', { ask: 'question' }))
    const result = third.run()
    await page.clock.advance(0)
    await third.asks[0]?.reply(1)
    expect(await result).toBe('done')
  })

  test('renamedSteps, with queued events in a snapshot / works the same', async () => {
    const page = profile()
    const first = await page.open(steps('ask'))
    first.pause()
    first.run().catch(() => {})
    first.state.set('heavy', 'x'.repeat(300_000))
    await page.clock.advance(5000)
    await page.reload()
    expect((await page.storage.read('flow'))?.snapshot).toBeDefined()
    const second = await page.open(steps('question', { ask: 'question' }))
    expect(second.orphans).toEqual([])
    second.resume()
    await page.clock.advance(0)
    expect(second.asks).toHaveLength(1)
  })

  test.each(['records', 'a snapshot'])(
    'two steps get the same new name, with events in the queues of both in %s / it takes them all, the oldest first',
    async (from) => {
      const seen: unknown[] = []
      const rest = defineWorkflow({ ...flow, events: [Item, Worked] }).step(
        'go',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => Done((await ctx.ask(Question(1))).data),
      )
      const take = (_: unknown, { data }: { readonly data: number }): void => void seen.push(data)
      const apart = rest
        .step('one', { on: Item, workers: 1 }, take)
        .step('two', { on: Worked, workers: 1 }, take)
      const renamedSteps = { one: 'both', two: 'both' }
      const together = defineWorkflow({ ...flow, events: [Item, Worked], renamedSteps })
        .step('go', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
          Done((await ctx.ask(Question(1))).data),
        )
        .step('both', { on: [Item, Worked], workers: 1 }, take)
      const page = profile()
      const session = await page.open(apart)
      session.run().catch(() => {})
      await page.settle()
      session.pause()
      for (const event of [Item(1), Worked(2), Item(3)]) await session.send(event)
      const copy = await page.engine.import(apart, session.toJSON(), { id: 'copy' })
      expect(copy.status).toBe('paused')
      await page.reload()
      const again = await page.open(together, { id: from === 'records' ? 'flow' : 'copy' })
      again.resume()
      await page.settle()
      expect(seen).toEqual([1, 2, 3])
    },
  )

  test("renamedSteps, with collected and queued events and a sub-flow's step of that name / all of it goes on", async () => {
    const child = defineWorkflow({ ...flow, name: 'child' }).step(
      'pair',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question('child'))).data),
    )
    const pairing = (name: string, renamedSteps?: Record<string, string>) =>
      defineWorkflow({ ...flow, events: [Item], ...(renamedSteps && { renamedSteps }) })
        .subflow('sub', { on: Go, workflow: child, emits: [Worked] })
        .step(name as 'named', { on: [Item, Worked], emits: [Done] }, async (ctx, event) => {
          const batch = await ctx.collect(event, [Item, Item, Worked], { buffer: 'a/b' })
          return batch && Done(batch.map((it) => it.data))
        })
    const page = profile()
    const first = await page.open(pairing('pair'))
    first.run().catch(() => {})
    await first.send(Item(1))
    await page.settle()
    first.pause()
    await first.send(Item(2))
    first.rewind(first.history().at(-1)!.seq)
    const copy = await page.engine.import(pairing('pair'), first.toJSON(), { id: 'copy' })
    expect([first.status, copy.status]).toEqual(['paused', 'paused'])
    await page.reload()
    for (const id of ['flow', 'copy']) {
      const again = await page.open(pairing('couple', { pair: 'couple' }), { id })
      again.resume()
      await page.settle()
      expect(again.orphans).toEqual([])
      expect(again.asks.map((it) => it.data)).toEqual(['child'])
      await again.asks[0]?.reply(3)
      await page.settle()
      expect([again.error, again.result]).toEqual([undefined, [1, 2, 3]])
    }
  })

  test('an ask waits while its schema gets a new field / it stays as it was made, and so does what the step was given', async () => {
    const page = profile()
    const asks = (data: object, schema: z.ZodType) => {
      const Ask = defineEvent('ask', schema, { reply: Worked })
      const Begin = defineEvent('begin', schema)
      return defineWorkflow({ ...flow, start: Begin }).step(
        'ask',
        { on: Begin, asks: [Ask], emits: [Done] },
        async (ctx, begin) => Done([begin.data, (await ctx.ask(Ask(data))).data]),
      )
    }
    const given = { country: 'NL' }
    const first = await page.open(asks(given, z.object({ country: z.string() })))
    first.run(given).catch(() => {})
    await page.reload()
    const newer = z.object({ country: z.string(), language: z.string() })
    const second = await page.open(asks({ ...given, language: 'nl' }, newer))
    await page.settle()
    expect(second.asks.map((it) => it.data)).toEqual([given])
    await second.asks[0]?.reply(1)
    await page.settle()
    expect(second.result).toEqual([given, 1])
  })

  test('without renamedSteps / the work is an orphan: reported, not dropped', async () => {
    const page = profile()
    const first = await page.open(steps('ask'))
    first.run().catch(() => {})
    await page.reload()
    const second = await page.open(steps('question'))
    expect(second.orphans).toMatchObject([{ step: 'ask', event: { type: 'go' } }])
    expect(second.status).toBe('waiting')
    await page.reload()
    const third = await page.open(steps('ask'))
    expect(third.asks).toHaveLength(1)
  })

  test.each(['begun', 'queued'])(
    'nothing is left but work for a missing step, %s / waiting for better code, not running for ever',
    async (which) => {
      const page = profile()
      const slow = (name: string) =>
        defineWorkflow(flow).step(name, { on: Go, emits: [Done] }, async (ctx) =>
          Done(await ctx.once('slow', () => new Promise(() => {}))),
        )
      const first = await page.open(slow('old'))
      if (which === 'queued') first.pause()
      first.run().catch(() => {})
      if (which === 'queued') await first.flush()
      expect(first.status).toBe(which === 'queued' ? 'paused' : 'running')
      await page.reload()
      const second = await page.open(slow('other'))
      if (which === 'queued') second.resume()
      await page.settle()
      expect([second.status, second.orphans.map((it) => it.step)]).toEqual(['waiting', ['old']])
      await page.reload()
      const third = await page.open(slow('old'))
      await page.settle()
      expect([third.status, third.orphans]).toEqual(['running', []])
    },
  )

  test('a new name that is no step, an old name that still is / findings of validate()', () => {
    expect(() => steps('ask', { gone: 'nowhere', ask: 'last' }).validate()).toThrow(
      /nowhere[^]*still is a step "ask"/,
    )
  })
})
