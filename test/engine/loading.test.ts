import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineWorkflow, memoryStorage, type SessionStorage } from '../../src/index'
import { virtualClock } from '../../src/testing'
import {
  Done,
  failure,
  flow,
  gate,
  Go,
  profile,
  Question,
  thrown,
  unhandled,
  type Gate,
} from '../support/flows'

const State = z.object({
  name: z.string().default(''),
  list: z.array(z.number()).default([]),
  form: z.record(z.string(), z.unknown()).default({}),
})
const asking = defineWorkflow({ ...flow, state: State }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => Done((await ctx.ask(Question(1))).data),
)

/** A storage whose reads wait for the gate, and that tells which calls it got. */
function slow(inner: SessionStorage, doors: { read?: Gate<void>; claim?: Gate<void> } = {}) {
  const calls: string[] = []
  const storage: SessionStorage = {
    ...inner,
    async read(id) {
      calls.push('read')
      await doors.read?.promise
      return inner.read(id)
    },
    async claim(...args) {
      calls.push('claim')
      await doors.claim?.promise
      return inner.claim(...args)
    },
    append(...args) {
      calls.push('append')
      return inner.append(...args)
    },
    compact(...args) {
      calls.push('compact')
      return inner.compact(...args)
    },
    quarantine(id) {
      calls.push('quarantine')
      return inner.quarantine(id)
    },
    discard(id) {
      calls.push('discard')
      return inner.discard(id)
    },
  }
  return { storage, calls }
}

/** A storage that holds a session which waits for a person, with a state. */
async function stored() {
  const clock = virtualClock()
  const inner = memoryStorage()
  const engine = createEngine({ storage: inner, clock })
  const session = await engine.open(asking)
  session.state.set('name', 'stored')
  session.state.set('list', [1])
  session.state.set('form', { a: 1, b: { c: 2 } })
  session.run().catch(() => {})
  await clock.advance(1000)
  await engine.close()
  return { clock, inner }
}

