import { describe, expect, test } from 'vitest'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  type LoadError,
  type SessionStorage,
  type StorageError,
} from '../../src/index'
import { virtualClock } from '../../src/testing'
import { asking, Done, failure, flow, gate, Go, Question, thrown, unhandled } from '../support/flows'

let charges: string[] = []
const charging = defineWorkflow({ ...flow }).step(
  'charge',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    await ctx.once('charge', (key) => charges.push(key))
    return Done((await ctx.ask(Question(1))).data)
  },
)

/** A storage whose reads wait for a door, over one that may hold a session. */
async function behind(full: boolean) {
  charges = []
  const clock = virtualClock()
  const inner = memoryStorage()
  if (full) {
    const engine = createEngine({ storage: inner, clock })
    const session = await engine.open(asking)
    session.state.set('name', 'stored')
    session.state.set('count', 10)
    await engine.close()
  }
  const door = gate()
  const writes: string[] = []
  const storage: SessionStorage = {
    ...inner,
    read: (id) => door.promise.then(() => inner.read(id)),
    append: (...call) => (writes.push('append'), inner.append(...call)),
    compact: (...call) => (writes.push('compact'), inner.compact(...call)),
  }
  const errors: unknown[] = []
  const engine = createEngine({ storage, clock, onError: (error) => errors.push(error) })
  return { clock, inner, door, writes, errors, engine }
}

/** A session as a version of the workflow stores it that is not out yet. */
const newer = {
  head: {
    ...{ id: 'flow', workflow: 'flow', version: 9, format: 1, epoch: 1, seq: 1, snapshot: 0 },
    ...{ status: 'idle', savedAt: 0, size: 1 },
  },
  batches: [],
}

