import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  memoryStorage,
  type Engine,
  type StateValidationError,
} from '../../src/index'
import { crash, virtualClock, virtualTabs } from '../../src/testing'
import { asking, Done, failure, flow, gate, Go, profile, thrown, unhandled } from '../support/flows'
import { Page } from '../support/page'

const simple = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
const other = defineWorkflow({ ...flow, name: 'other' }).step('work', { on: Go, emits: [Done] }, () =>
  Done(1),
)

describe('open', () => {
  test('the same id / the same session, also while it loads; another id / another session', async () => {
    const page = profile()
    const one = page.engine.session(simple, { id: 'a' })
    const [two, three] = await Promise.all([
      page.engine.open(simple, { id: 'a' }),
      page.engine.open(simple, { id: 'a' }),
    ])
    expect(two).toBe(one)
    expect(three).toBe(one)
    expect(await page.engine.open(simple, { id: 'b' })).not.toBe(one)
    expect((await page.engine.open(simple)).id).toBe('flow')
  })

  test('the same id with another workflow / a typed error naming both; the open session is not disturbed', async () => {
    const page = profile()
    const session = await page.engine.open(simple, { id: 'a' })
    const error = await failure(page.engine.open(other, { id: 'a' }))
    expect(error).toMatchObject({ code: expect.any(String) as string })
    expect((error as Error).message).toContain('"flow"')
    expect((error as Error).message).toContain('"other"')
    expect(await session.run()).toBe(1)
  })

  test('after close() / another session object, with what was stored', async () => {
    const page = profile()
    const one = await page.engine.open(simple)
    await one.run()
    await one.close()
    const two = await page.engine.open(simple)
    expect(two).not.toBe(one)
    expect(two.result).toBe(1)
  })

  test('after a reload and in another tab / list items are frozen in development, as all state', async () => {
    const clock = virtualClock()
    const storage = memoryStorage()
    const browser = { storage, clock, ...virtualTabs() }
    const first = createEngine(browser)
    const session = await first.open(simple)
    const second = await createEngine(browser).open(simple)
    session.state.append('messages', { parts: ['a'] })
    session.state.edit((draft) => {
      draft['rows'] = [{ cells: [1] }]
    })
    session.state.edit((draft) => {
      const rows = draft['rows'] as { cells: number[] }[]
      rows.splice(0, 1, { cells: [2] }, { cells: [3] })
    })
    await session.flush()
    await clock.advance(1000)
    crash(first)
    const reloaded = await createEngine({ storage: storage.restart(), clock }).open(simple)
    for (const { state } of [second, reloaded]) {
      const { messages, rows } = state.get() as {
        messages: { parts: string[] }[]
        rows: { cells: number[] }[]
      }
      expect(() => messages[0]?.parts.push('b')).toThrow(TypeError)
      expect(() => rows[1]?.cells.push(4)).toThrow(TypeError)
      expect([messages, rows]).toEqual([[{ parts: ['a'] }], [{ cells: [2] }, { cells: [3] }]])
    }
  })

  test('while the old one is closing / another session object, which waits for it; nothing is lost', async () => {
    const page = profile()
    const one = await page.engine.open(simple)
    one.state.set('typed', 'last moment')
    const closing = one.close()
    const two = await page.engine.open(simple)
    await closing
    expect(two).not.toBe(one)
    expect(page.engine.session(simple)).toBe(two)
    expect(two.state.get()).toEqual({ typed: 'last moment' })
    two.state.set('typed', 'later')
    await two.flush()
    expect(page.errors).toEqual([])
    await page.reload()
    expect((await page.open(simple)).state.get()).toEqual({ typed: 'later' })
  })

  /** A session that has something unsaved and is being closed, on a storage that appends slowly, and opened again meanwhile. */
  const reopened = async () => {
    const [memory, clock, door] = [memoryStorage(), virtualClock(), gate()]
    const [order, errors]: [string[], unknown[]] = [[], []]
    const engine = createEngine({
      storage: {
        ...memory,
        append: async (...call) => {
          await door.promise
          await memory.append(...call)
          order.push('appended')
        },
        delete: (...call) => (order.push('deleted'), memory.delete(...call)),
        close: async () => void order.push('closed'),
      },
      clock,
      onError: (error) => errors.push(error),
    })
    const one = await engine.open(simple)
    one.state.set('typed', 'last moment')
    void one.close()
    return { engine, two: engine.session(simple), clock, door, order, errors }
  }

  test('twice while the first is closing, the second closed in between / the third reads what the first has stored', async () => {
    const { engine, two, clock, door, errors } = await reopened()
    two.ready.catch(() => {})
    void two.close()
    const three = engine.session(simple)
    await clock.advance(100)
    expect(three.status).toBe('loading')
    door.open()
    await three.ready
    expect(three.state.get()).toEqual({ typed: 'last moment' })
    expect(errors).toEqual([])
  })

  test.each([
    ['close', 'closed', (it: Engine) => it.close()],
    ['delete', 'deleted', (it: Engine) => it.delete('flow')],
  ] as const)(
    'again while it is closing, then %s of the engine / waits for the old one too',
    async (_, last, end) => {
      const { engine, two, clock, door, order, errors } = await reopened()
      two.ready.catch(() => {})
      const ended = end(engine)
      await clock.advance(100)
      expect(order).toEqual([])
      door.open()
      await ended
      expect(order).toEqual(['appended', last])
      expect(errors).toEqual([])
    },
  )

  test('while it is being deleted / a new session, which nobody closes or removes', async () => {
    const page = profile()
    const one = await page.engine.open(simple)
    one.state.set('typed', 'of the old one')
    await one.flush()
    const deleting = page.engine.delete('flow')
    const two = await page.engine.open(simple)
    await deleting
    expect(two.state.get()).toEqual({})
    expect(await two.run()).toBe(1)
    await two.flush()
    expect(await page.engine.list()).toMatchObject([{ id: 'flow', status: 'completed' }])
  })

  test.each<[string, number, (it: Engine) => Promise<unknown>]>([
    ['delete()', 0, (it) => it.delete('flow')],
    ['delete()', 50, (it) => it.delete('flow')],
    ['clear()', 0, (it) => it.clear()],
    ['clear()', 50, (it) => it.clear()],
  ])(
    'while storage takes its time over %s, %s ms after it began / a new session that begins with nothing, and stays',
    async (_, after, end) => {
      const [memory, clock, door] = [memoryStorage(), virtualClock(), gate()]
      const storage = {
        ...memory,
        delete: async (id: string) => door.promise.then(() => memory.delete(id)),
        clear: async (prefix?: string) => door.promise.then(() => memory.clear(prefix)),
      }
      const engine = createEngine({ storage, clock })
      const one = await engine.open(simple)
      one.state.set('typed', 'of the old one')
      await one.flush()
      const ended = end(engine)
      await clock.advance(after)
      const two = engine.session(simple)
      await clock.advance(50)
      door.open()
      await Promise.all([ended, two.ready, clock.advance(50)])
      expect(two.state.get()).toEqual({})
      two.state.set('typed', 'anew')
      await two.flush()
      expect((await createEngine({ storage, clock }).open(simple)).state.get()).toEqual({ typed: 'anew' })
    },
  )

  test('with a value that is no workflow / a typed error, no hang', async () => {
    const page = profile()
    for (const wrong of [undefined, null, {}, 5, { name: 'x', version: 1 }])
      expect(thrown(() => page.engine.session(wrong as never))).toBeInstanceOf(Error)
  })
})