describe('writes while the session is loading', () => {
  test('show at once, and go on top of what is read; the rest is as stored', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const { storage } = slow(inner, { read })
    const session = createEngine({ storage, clock }).session(asking)
    session.state.set('name', 'typed')
    session.state.append('list', 2)
    session.state.set('form.b.d', 3)
    expect(session.status).toBe('loading')
    expect(session.state.get()).toEqual({ name: 'typed', list: [2], form: { b: { d: 3 } } })
    read.open()
    await session.ready
    expect(session.state.get()).toEqual({ name: 'typed', list: [1, 2], form: { a: 1, b: { c: 2, d: 3 } } })
    expect(session.status).toBe('waiting')
  })

  test('of every kind / are repeated on what is read, in order', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    session.state.set('list', [7, 8, 9])
    session.state.delete('list.1' as never)
    session.state.edit((draft) => {
      draft.list.push(10)
      draft.form['edited'] = true
    })
    session.state.batch(() => {
      session.state.set('name', 'batched')
      session.state.set('name', (name) => `${name} twice`)
    })
    read.open()
    await session.ready
    expect(session.state.get('list')).toEqual([7, 9, 10])
    expect(session.state.get('name')).toBe('batched twice')
    expect(session.state.get('form')).toEqual({ a: 1, b: { c: 2 }, edited: true })
  })

  test('of objects that their caller changes before the read / are what was written', async () => {
    const page = profile()
    const first = await page.open(asking)
    first.state.set('list', [1])
    await page.reload()

    const session = page.engine.session(asking)
    const form = { street: { lines: ['Damrak 1'] } }
    const list = [1, 2]
    session.state.set('form', form)
    session.state.batch(() => {
      session.state.set('form.copy', form)
      session.state.set('list', list)
    })
    form.street.lines.push('half typed')
    list.push(3)
    await session.ready
    expect(session.state.get()).toEqual({
      name: '',
      list: [1, 2],
      form: { street: { lines: ['Damrak 1'] }, copy: { street: { lines: ['Damrak 1'] } } },
    })
  })

  test('by replace() / replace what was stored', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    session.state.replace({ name: 'all new', list: [], form: {} })
    read.open()
    await session.ready
    expect(session.state.get()).toEqual({ name: 'all new', list: [], form: {} })
  })

  test('are stored once, after the read and the claim, never before', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const { storage, calls } = slow(inner, { read })
    const session = createEngine({ storage, clock }).session(asking)
    session.state.set('name', 'typed')
    await clock.advance(3000)
    expect(calls).toEqual(['read'])
    read.open()
    await session.ready
    await clock.advance(3000)
    expect(calls).toEqual(['read', 'claim', 'append'])
    const again = await createEngine({ storage: inner, clock }).open(asking)
    expect(again.state.get()).toEqual({ name: 'typed', list: [1], form: { a: 1, b: { c: 2 } } })
  })

  test('listeners / are told of the early write and of what is read', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    const seen: unknown[] = []
    session.state.subscribe('name', () => seen.push(session.state.get('name')))
    session.state.subscribe('list', () => seen.push(session.state.get('list')))
    session.state.set('name', 'typed')
    read.open()
    await session.ready
    expect(seen.filter((it) => it === 'typed')).toHaveLength(1)
    expect(seen).toContainEqual([1])
  })

  test('that the schema refuses / throw at once, and are not repeated', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    expect(() => session.state.set('name', 5 as never)).toThrow(
      expect.objectContaining({ code: 'STATE_VALIDATION' }),
    )
    read.open()
    await session.ready
    expect(session.state.get('name')).toBe('stored')
  })

  test('in a batch that throws / are not repeated, nested or not', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const { state, ready } = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    const throwing = (): void =>
      state.batch(() => {
        state.append('list', 2)
        throw new Error('no')
      })
    expect(throwing).toThrow('no')
    state.batch(() => {
      state.append('list', 3)
      expect(throwing).toThrow('no')
      state.append('list', 4)
    })
    read.open()
    await ready
    expect(state.get('list')).toEqual([1, 3, 4])
  })

  test('that do not fit what was stored / leave a state that passes its schema', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    // Item 0 of the empty list: stored there is one already.
    session.state.set('list.0' as never, 5 as never)
    session.state.delete('list.0' as never)
    read.open()
    await session.ready
    expect(State.safeParse(session.state.get()).success).toBe(true)
    await clock.advance(3000)
    const again = await createEngine({ storage: inner, clock }).open(asking)
    expect(again.state.get()).toEqual(session.state.get())
  })

  test('run, reply and flush / wait for the load, in order', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const id = (await createEngine({ storage: inner, clock }).open(asking)).asks[0]?.id ?? ''
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    const result = session.run()
    const replied = session.reply(id, 'early')
    const flushed = session.flush()
    read.open()
    expect(await replied).toBe(true)
    await flushed
    expect(await result).toBe('early')
  })

  test('fork / copies what is read, not an empty session', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    const forked = session.fork(undefined, 'copy')
    const early = session.fork(2, 'early')
    read.open()
    const { status, asks, parent, state } = await forked
    expect({ status, asks: asks.length, parent }).toEqual({
      status: 'waiting',
      asks: 1,
      parent: { id: 'flow', seq: session.history().at(-1)?.seq },
    })
    expect(state.get()).toEqual(session.state.get())
    expect((await early).parent).toEqual({ id: 'flow', seq: 2 })
  })

  test('in an asynchronous edit that ends before the load / go on top of what is read', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    await session.state.edit(async (draft) => {
      await Promise.resolve()
      draft.form['d'] = 3
      draft.name += ' and edited'
      draft.list.push(2)
    })
    expect(session.state.get()).toEqual({ name: ' and edited', list: [2], form: { d: 3 } })
    read.open()
    await session.ready
    await clock.advance(0)
    const form = { a: 1, b: { c: 2 }, d: 3 }
    expect(session.state.get()).toEqual({ name: 'stored and edited', list: [1, 2], form })
  })

  test('to a session that was never stored / are its first records', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    const read = gate()
    const { storage, calls } = slow(inner, { read })
    const session = createEngine({ storage, clock }).session(asking)
    session.state.set('name', 'first')
    read.open()
    await session.ready
    await session.flush()
    expect(calls).toEqual(['read', 'claim', 'append'])
    expect((await createEngine({ storage: inner, clock }).open(asking)).state.get('name')).toBe('first')
  })
})

describe('the page is closed before the load ends', () => {
  test.each(['read', 'claim'] as const)(
    'during %s / storage is untouched, nothing is unhandled',
    async (at) => {
      const { clock, inner } = await stored()
      const before = JSON.stringify(await inner.export('flow'))
      const heard = await unhandled(async () => {
        const door = gate()
        const { storage, calls } = slow(inner, { [at]: door })
        const engine = createEngine({ storage, clock })
        const session = engine.session(asking)
        session.state.set('name', 'typed')
        await clock.advance(0)
        void engine.close()
        await clock.advance(100)
        door.open()
        await clock.advance(5000)
        // A claim would take the session from whoever writes it.
        expect(calls).toEqual(at === 'read' ? ['read'] : ['read', 'claim'])
        expect(await failure(session.ready)).toMatchObject({ code: 'SESSION_CLOSED' })
      })
      expect(heard).toEqual([])
      const stripped = (text: string): string => text.replace(/"epoch":\d+/, '')
      expect(stripped(JSON.stringify(await inner.export('flow')))).toBe(stripped(before))
      const again = await createEngine({ storage: inner, clock }).open(asking)
      expect(again.state.get('name')).toBe('stored')
      expect(again.status).toBe('waiting')
    },
  )
})