describe('the first read hangs', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ['it is answered', async () => undefined, 'saved'],
    ['what is stored turns out to be of a newer version', async () => newer, 'outdated'],
  ])('then %s / whoever watches is told, and no timer is left', async (_, answer, status) => {
    const [clock, door] = [virtualClock(), gate()]
    const storage = { ...memoryStorage(), read: async () => door.promise.then(answer) }
    const opened = createEngine({ storage: storage as SessionStorage, clock, onError: () => {} }).open(asking)
    await clock.advance(4000)
    const session = await opened
    let shown = ''
    session.subscribe(() => (shown = session.persistence.status))
    door.open()
    await clock.advance(1000)
    expect([shown, clock.pending]).toEqual([status, 0])
  })

  test('open() resolves after 4 s; state, run and reply work in memory; flush() says why it cannot save', async () => {
    const { clock, engine, writes, errors } = await behind(true)
    const opened = engine.open(asking)
    await clock.advance(4000)
    const session = await opened
    expect(session.status).toBe('idle')
    expect(session.persistence).toMatchObject({ status: 'degraded', error: { code: 'TIMEOUT' } })
    expect(errors).toHaveLength(1)
    const result = session.run()
    await clock.advance(0)
    session.state.set('typed', 1)
    void session.asks[0]?.reply('yes')
    expect(await result).toBe('yes')
    expect(session.state.get('typed')).toBe(1)
    expect(await failure(session.flush())).toMatchObject({ code: 'TIMEOUT' })
    expect(writes).toEqual([])
  })

  test.each(['read', 'claim'] as const)(
    'for ever, as its first %s is lost / it is tried again, and what is stored is shown with what was typed on top',
    async (lost) => {
      const { clock, inner } = await behind(true)
      const newer = defineWorkflow({ ...flow, version: 2, migrations: { 2: (state) => state } }).step(
        'end',
        { on: Go, emits: [Done] },
        () => Done(1),
      )
      let calls = 0
      const call = inner[lost] as (...args: unknown[]) => Promise<never>
      const storage: SessionStorage = {
        ...inner,
        [lost]: (...args: unknown[]) => (++calls === 1 ? new Promise(() => {}) : call(...args)),
      }
      const opened = createEngine({ storage, clock, onError: () => {} }).open(newer)
      await clock.advance(4000)
      const session = await opened
      expect(session.persistence.status).toBe('degraded')
      session.state.set('typed', 1)
      await clock.advance(31_000)
      expect(session.persistence.status).toBe('saved')
      expect(session.state.get()).toEqual({ name: 'stored', count: 10, typed: 1 })
    },
  )

  test('for longer than until the next look, as every read / one is waited for, and what is stored is shown', async () => {
    const { clock, inner } = await behind(true)
    const slowly = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 40_000))
    const storage = { ...inner, read: (id: string) => slowly().then(() => inner.read(id)) }
    const opened = createEngine({ storage, clock, onError: () => {} }).open(asking)
    await clock.advance(4000)
    const session = await opened
    session.state.set('typed', 1)
    await clock.advance(120_000)
    expect(session.persistence.status).toBe('saved')
    expect(session.state.get()).toEqual({ name: 'stored', count: 10, typed: 1 })
  })

  test('and nothing was stored / what happened in memory becomes the session, and is saved', async () => {
    const { clock, engine, inner, door } = await behind(false)
    const opened = engine.open(charging)
    await clock.advance(4000)
    const session = await opened
    session.state.set('typed', 1)
    void session.run()
    await clock.advance(0)
    door.open()
    await clock.advance(1000)
    expect(session.persistence.status).toBe('saved')
    const again = await createEngine({ storage: inner, clock }).open(charging)
    expect(again.state.get('typed')).toBe(1)
    expect(again.asks).toHaveLength(1)
    await clock.advance(0)
    expect(charges).toHaveLength(1)
  })

  test('a function or an edit applied in memory / is applied again to what is read', async () => {
    const { clock, engine, door } = await behind(true)
    const session = engine.session(asking)
    session.state.set('count', (it) => Number(it ?? 0) + 1)
    await clock.advance(4000)
    session.state.set('count', (it) => Number(it ?? 0) + 1)
    session.state.edit((draft) => {
      draft['count'] = Number(draft['count']) * 2
    })
    session.state.batch(() => {
      session.state.set('count', (it) => Number(it) + 1)
      session.state.set('count', (it) => Number(it) + 1)
    })
    expect(session.state.get('count')).toBe(6)
    door.open()
    await clock.advance(1000)
    expect(session.state.get()).toEqual({ name: 'stored', count: 26 })
    expect(session.persistence.status).toBe('saved')
  })

  test('a run that only asks / begins again on what is read, and its promise resolves', async () => {
    const { clock, engine, door } = await behind(true)
    const session = engine.session(asking)
    await clock.advance(4000)
    const result = session.run()
    await clock.advance(0)
    expect(session.asks).toHaveLength(1)
    door.open()
    await clock.advance(1000)
    expect(session.state.get('name')).toBe('stored')
    expect(session.asks).toHaveLength(1)
    void session.asks[0]?.reply('late')
    expect(await result).toBe('late')
    await clock.advance(1000)
    expect(session.persistence.status).toBe('saved')
  })

  test('a run that only asks, where one that asks is stored / the stored one goes on, and is not begun anew', async () => {
    const { clock, inner, door, engine } = await behind(false)
    const before = createEngine({ storage: inner, clock })
    const stored = await before.open(asking)
    stored.run().catch(() => {})
    await clock.advance(0)
    const [ask] = stored.asks
    await before.close()
    const opened = engine.open(asking)
    await clock.advance(4000)
    const session = await opened
    const result = session.run()
    await clock.advance(0)
    expect(session.asks[0]?.id).not.toBe(ask?.id)
    door.open()
    await clock.advance(0)
    expect(session.asks.map((it) => it.id)).toEqual([ask?.id])
    expect(session.history().filter((it) => it.type === 'started')).toHaveLength(1)
    await session.reply(ask?.id ?? '', 'yes')
    expect(await result).toBe('yes')
  })

  test('a run that has begun an effect / goes on in memory; what is stored stays, and this is reported', async () => {
    const { clock, engine, inner, door, errors, writes } = await behind(true)
    const session = engine.session(charging)
    await clock.advance(4000)
    const result = session.run()
    await clock.advance(0)
    door.open()
    await clock.advance(60_000)
    expect(charges).toHaveLength(1)
    expect(session.persistence).toMatchObject({ status: 'degraded', error: { code: 'STORAGE' } })
    expect(errors).toHaveLength(2)
    void session.asks[0]?.reply('paid')
    expect(await result).toBe('paid')
    expect(writes).toEqual([])
    expect((await createEngine({ storage: inner, clock }).open(asking)).state.get('name')).toBe('stored')
  })

  test('and then fails / tried again, and read when storage is back', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const first = await createEngine({ storage: inner, clock }).open(asking)
    first.state.set('name', 'stored')
    await clock.advance(1000)
    const door = gate()
    let broken = true
    const storage: SessionStorage = {
      ...inner,
      read: (id) => (broken ? door.promise.then(() => Promise.reject(new Error('lost'))) : inner.read(id)),
    }
    const session = createEngine({ storage, clock }).session(asking)
    await clock.advance(5000)
    door.open()
    await clock.advance(31_000)
    expect(session.persistence.status).toBe('degraded')
    broken = false
    await clock.advance(31_000)
    expect(session.persistence.status).toBe('saved')
    expect(session.state.get('name')).toBe('stored')
  })

  test("and then gives another workflow's session / goes on in memory, nothing is written, and the error says so", async () => {
    const { clock, engine, door, writes, errors } = await behind(true)
    const other = defineWorkflow({ ...flow, name: 'other' }).step('go', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const session = engine.session(other, { id: 'flow' })
    await clock.advance(4000)
    session.state.set('typed', 1)
    door.open()
    await clock.advance(60_000)
    expect(session.persistence).toMatchObject({ status: 'error', error: { code: 'WRONG_WORKFLOW' } })
    expect(session.state.get('typed')).toBe(1)
    expect(errors.at(-1)).toMatchObject({ code: 'WRONG_WORKFLOW' })
    expect(writes).toEqual([])
  })

  test('and then gives an unusable session, and hangs again on retry() / goes on in memory as it was', async () => {
    const { clock, inner } = await behind(true)
    let door = gate()
    const storage: SessionStorage = { ...inner, read: (id) => door.promise.then(() => inner.read(id)) }
    const other = defineWorkflow({ ...flow, name: 'other' }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(1))).data),
    )
    const session = createEngine({ storage, clock, onError: () => {} }).session(other, { id: 'flow' })
    await clock.advance(4000)
    const result = session.run()
    await clock.advance(0)
    session.state.set('typed', 1)
    door.open()
    await clock.advance(0)
    const error = session.persistence.error as LoadError
    expect(error.code).toBe('WRONG_WORKFLOW')
    door = gate()
    const again = error.retry()
    await clock.advance(4000)
    await again
    expect(session.asks).toHaveLength(1)
    await session.asks[0]?.reply('yes')
    expect([await result, session.state.get('typed')]).toEqual(['yes', 1])
  })

  test('and then gives an unusable session, which is reset() / what happened in memory is the session from then on, with the effect that has begun, and is saved', async () => {
    const { clock, door, engine } = await behind(true)
    const other = defineWorkflow({ ...flow, name: 'other' }).step(
      'charge',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.once('charge', (key) => charges.push(key))
        return Done((await ctx.ask(Question(1))).data)
      },
    )
    const session = engine.session(other, { id: 'flow' })
    await clock.advance(4000)
    const result = session.run()
    session.state.set('typed', 1)
    await clock.advance(0)
    door.open()
    await clock.advance(0)
    await (session.persistence.error as LoadError).reset()
    await clock.advance(1000)
    expect([session.persistence.status, session.state.get()]).toEqual(['saved', { typed: 1 }])
    await session.asks[0]?.reply('paid')
    expect([await result, charges.length]).toEqual(['paid', 1])
  })

  test('and the session is closed before anything is shown / it stays closed', async () => {
    const { clock, engine, door, writes } = await behind(true)
    const session = engine.session(asking)
    await clock.advance(1000)
    await session.close()
    await clock.advance(4000)
    expect([thrown(() => session.state.set('typed', 1)), await failure(session.run())]).toMatchObject([
      { code: 'SESSION_CLOSED' },
      { code: 'SESSION_CLOSED' },
    ])
    door.open()
    await clock.advance(60_000)
    expect([writes, clock.pending]).toEqual([[], 0])
  })

  test('and the session is closed with nothing in it / close() resolves', async () => {
    const { clock, engine } = await behind(true)
    const session = engine.session(asking)
    await clock.advance(4000)
    expect(session.persistence.status).toBe('degraded')
    await session.close()
  })

  test('and nothing was stored or done / nothing is stored', async () => {
    const { clock, engine, inner, door, writes } = await behind(false)
    const session = engine.session(asking)
    await clock.advance(4000)
    door.open()
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
    await session.close()
    expect([writes, await inner.read('flow')]).toEqual([[], undefined])
  })

  test.each([true, false])(
    'and the session is closed meanwhile (awaited: %j) / nothing is written, no timer is left; close() rejects, as flush() does',
    async (awaited) => {
      const { clock, engine, door, writes } = await behind(true)
      const heard = await unhandled(async () => {
        const session = engine.session(asking)
        await clock.advance(4000)
        session.state.set('typed', 1)
        const closed = session.close()
        if (awaited) expect(await failure(closed)).toMatchObject({ code: 'TIMEOUT', scope: 'storage' })
        door.open()
        await clock.advance(60_000)
      })
      expect(heard).toEqual([])
      expect(writes).toEqual([])
      expect(clock.pending).toBe(0)
    },
  )
})