describe('initialState', () => {
  const typed = defineWorkflow({
    ...flow,
    state: z.object({
      name: z.string().default('none'),
      list: z.array(z.number()).default([]),
      age: z.number().optional(),
    }),
  }).step('work', { on: Go, emits: [Done] }, (ctx) => Done(ctx.state.get()))

  test("is completed by the schema's defaults, copied, and restored by reset()", async () => {
    const page = profile()
    const own = { list: [1] }
    const session = await page.open(typed, { initialState: own })
    own.list.push(2)
    expect(session.state.get()).toEqual({ name: 'none', list: [1] })
    session.state.set('name', 'x')
    session.state.reset()
    expect(session.state.get()).toEqual({ name: 'none', list: [1] })
  })

  test('only counts for a new session', async () => {
    const page = profile()
    const session = await page.open(typed, { initialState: { name: 'first' } })
    session.state.set('age', 5)
    await page.reload()
    const again = await page.open(typed, { initialState: { name: 'second' } })
    expect(again.state.get()).toEqual({ name: 'first', list: [], age: 5 })
  })

  test('refused by the schema / StateValidationError with path and issues; nothing is stored, no session is left', async () => {
    const page = profile()
    const error: StateValidationError = await failure(
      page.open(typed, { initialState: { name: 5 as never } }),
    )
    expect(error.code).toBe('STATE_VALIDATION')
    expect(error.message).toContain('name')
    expect(error.issues.length).toBeGreaterThan(0)
    await page.clock.advance(1000)
    expect(await page.engine.list()).toEqual([])
    expect((await page.open(typed)).state.get('name')).toBe('none')
  })

  test('required by the schema / an error where nothing is stored; a stored or imported session needs none', async () => {
    const page = profile()
    const required = defineWorkflow({ ...flow, state: z.object({ name: z.string() }) }).step(
      'only',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    expect(await failure(page.open(required))).toMatchObject({ code: 'STATE_VALIDATION' })
    const named = { initialState: { name: 'Ada' } }
    const session = await page.open(required, named)
    session.state.set('name', 'Grace')
    const copy = await page.engine.import(required, session.toJSON(), { id: 'copy' })
    await page.reload()
    const again = await page.open(required)
    expect([again, copy].map((it) => it.state.get())).toEqual([{ name: 'Grace' }, { name: 'Grace' }])
    expect(thrown(() => again.reset())).toMatchObject({ code: 'STATE_VALIDATION' })
    expect(thrown(() => again.state.reset())).toMatchObject({ code: 'STATE_VALIDATION' })
    expect(again.state.get()).toEqual({ name: 'Grace' })
  })

  test('required by the schema, then opened in the same engine with a schema that has a default / a session', async () => {
    const page = profile()
    const named = (state: z.ZodType<{ name: string }>) =>
      defineWorkflow({ ...flow, state }).step('only', { on: Go, emits: [Done] }, () => Done(1))
    expect(await failure(page.open(named(z.object({ name: z.string() }))))).toMatchObject({
      code: 'STATE_VALIDATION',
    })
    const session = await page.open(named(z.object({ name: z.string().default('none') })))
    expect(session.state.get('name')).toBe('none')
  })

  test('required by the schema, and storage does not answer / without it no session, with it one in memory', async () => {
    const required = defineWorkflow({ ...flow, state: z.object({ name: z.string() }) }).step(
      'only',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    const clock = virtualClock()
    const storage = { ...memoryStorage(), read: () => new Promise<never>(() => {}) }
    const engine = createEngine({ storage, clock, onError: () => {} })
    const refused = failure(engine.open(required, { id: 'a' }))
    const opened = engine.open(required, { id: 'b', initialState: { name: 'Ada' } })
    await clock.advance(5000)
    expect(await refused).toMatchObject({ code: 'TIMEOUT' })
    expect((await opened).persistence.status).toBe('degraded')
  })

  test('with a function, a Map or __proto__ / refused with a code', async () => {
    const page = profile()
    for (const bad of [
      { x: () => 1 },
      { x: new Map() },
      JSON.parse('{"__proto__":{"polluted":1}}') as object,
    ]) {
      const error = await failure(page.open(simple, { initialState: bad }))
      expect((error as { code: string }).code).toMatch(/^(SERIALIZATION|PATH|STATE_VALIDATION)$/)
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('list, export, delete, clear and close', () => {
  const fill = async () => {
    const page = profile()
    for (const [workflow, id] of [
      [simple, 'cart-1'],
      [other, 'cart-2'],
      [simple, 'user-1'],
    ] as const) {
      const session = await page.open(workflow, { id })
      if (id !== 'user-1') await session.run()
      session.state.set('x', 1)
      await session.flush()
      await page.clock.advance(1000)
    }
    return page
  }

  test('list / newest first, filtered by workflow, status and prefix', async () => {
    const page = await fill()
    const ids = async (filter?: object): Promise<string[]> =>
      (await page.engine.list(filter)).map((it) => it.id)
    expect(await ids()).toEqual(['user-1', 'cart-2', 'cart-1'])
    expect(await ids({ workflow: 'flow' })).toEqual(['user-1', 'cart-1'])
    expect(await ids({ workflow: simple })).toEqual(['user-1', 'cart-1'])
    expect(await ids({ status: 'completed' })).toEqual(['cart-2', 'cart-1'])
    expect(await ids({ prefix: 'cart-' })).toEqual(['cart-2', 'cart-1'])
    expect(await ids({ workflow: 'flow', prefix: 'cart-' })).toEqual(['cart-1'])
    const [info] = await page.engine.list({ prefix: 'cart-1' })
    expect(info).toMatchObject({ id: 'cart-1', workflow: 'flow', version: 1, status: 'completed' })
    expect(info?.savedAt).toBeGreaterThan(0)
    expect(info?.size).toBeGreaterThan(0)
  })

  test('a storage that answers without promises / works the same', async () => {
    const storage = memoryStorage()
    const atOnce = {
      ...storage,
      append: (...call: Parameters<typeof storage.append>) => void storage.append(...call),
      list: () => [],
      close: () => {},
    }
    const engine = createEngine({ storage: atOnce as unknown as typeof storage, clock: virtualClock() })
    const session = await engine.open(simple)
    session.state.set('typed', 1)
    await session.flush()
    expect(await engine.list()).toEqual([])
    await engine.close()
    expect((await createEngine({ storage }).open(simple)).state.get()).toEqual({ typed: 1 })
  })

  test('a storage that never lets go / close() rejects within the time limit; its sessions are saved', async () => {
    const storage = memoryStorage()
    const clock = virtualClock()
    const engine = createEngine({
      storage: { ...storage, close: () => new Promise(() => {}) },
      clock,
    })
    const session = await engine.open(simple)
    session.state.set('typed', 1)
    const closing = failure(engine.close())
    await clock.advance(4000)
    expect(await closing).toMatchObject({ code: 'TIMEOUT', scope: 'storage' })
    expect((await createEngine({ storage, clock }).open(simple)).state.get()).toEqual({ typed: 1 })
  })

  test('delete() / closes the open session first and removes it; its run rejects', async () => {
    const page = profile()
    const heard = await unhandled(async () => {
      const session = await page.open(asking)
      const result = failure(session.run())
      await page.settle()
      await page.engine.delete('flow')
      expect(await result).toMatchObject({ code: 'SESSION_CLOSED' })
      await page.clock.advance(60_000)
      expect(await page.engine.list()).toEqual([])
      const again = await page.open(asking)
      expect(again.status).toBe('idle')
      await page.engine.delete('never there')
    })
    expect(heard).toEqual([])
  })

  test('export() / what is stored, as plain JSON; undefined for an unknown id', async () => {
    const page = await fill()
    const exported = await page.engine.export('cart-1')
    expect(JSON.parse(JSON.stringify(exported))).toEqual(exported)
    expect(JSON.stringify(exported)).toContain('cart-1')
    expect(await page.engine.export('nope')).toBeUndefined()
  })

  test('export() of an open session right after typing / has what was typed', async () => {
    const page = profile()
    const session = await page.open(simple, { id: 'typed' })
    session.state.set('note', 'the last word')
    expect(JSON.stringify(await page.engine.export('typed'))).toContain('the last word')
  })

  test('clear() with a prefix / removes those; without / removes all; open sessions are closed first', async () => {
    const page = await fill()
    const open = await page.open(simple, { id: 'cart-1' })
    await page.engine.clear({ prefix: 'cart-' })
    expect((await page.engine.list()).map((it) => it.id)).toEqual(['user-1'])
    expect(await failure(open.run())).toMatchObject({ code: 'SESSION_CLOSED' })
    await page.engine.clear()
    expect(await page.engine.list()).toEqual([])
  })

  test('clear() while flow state is being written, slowly / nothing of it comes back', async () => {
    const [memory, clock, door] = [memoryStorage(), virtualClock(), gate()]
    const writeFlow: typeof memory.writeFlow = async (...call) =>
      door.promise.then(() => memory.writeFlow(...call))
    const engine = createEngine({ storage: { ...memory, writeFlow }, clock })
    const flowState = engine.flow(simple)
    await flowState.ready
    flowState.state.set('opened', 1)
    await clock.advance(1000)
    const cleared = engine.clear()
    await clock.advance(100)
    door.open()
    await Promise.all([cleared, clock.advance(1000)])
    expect([await memory.readFlow('flow'), flowState.state.get()]).toEqual([undefined, {}])
  })

  test('close() / closes all sessions and saves what was typed; twice is fine; open() afterwards is a typed error', async () => {
    const page = profile()
    const a = await page.open(simple, { id: 'a' })
    const b = await page.open(simple, { id: 'b' })
    a.state.set('typed', 1)
    b.state.set('typed', 2)
    await Promise.all([page.engine.close(), page.engine.close()])
    expect((await failure(page.engine.open(simple))) as { code: string }).toMatchObject({
      code: expect.any(String) as string,
    })
    const again = createEngine({ storage: page.storage, clock: page.clock })
    expect((await again.open(simple, { id: 'a' })).state.get('typed')).toBe(1)
    expect((await again.open(simple, { id: 'b' })).state.get('typed')).toBe(2)
  })

  test('close(), after a session was deleted / no channel, listener or timer stays, so that the page can go to the back/forward cache', async () => {
    const [clock, open] = [virtualClock(), new Set<string>()]
    let count = 0
    const opened = (what: string): (() => void) => {
      const name = `${what} ${count++}`
      open.add(name)
      return () => void open.delete(name)
    }
    class Watched extends Page {
      readonly #ends = new Map<unknown, () => void>()
      override addEventListener(...call: Parameters<EventTarget['addEventListener']>): void {
        this.#ends.set(call[1], opened(call[0]))
        super.addEventListener(...call)
      }
      override removeEventListener(...call: Parameters<EventTarget['removeEventListener']>): void {
        this.#ends.get(call[1])?.()
        super.removeEventListener(...call)
      }
    }
    const tabs = virtualTabs()
    const channel: typeof tabs.channel = (name) => {
      const [line, close] = [tabs.channel(name), opened(`channel ${name}`)]
      return Object.assign(line, { close })
    }
    const storage = { ...memoryStorage(), watch: () => opened('storage') }
    const engine = createEngine({ storage, clock, locks: tabs.locks, channel, page: new Watched(new Map()) })
    const [one] = await Promise.all([engine.open(simple), engine.open(simple, { id: 'other' })])
    one.state.set('typed', 1)
    engine.flow(simple).state.set('opened', 1)
    await clock.advance(1000)
    expect(open.size).toBeGreaterThan(0)
    await engine.delete('flow')
    await engine.close()
    await clock.advance(1000)
    expect([[...open], clock.pending]).toEqual([[], 0])
  })

  test('an engine / is frozen, and its methods work when destructured', async () => {
    const engine = createEngine({ storage: memoryStorage(), clock: virtualClock() })
    expect(Object.isFrozen(engine)).toBe(true)
    const { open, list, close } = engine
    const session = await open(simple)
    await session.run()
    await session.flush()
    expect(await list()).toHaveLength(1)
    await close()
  })
})

describe('without options', () => {
  test('createEngine() in Node / memory, the system clock, random ids', async () => {
    const one = await createEngine().open(simple)
    const two = await createEngine().open(simple)
    expect(await one.run()).toBe(1)
    expect(two.status).toBe('idle')
  })
})

test("toMatchObject() with another session in a user's test / says what differs, and nothing inside throws", async () => {
  const session = await createEngine({ storage: memoryStorage() }).open(asking)
  for (const expected of [{ status: 'completed' }, { persistence: { status: 'unsaved' } }])
    expect(() => expect(session).toMatchObject(expected)).toThrow('to match object')
  await session.close()
})

describe('two sessions of one engine', () => {
  test('one fails, hangs or is closed / the other goes on', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      if (ctx.sessionId === 'fails') throw new Error('no')
      if (ctx.sessionId === 'hangs') await gate().promise
      return Done(ctx.sessionId)
    })
    const [fails, hangs, works] = await Promise.all(
      ['fails', 'hangs', 'works'].map((id) => page.open(workflow, { id })),
    )
    await failure(fails!.run())
    hangs!.run().catch(() => {})
    await fails!.close()
    expect(await works!.run()).toBe('works')
    await hangs!.close()
    expect(await works!.run()).toBe('works')
  })

  test.each([
    ['in one tab', {}],
    ['in one of several tabs', virtualTabs()],
  ])(
    'crash(engine) while storage answers no claim, %s / nothing settles any more, and no timer is left',
    async (_, tabs) => {
      const clock = virtualClock()
      const storage = { ...memoryStorage(), claim: () => new Promise<never>(() => {}) }
      const engine = createEngine({ storage, clock, ...tabs })
      const settled: string[] = []
      const note = (it: string) => (): unknown => settled.push(it)
      engine.open(asking).then(note('open'), note('open'))
      const session = engine.session(asking)
      session.run().then(note('run'), note('run'))
      await clock.advance(10)
      crash(engine)
      await clock.advance(60_000)
      expect([settled, clock.pending]).toEqual([[], 0])
    },
  )

  test('crash(engine) takes only what createEngine() has made', () => {
    expect(thrown(() => crash({} as never))).toMatchObject({ code: 'ARGUMENT' })
    expect(thrown(() => crash(undefined as never))).toBeInstanceOf(Error)
  })
})