describe('a page that is only looked at', () => {
  test('open, read, subscribe, close / nothing is stored', async () => {
    const page = profile()
    const session = await page.open(asking)
    session.state.subscribe('', () => {})
    session.state.get()
    session.toJSON()
    await session.flush()
    await session.close()
    expect(await page.engine.list()).toEqual([])
    expect(await page.storage.read('flow')).toBeUndefined()
  })
})

test('toJSON() while loading / SessionStateError, instead of an empty backup', async () => {
  const { clock, inner } = await stored()
  const session = createEngine({ storage: inner, clock }).session(asking)
  expect(thrown(() => session.toJSON())).toMatchObject({
    code: 'SESSION_STATE',
    message: expect.stringContaining('await its `ready`') as string,
  })
  await session.ready
  expect(session.toJSON()).toMatchObject({ id: 'flow', state: { name: 'stored' } })
})

describe('reading fails', () => {
  const broken = (inner: SessionStorage, how: 'rejects' | 'throws' | 'odd') => {
    const state = { broken: true }
    const { storage, calls } = slow(inner)
    const read: SessionStorage['read'] = (id) => {
      if (!state.broken) return storage.read(id)
      if (how === 'throws') throw new Error('disk on fire')
      // oxlint-disable-next-line prefer-promise-reject-errors -- a storage may reject with whatever it likes
      return Promise.reject(how === 'odd' ? 'disk on fire' : new Error('disk on fire'))
    }
    return { storage: { ...storage, read }, calls, state }
  }

  test.each(['rejects', 'throws', 'odd'] as const)(
    'storage %s / an error with a code, status error, and nothing is written',
    async (how) => {
      const { clock, inner } = await stored()
      const heard = await unhandled(async () => {
        const { storage, calls } = broken(inner, how)
        const engine = createEngine({ storage, clock })
        const session = engine.session(asking)
        session.state.set('name', 'typed')
        const error = await failure(session.ready)
        expect(error).toMatchObject({ code: 'STORAGE' })
        expect((error as Error).message).toContain('disk on fire')
        expect(session.status).toBe('error')
        expect(session.error).toBe(error)
        expect(session.persistence).toMatchObject({ status: 'error', error })
        expect(await failure(session.run())).toBe(error)
        expect(await failure(session.flush())).toBe(error)
        expect(thrown(() => session.toJSON())).toBe(error)
        await clock.advance(60_000)
        expect(calls).toEqual([])
      })
      expect(heard).toEqual([])
      expect((await createEngine({ storage: inner, clock }).open(asking)).state.get('name')).toBe('stored')
    },
  )

  test('opened again when storage is back / reads, with the early writes on top', async () => {
    const { clock, inner } = await stored()
    const { storage, state } = broken(inner, 'rejects')
    const engine = createEngine({ storage, clock })
    expect(await failure(engine.open(asking))).toMatchObject({ code: 'STORAGE' })
    engine.session(asking).state.set('name', 'typed meanwhile')
    await clock.advance(10)
    state.broken = false
    const session = await engine.open(asking)
    expect(session.status).toBe('waiting')
    expect(session.state.get()).toEqual({ name: 'typed meanwhile', list: [1], form: { a: 1, b: { c: 2 } } })
    await session.flush()
    expect((await createEngine({ storage: inner, clock }).open(asking)).state.get('name')).toBe(
      'typed meanwhile',
    )
  })

  test('the claim fails / shown and usable in memory, `unsaved` at once, and nothing is written', async () => {
    const { clock, inner } = await stored()
    const { storage, calls } = slow(inner)
    const engine = createEngine({
      storage: { ...storage, claim: () => Promise.reject(new Error('no lock')) },
      clock,
    })
    const session = await engine.open(asking)
    await clock.advance(60_000)
    expect([session.status, session.asks.length, session.persistence.status]).toEqual([
      'waiting',
      1,
      'unsaved',
    ])
    session.state.set('name', 'typed')
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('unsaved')
    expect(await failure(session.flush())).toMatchObject({ code: 'STORAGE' })
    expect(calls).toEqual(['read'])
  })
})