describe('an edit begun before the session is read', () => {
  test('and ended after that / runs again on what was read', async () => {
    const { clock, engine, door } = await behind(true)
    const session = engine.session(asking)
    const wait = gate()
    const edited = session.state.edit(async (draft) => {
      const before = Number(draft['count'] ?? 0)
      await wait.promise
      draft['count'] = before + 1
    })
    door.open()
    await clock.advance(10)
    wait.open()
    await edited
    expect(session.state.get()).toEqual({ name: 'stored', count: 11 })
  })
})

describe('a storage that cannot be read', () => {
  test('the error has retry() and reset(); until then nothing is written; simultaneous calls share one', async () => {
    const { clock, inner } = await behind(true)
    let broken = true
    let reads = 0
    const calls: string[] = []
    const storage: SessionStorage = {
      ...inner,
      read: (id) => (reads++, broken ? Promise.reject(new Error('no')) : inner.read(id)),
      claim: (...call) => (calls.push('claim'), inner.claim(...call)),
    }
    const session = createEngine({ storage, clock }).session(asking)
    const error: StorageError = await failure(session.ready)
    expect(await failure(error.retry?.() ?? Promise.resolve())).toMatchObject({ code: 'STORAGE' })
    expect(session.status).toBe('error')
    broken = false
    reads = 0
    await Promise.all([error.retry?.(), error.retry?.(), error.retry?.()])
    expect(reads).toBe(1)
    expect(calls).toEqual(['claim'])
    expect(session.state.get('name')).toBe('stored')
    await error.retry?.()
    await error.reset?.()
    expect(session.state.get('name')).toBe('stored')
    expect(reads).toBe(1)
  })

  test.each([
    ['no object', 'text'],
    ['an empty object', {}],
    ['no list of batches', { head: {}, batches: 7 }],
    ['null heads', { head: null, batches: [] }],
  ])('its read answers with %s / UNREADABLE_RECORD', async (_, answer) => {
    const clock = virtualClock()
    const storage = { ...memoryStorage(), read: () => Promise.resolve(answer as never) }
    expect(await failure(createEngine({ storage, clock }).open(asking))).toMatchObject({
      code: 'UNREADABLE_RECORD',
    })
  })

  test.each([[undefined], [{}], [{ epoch: undefined, seq: 0 }], [{ epoch: NaN, seq: 0 }], [7]])(
    'its claim answers with %j / an error with a code, no endless loop',
    async (answer) => {
      const storage = { ...memoryStorage(), claim: () => Promise.resolve(answer as never) }
      expect(await failure(createEngine({ storage, clock: virtualClock() }).open(asking))).toMatchObject({
        code: 'STORAGE',
      })
    },
  )
})