describe('reading hangs', () => {
  test('longer than the time limit / degraded: usable in memory, nothing written, asked again after half a minute and then after twice as long; what is read late is applied', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const { storage, calls } = slow(inner, { read })
    const heard = await unhandled(async () => {
      const session = createEngine({ storage, clock }).session(asking)
      session.ready.catch(() => {})
      session.state.set('name', 'early')
      await clock.advance(4000)
      expect(session.persistence.status).toBe('degraded')
      session.state.set('form.typed', 'while degraded')
      expect(session.state.get('name')).toBe('early')
      await clock.advance(30_000)
      expect(calls).toEqual(['read', 'read'])
      await clock.advance(60_000)
      expect(calls).toEqual(['read', 'read', 'read'])
      read.open()
      await clock.advance(1000)
      expect(session.status).toBe('waiting')
      expect(session.asks).toHaveLength(1)
      expect(session.state.get()).toEqual({
        name: 'early',
        list: [1],
        form: { a: 1, b: { c: 2 }, typed: 'while degraded' },
      })
      await session.flush()
      expect(session.persistence.status).toBe('saved')
    })
    expect(heard).toEqual([])
    const again = await createEngine({ storage: inner, clock }).open(asking)
    expect(again.state.get('name')).toBe('early')
  })

  test('until just before the limit / loaded, and no trouble shown', async () => {
    const { clock, inner } = await stored()
    const read = gate()
    const session = createEngine({ storage: slow(inner, { read }).storage, clock }).session(asking)
    await clock.advance(3999)
    expect(session.status).toBe('loading')
    read.open()
    await session.ready
    expect(session.status).toBe('waiting')
  })

  test('another limit by the `timeout` option', async () => {
    const { clock, inner } = await stored()
    const { storage } = slow(inner, { read: gate() })
    const session = createEngine({ storage, clock, timeout: 50 }).session(asking)
    session.ready.catch(() => {})
    await clock.advance(49)
    expect(session.persistence.status).not.toBe('degraded')
    await clock.advance(1)
    expect(session.persistence.status).toBe('degraded')
  })
})

describe('the time limit holds for every storage call', () => {
  test.each([
    ['list', (engine: ReturnType<typeof createEngine>) => engine.list()],
    ['export', (engine: ReturnType<typeof createEngine>) => engine.export('flow')],
    ['delete', (engine: ReturnType<typeof createEngine>) => engine.delete('flow')],
    ['clear', (engine: ReturnType<typeof createEngine>) => engine.clear()],
  ])('%s hangs / TimeoutError of scope storage after 4 s', async (method, call) => {
    const clock = virtualClock()
    const engine = createEngine({
      storage: { ...memoryStorage(), [method]: () => new Promise(() => {}) },
      clock,
    })
    const outcome = failure(call(engine))
    await clock.advance(4000)
    expect(await Promise.race([outcome, Promise.resolve().then(() => 'still hanging')])).toMatchObject({
      code: 'TIMEOUT',
      scope: 'storage',
    })
  })

  test('append hangs / unsaved after 4 s, tried again; the flow goes on', async () => {
    const clock = virtualClock()
    const inner = memoryStorage()
    let hang = true
    const storage: SessionStorage = {
      ...inner,
      append: (...args) => (hang ? new Promise(() => {}) : inner.append(...args)),
    }
    const errors: unknown[] = []
    const engine = createEngine({ storage, clock, onError: (error) => errors.push(error) })
    const session = await engine.open(asking)
    const result = session.run()
    await clock.advance(4000)
    expect(session.persistence).toMatchObject({
      status: 'unsaved',
      error: { code: 'TIMEOUT', scope: 'storage' },
    })
    expect(errors).toHaveLength(1)
    await session.asks[0]?.reply('yes')
    await clock.advance(0)
    expect(await result).toBe('yes')
    hang = false
    await clock.advance(60_000)
    expect(session.persistence.status).toBe('saved')
    expect((await createEngine({ storage: inner, clock }).open(asking)).result).toBe('yes')
  })

  test('setting a refused session aside hangs / open is refused all the same', async () => {
    const { clock, inner } = await stored()
    const other = defineWorkflow({ ...flow, name: 'other' }).step('work', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const engine = createEngine({ storage: { ...inner, quarantine: () => new Promise(() => {}) }, clock })
    let code: unknown
    engine.open(other, { id: 'flow' }).catch((error: { code: string }) => (code = error.code))
    await clock.advance(10_000)
    expect(code).toBe('WRONG_WORKFLOW')
  })
})
