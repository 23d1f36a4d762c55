import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineWorkflow,
  structuredCloneSerializer,
  type AnyStore,
  type AnyWorkflow,
  type Engine,
  type LoadError,
  type SessionStorage,
  type StateValidationError,
} from '../../src/index'
import { crash, virtualTabs } from '../../src/testing'
import { Done, failure, flow, gate, Go, profile, Question, thrown, type Profile } from '../support/flows'

const Shared = z.object({
  count: z.number().default(0),
  names: z.array(z.string()).default([]),
  note: z.string().default(''),
})

const counting = defineWorkflow({ ...flow, flowState: Shared }).step(
  'work',
  { on: Go, emits: [Done] },
  async (ctx) => {
    await ctx.flowState.set('count', (it) => it + 1)
    return Done(ctx.flowState.get('count'))
  },
)

/** Two tabs without a channel: two engines on one storage. */
function tabs(storage: SessionStorage, page = profile()): Engine[] {
  let names = 0
  const engine = (): Engine =>
    createEngine({
      storage,
      clock: page.clock,
      ids: () => `tab-${++names}`,
      onError: (it) => page.errors.push(it),
    })
  return [engine(), engine()]
}

describe('flow state', () => {
  test('a step edits with an await, and the edited object is deleted meanwhile / nothing is left that the schema refuses', async () => {
    const page = profile()
    const { promise, open } = gate()
    const flowState = z.object({ item: z.object({ id: z.string(), text: z.string() }).optional() })
    const workflow = defineWorkflow({ ...flow, flowState }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.flowState.edit(async (draft) => {
          await promise
          if (draft.item) draft.item.text = 'edit'
        })
        return Done(1)
      },
    )
    const session = await page.open(workflow)
    session.flowState.set('item', { id: '1', text: '' })
    const result = session.run()
    await page.settle()
    session.flowState.delete('item')
    open()
    expect(await result).toBe(1)
    expect(session.flowState.get()).toEqual({})
    await page.reload()
    await page.open(workflow)
    expect(page.errors).toEqual([])
  })

  test('ten edits at once, of two sessions, of branches and from outside, each reads, awaits and adds 1 / 10', async () => {
    const page = profile()
    const { promise, open } = gate()
    const add = async (draft: { count: number }): Promise<void> => {
      const before = draft.count
      await promise
      draft.count = before + 1
    }
    const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await Promise.all([ctx.flowState.edit(add), ctx.flowState.edit(add), ctx.flowState.edit(add)])
        return Done(1)
      },
    )
    const one = await page.open(workflow, { id: 'one' })
    const two = await page.open(workflow, { id: 'two' })
    const all = [
      one.run(),
      one.flowState.edit(add),
      two.run(),
      ...[1, 2, 3].map(() => two.flowState.edit(add)),
    ]
    open()
    await Promise.all(all)
    expect(one.flowState.get('count')).toBe(10)
    await page.reload()
    expect((await page.open(workflow, { id: 'one' })).flowState.get('count')).toBe(10)
  })

  test('the context is called inside an edit of it / NestedEditError at once, and not a mismatch after the next reload', async () => {
    const page = profile()
    const errors: string[] = []
    const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const refused = async (call: () => unknown): Promise<void> => {
          try {
            await call()
          } catch (error) {
            errors.push((error as Error).name)
          }
        }
        await ctx.flowState.edit(async (draft) => {
          await Promise.resolve()
          await refused(() => ctx.once('rate', () => 5))
          await refused(() => ctx.flowState.set('count', 7))
          await refused(() => ctx.flowState.edit((it) => void it.count++))
          await refused(() => ctx.state.set('x', 1))
          draft.count = 1
        })
        await ctx.ask(Question(1))
        return Done(ctx.flowState.get('count'))
      },
    )
    void (await page.open(workflow)).run()
    await page.settle()
    expect(errors).toEqual(Array.from({ length: 4 }, () => 'NestedEditError'))
    await page.reload()
    const again = await page.open(workflow)
    await again.asks[0]?.reply(1)
    expect(await again.run()).toBe(1)
  })

  test.each([true, false])(
    'edits of it and of the state are open at once, and one that goes on calls the context (that of the state: %j) / NestedEditError, never a hang',
    async (isState) => {
      const page = profile()
      const goesOn = gate()
      const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
        'work',
        { on: Go, emits: [Done] },
        async (ctx) => {
          const rest = (isOne: boolean) => (isOne ? goesOn.promise : Promise.resolve())
          await Promise.all([
            ctx.state.edit(async () => {
              await rest(isState)
              if (isState) await ctx.state.set('x', 1)
            }),
            ctx.flowState.edit(async () => {
              await rest(!isState)
              if (!isState) await ctx.flowState.set('count', 1)
            }),
          ])
          return Done(1)
        },
      )
      const session = await page.open(workflow)
      session.run().catch(() => {})
      await page.settle()
      goesOn.open()
      await page.settle()
      expect(session.status).toBe('failed')
      expect(session.error).toMatchObject({ cause: { name: 'NestedEditError' } })
    },
  )

  test('written in session 1 / session 2 of the same workflow sees it, another workflow does not', async () => {
    const page = profile()
    const one = await page.open(counting, { id: 'one' })
    const two = await page.open(counting, { id: 'two' })
    const other = await page.open(
      defineWorkflow({ ...flow, name: 'other', flowState: Shared }).step(
        'work',
        { on: Go, emits: [Done] },
        () => Done(1),
      ),
    )
    one.flowState.set('note', 'written in one')
    expect(two.flowState.get('note')).toBe('written in one')
    expect(await one.run()).toBe(1)
    expect(await two.run()).toBe(2)
    expect(other.flowState.get()).toEqual({ count: 0, names: [], note: '' })
    expect(page.engine.flow(counting).state).toBe(two.flowState)
  })

  test('restoring, deleting or resetting a session / flow state stays as it is', async () => {
    const page = profile()
    const one = await page.open(counting, { id: 'one' })
    await one.run()
    await page.reload()
    page.engine.flow(counting).state.set('count', 10)
    const again = await page.open(counting, { id: 'one' })
    expect(again.flowState.get('count')).toBe(10)
    again.reset()
    await page.engine.delete('one')
    await page.reload()
    const flows = page.engine.flow(counting)
    await flows.ready
    expect(flows.state.get('count')).toBe(10)
  })

  test('before `ready` / the defaults; after / what is stored, with early writes on top', async () => {
    const page = profile()
    const first = page.engine.flow(counting)
    first.state.set('note', 'kept')
    first.state.append('names', 'a')
    await first.ready
    await page.engine.close()
    const [engine] = tabs(page.storage)
    const { state, ready } = (engine as Engine).flow(counting)
    expect(state.get()).toEqual({ count: 0, names: [], note: '' })
    state.append('names', 'b')
    await ready
    expect(state.get()).toEqual({ count: 0, names: ['a', 'b'], note: 'kept' })
  })

  test.each(['before', 'after'])(
    'an asynchronous edit that ends %s the first read / runs again on what is stored, but not at later conflicts',
    async (end) => {
      const page = profile()
      page.engine.flow(counting).state.set('note', 'kept')
      await page.engine.close()
      const read = gate()
      const storage: SessionStorage = {
        ...page.storage,
        readFlow: async (workflow) => (await read.promise, page.storage.readFlow(workflow)),
      }
      const [slow, other] = [tabs(storage, page)[0], tabs(page.storage)[1]] as Engine[]
      const { state, ready } = (slow as Engine).flow(counting)
      const hold = gate()
      let runs = 0
      const edited = state.edit(async (draft) => {
        runs++
        await hold.promise
        draft.note = draft.note ? `${draft.note}, edited` : 'edited'
        draft.names.push('a')
      })
      if (end === 'before') {
        hold.open()
        await edited
        expect(state.get('note')).toBe('edited')
      }
      read.open()
      await ready
      hold.open()
      await edited
      await page.settle()
      expect(state.get()).toEqual({ count: 0, names: ['a'], note: 'kept, edited' })
      const others = (other as Engine).flow(counting)
      await others.ready
      others.state.set('count', 1)
      await page.settle()
      state.append('names', 'b')
      await page.settle()
      expect(state.get()).toEqual({ count: 1, names: ['a', 'b'], note: 'kept, edited' })
      expect(runs).toBe(2)
    },
  )

  test('the first read fails / the next write reads again first, and then it is ready', async () => {
    const page = profile()
    let fails = 1
    const storage: SessionStorage = {
      ...page.storage,
      readFlow: async (workflow) => {
        if (fails-- > 0) throw new Error('not now')
        return page.storage.readFlow(workflow)
      },
    }
    const [engine] = tabs(storage, page)
    const handle = (engine as Engine).flow(counting)
    expect(await failure(handle.ready)).toMatchObject({ message: expect.stringContaining('not now') })
    handle.state.set('count', 1)
    await page.settle()
    await handle.ready
    expect(handle.state.get('count')).toBe(1)
  })

  test('a session is opened while something is stored, and its read answers last / what was written is still shown', async () => {
    const page = profile()
    const [landing, answering] = [gate(), gate()]
    const { storage } = page
    let reads = 0
    const engine = createEngine({
      clock: page.clock,
      storage: {
        ...storage,
        async readFlow(name) {
          const answer = await storage.readFlow(name)
          if (++reads === 3) await answering.promise
          return answer
        },
        async writeFlow(...call) {
          await landing.promise
          return storage.writeFlow(...call)
        },
      },
    })
    const session = await engine.open(counting, { id: 'one' })
    await page.settle()
    reads = 2
    session.flowState.set('note', 'typed')
    await page.settle()
    engine.session(counting, { id: 'two' })
    await page.settle()
    expect(reads).toBe(3)
    landing.open()
    await page.settle()
    answering.open()
    await page.settle()
    expect(session.flowState.get('note')).toBe('typed')
  })

  test('without a schema / untyped, begins as {}', async () => {
    const page = profile()
    const untyped = defineWorkflow(flow).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.flowState.set('deep.er', 1)
      return Done(ctx.flowState.get())
    })
    expect(page.engine.flow(untyped).state.get()).toEqual({})
    expect(await (await page.open(untyped)).run()).toEqual({ deep: { er: 1 } })
    await page.reload()
    expect((await page.open(untyped)).flowState.get('deep.er')).toBe(1)
  })

  test('subscribers / told once, synchronously, and only when the value at their path changes', async () => {
    const page = profile()
    const { state, ready } = page.engine.flow(counting)
    await ready
    const told: string[] = []
    state.subscribe('count', () => told.push('count'))
    state.subscribe('', () => told.push('all'))
    state.set('note', 'x')
    expect(told).toEqual(['all'])
    state.batch(() => {
      state.set('count', 1)
      state.set('count', 2)
    })
    expect(told).toEqual(['all', 'all', 'count'])
  })

  test('a list is set with one entry changed / who listens to another entry hears nothing', async () => {
    const entries = z.array(z.object({ n: z.number() })).default([])
    const workflow = defineWorkflow({ ...flow, flowState: z.object({ entries }) })
    const { state } = profile().engine.flow(workflow)
    state.set('entries', [{ n: 1 }, { n: 2 }])
    const heard: string[] = []
    for (const path of ['entries.0', 'entries.1'] as const) state.subscribe(path, () => heard.push(path))
    state.set('entries', (list) => list.map((it) => (it.n === 2 ? { n: 5 } : it)))
    expect(heard).toEqual(['entries.1'])
  })

  test('an invalid write / refused with its path, nothing changed', async () => {
    const { state } = profile().engine.flow(counting)
    const error: StateValidationError = thrown(() => state.set('count', 'three' as never))
    expect([error.code, error.path, state.get('count')]).toEqual(['STATE_VALIDATION', 'count', 0])
  })

  test('a write that is refused, whatever the reason / the error says flowState, and never state', async () => {
    const { state } = profile().engine.flow(counting)
    const nulls = null as never
    const texts = ['x', undefined] as never
    expect(
      [
        () => state.set('count', 'three' as never),
        () => state.delete('count' as never),
        () => state.set('names', texts),
        () => state.append('names', undefined as never),
        () => state.replace(nulls),
        () => state.edit((draft) => void draft.names.push('a', undefined as never)),
        () => state.edit((draft) => void (draft.count = Symbol('s') as never)),
        () => state.replace({ count: 'three' } as never),
      ].map((it) => thrown<Error>(it).message.split(/;| is not valid|: Invalid/)[0]),
    ).toEqual([
      'flowState.count',
      'flowState.count',
      'flowState.names.1 is undefined in a list',
      'flowState.names.0 is undefined',
      'flowState is null',
      'flowState.names',
      'flowState.count',
      'the flowState',
    ])
    const plain = profile().engine.flow(defineWorkflow({ ...flow }))
    expect(thrown(() => plain.state.set('a', JSON.parse('{"__proto__": 1}')))).toMatchObject({
      path: 'a.__proto__',
      message: 'path "a.__proto__": "__proto__" is refused: it could reach a prototype',
    })
    plain.state.set('list', [1])
    const grown = thrown(() =>
      plain.state.edit((draft) => void (draft['list'] as unknown[]).push(2, () => 3)),
    )
    expect(grown).toHaveProperty('path', 'flowState.list.2')
  })

  test('a default that is no JSON / refused with its path, and with advice that helps', () => {
    const flowState = z.object({ at: z.date().default(new Date(5)) })
    const dated = defineWorkflow({ ...flow, flowState })
    expect(thrown(() => profile().engine.flow(dated))).toHaveProperty(
      'message',
      'flowState.at is a Date; store plain JSON, or put it in resources',
    )
  })

  test('a value that is no JSON, whatever the serializer / refused with its path, and with advice that helps', async () => {
    const engine = createEngine({ storage: profile().storage, serializer: structuredCloneSerializer })
    const { state } = engine.flow(
      defineWorkflow({ ...flow }).step('s', { on: Go, emits: [Done] }, () => Done(1)),
    )
    expect(thrown(() => state.set('a.at', new Date(5)))).toHaveProperty(
      'message',
      'flowState.a.at is a Date; store plain JSON, or put it in resources',
    )
    state.set('list', [1])
    expect(
      thrown(() => state.edit((it) => void (it['list'] as unknown[]).push(2, new Date(5)))),
    ).toHaveProperty('message', 'flowState.list.2 is a Date; store plain JSON, or put it in resources')
  })

  test('clear() / the defaults again; clear() with a prefix / unchanged', async () => {
    const page = profile()
    const session = await page.open(counting)
    await session.run()
    const { state } = page.engine.flow(counting)
    await page.engine.clear({ prefix: 'fl' })
    expect(state.get('count')).toBe(1)
    await page.engine.clear()
    expect(state.get('count')).toBe(0)
    state.set('note', 'after')
    await page.engine.close()
    const [engine] = tabs(page.storage)
    const again = (engine as Engine).flow(counting)
    await again.ready
    expect(again.state.get()).toEqual({ count: 0, names: [], note: 'after' })
  })

  test('clear() while the disk is full / unsaved writes are gone too, at once and for good', async () => {
    const page = profile({ failAt: (_, { kind }) => kind === 'flow' })
    const flows = page.engine.flow(counting)
    flows.state.set('note', 'too much')
    const told: unknown[] = []
    await flows.ready
    flows.state.subscribe('note', () => told.push(flows.state.get('note')))
    await page.engine.clear()
    expect(flows.state.get('note')).toBe('')
    expect(told).toEqual([''])
  })
})

describe('two tabs on one storage', () => {
  test('both add to one number, in turns and at the same time / no increment is lost', async () => {
    const page = profile()
    const [one, two] = tabs(page.storage, page).map((it) => it.flow(counting).state)
    for (let round = 0; round < 10; round++) {
      one?.set('count', (it) => it + 1)
      two?.set('count', (it) => it + 1)
      two?.edit((draft) => void draft.count++)
      one?.batch(() => {
        one.set('count', (it) => it + 1)
        one.set('count', (it) => it + 1)
      })
      if (round % 3 === 0) await page.settle()
    }
    await page.settle()
    const [third] = tabs(page.storage, page)
    const shown = (third as Engine).flow(counting)
    await shown.ready
    expect(shown.state.get('count')).toBe(50)
    expect(page.errors).toEqual([])
  })

  test('both append to one list / both items are there, each once', async () => {
    const page = profile()
    const engines = tabs(page.storage, page)
    const [one, two] = engines.map((it) => it.flow(counting).state)
    one?.append('names', 'one')
    two?.append('names', 'two')
    await Promise.all(engines.map((it) => it.close()))
    const [third] = tabs(page.storage, page)
    const shown = (third as Engine).flow(counting)
    await shown.ready
    expect([...shown.state.get('names')].sort()).toEqual(['one', 'two'])
  })

  test('one edits with an await, the other stores first / both changes are there', async () => {
    const page = profile()
    const [one, two] = tabs(page.storage, page).map((it) => it.flow(counting))
    await page.settle()
    two?.state.append('names', 'two')
    await page.settle()
    await one?.state.edit(async (draft) => {
      await Promise.resolve()
      draft.note = 'one'
    })
    await page.settle()
    expect(one?.state.get()).toEqual({ count: 0, names: ['two'], note: 'one' })
  })

  test("the other tab's save arrives / only the changed paths are told, the rest keeps its identity", async () => {
    const page = profile()
    const [one, two] = tabs(page.storage, page).map((it) => it.flow(counting))
    two?.state.append('names', 'kept')
    await page.settle()
    const names = two?.state.get('names')
    const told: string[] = []
    two?.state.subscribe('names', () => told.push('names'))
    two?.state.subscribe('note', () => told.push('note'))
    one?.state.set('note', 'from one')
    await page.settle()
    two?.state.set('count', 1)
    await page.settle()
    expect([two?.state.get('note'), told]).toEqual(['from one', ['note']])
    expect(two?.state.get('names')).toBe(names)
  })

  test('a save that timed out and has landed all the same / not made twice', async () => {
    const page = profile()
    let calls = 0
    const storage: SessionStorage = {
      ...page.storage,
      writeFlow: async (...call) => {
        const answer = await page.storage.writeFlow(...call)
        if (++calls === 1) await new Promise(() => {})
        return answer
      },
    }
    const engine = createEngine({ storage, clock: page.clock, onError: (it) => page.errors.push(it) })
    const { state } = engine.flow(counting)
    state.set('count', (it) => it + 1)
    await page.clock.advance(4000)
    expect(page.errors).toMatchObject([{ code: 'TIMEOUT', scope: 'storage' }])
    await page.clock.advance(2000)
    state.set('count', (it) => it + 1)
    await page.settle()
    const [other] = tabs(page.storage, page)
    const shown = (other as Engine).flow(counting)
    await shown.ready
    expect([state.get('count'), shown.state.get('count')]).toEqual([2, 2])
  })

  test('with a channel / each tab hears of what the other has stored, and of clear()', async () => {
    const page = profile()
    const browser = { storage: page.storage, clock: page.clock, ...virtualTabs() }
    const [one, two] = [createEngine(browser), createEngine(browser)]
    const [left, right] = [one.flow(counting).state, two.flow(counting).state]
    const told: unknown[] = []
    right.subscribe('count', () => told.push(right.get('count')))
    left.set('count', (it) => it + 1)
    await page.settle()
    right.set('count', (it) => it + 1)
    await page.settle()
    expect([left.get('count'), told]).toEqual([2, [1, 2]])
    await one.clear()
    await page.settle()
    expect([left.get('count'), right.get('count')]).toEqual([0, 0])
    await Promise.all([one.close(), two.close()])
  })

  test('with a channel, cleared by a tab that has not opened it / the others show the defaults', async () => {
    const page = profile()
    const browser = { storage: page.storage, clock: page.clock, ...virtualTabs() }
    const [one, two] = [createEngine(browser), createEngine(browser)]
    const shown = await one.open(counting)
    shown.flowState.set('note', 'of somebody else')
    shown.state.set('typed', 1)
    await shown.flush()
    await two.clear()
    await page.settle()
    expect([one.flow(counting).state.get('note'), shown.persistence.status]).toEqual(['', 'outdated'])
    await Promise.all([one.close(), two.close()])
  })

  test('with a channel, and a read that fails / read again a second later; a closed engine reads no more', async () => {
    const page = profile()
    let broken = false
    let reads = 0
    const storage: SessionStorage = {
      ...page.storage,
      readFlow: (name) => (reads++, broken ? Promise.reject(new Error('busy')) : page.storage.readFlow(name)),
    }
    const { channel } = virtualTabs()
    const engine = (own: SessionStorage): Engine =>
      createEngine({ storage: own, clock: page.clock, channel, onError: () => {} })
    const [one, two] = [engine(page.storage), engine(storage)]
    const [mine, theirs] = [one.flow(counting).state, two.flow(counting).state]
    await two.flow(counting).ready
    broken = true
    mine.set('note', 'news')
    await page.clock.advance(500)
    expect(theirs.get('note')).toBe('')
    broken = false
    await page.clock.advance(1000)
    expect(theirs.get('note')).toBe('news')
    broken = true
    mine.set('note', 'more')
    await page.clock.advance(500)
    await two.close()
    reads = 0
    await page.clock.advance(60_000)
    expect([reads, page.clock.pending]).toEqual([0, 0])
  })

  test('a session is opened / it sees what the other tab has stored since', async () => {
    const page = profile()
    const [one, two] = tabs(page.storage, page) as [Engine, Engine]
    await two.flow(counting).ready
    one.flow(counting).state.set('note', 'news')
    await page.settle()
    expect((await two.open(counting)).flowState.get('note')).toBe('news')
  })
})

test('a storage that refuses every write, though nobody else writes / reported once, tried with pauses; stored once it takes one', async () => {
  const page = profile()
  let calls = 0
  let refuses = true
  const storage: SessionStorage = {
    ...page.storage,
    writeFlow(...call) {
      if (!refuses) return page.storage.writeFlow(...call)
      // Without a pause no timer would ever end this.
      return ++calls > 1000 ? Promise.reject(new Error('enough')) : Promise.resolve(false)
    },
  }
  const errors: unknown[] = []
  const engine = createEngine({ storage, clock: page.clock, onError: (it) => errors.push(it) })
  engine.flow(counting).state.set('count', 7)
  await page.clock.advance(10_000)
  expect(calls).toBeLessThan(50)
  expect(errors).toMatchObject([{ code: 'STORAGE' }])
  refuses = false
  await page.clock.advance(40_000)
  expect((await page.open(counting)).flowState.get('count')).toBe(7)
})

describe('flow state written in a step', () => {
  test('the step fails and is retried / written once, and not undone', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 3 } },
      async (ctx) => {
        await ctx.flowState.set('count', (it) => it + 1)
        await ctx.flowState.append('names', 'tried')
        if (ctx.attempt < 3) throw new Error('not yet')
        return Done(ctx.flowState.get())
      },
    )
    expect(await (await page.open(workflow)).run()).toEqual({ count: 1, names: ['tried'], note: '' })
  })

  test('storage is silent, and the step fails and is retried / written once', async () => {
    const page = profile()
    const door = gate()
    const storage: SessionStorage = {
      ...page.storage,
      writeFlow: (...call) => door.promise.then(() => page.storage.writeFlow(...call)),
    }
    const [engine] = tabs(storage, page) as [Engine]
    const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        const written = ctx.flowState.set('count', (it) => it + 1)
        if (ctx.attempt === 1) throw new Error('busy')
        await written
        return Done([ctx.attempt, ctx.flowState.get('count')])
      },
    )
    const result = (await engine.open(workflow)).run()
    await page.clock.advance(150)
    door.open()
    expect(await result).toEqual([2, 1])
  })

  test('a serializer that does not answer / the step goes on after the time limit; stored once it answers', async () => {
    let locked = true
    const serializer = {
      serialize: (value: unknown) => (locked ? new Promise<never>(() => {}) : JSON.stringify(value)),
      deserialize: (stored: unknown) => JSON.parse(stored as string) as unknown,
    }
    const page = profile({}, { serializer })
    const session = await page.open(counting)
    void session.run()
    await page.clock.advance(10_000)
    expect(session.result).toBe(1)
    locked = false
    await page.clock.advance(40_000)
    page.kill()
    expect((await page.open(counting)).flowState.get('count')).toBe(1)
  })

  test('storage is silent, and the run is cancelled / the write stays, and no record is added', async () => {
    const page = profile()
    const door = gate()
    const storage: SessionStorage = {
      ...page.storage,
      writeFlow: (...call) => door.promise.then(() => page.storage.writeFlow(...call)),
    }
    const [engine, next] = tabs(storage, page) as [Engine, Engine]
    const session = await engine.open(counting)
    session.run().catch(() => {})
    await page.settle()
    session.cancel()
    const { length } = session.history()
    door.open()
    await page.settle()
    expect([session.history().length, session.flowState.get('count'), page.errors]).toEqual([length, 1, []])
    await session.close()
    expect((await next.open(counting)).status).toBe('cancelled')
  })

  test('the step fails for good / the write stays', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state: Shared, flowState: Shared }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.set('count', 5)
        await ctx.flowState.set('count', 5)
        throw new Error('no')
      },
    )
    const session = await page.open(workflow)
    await failure(session.run())
    expect([session.state.get('count'), session.flowState.get('count')]).toEqual([0, 5])
    await failure(session.retry())
    expect(session.flowState.get('count')).toBe(5)
  })

  const asking = defineWorkflow({ ...flow, flowState: Shared }).step(
    'work',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      await ctx.flowState.set('count', (it) => it + 1)
      await ctx.flowState.edit((draft) => void draft.names.push('edited'))
      await ctx.flowState.edit(async (draft) => {
        await Promise.resolve()
        draft.names.push('edited later')
      })
      await ctx.flowState.set('count', (it) => it + 10)
      const { data } = await ctx.ask(Question(1))
      await ctx.flowState.delete('names.0' as never)
      await ctx.flowState.set('note', 'written')
      return Done([data, ctx.flowState.get()])
    },
  )

  test('three reloads while an ask is open / each write is made once', async () => {
    const page = profile()
    let session = await page.open(asking)
    void session.run()
    await page.settle()
    for (let reload = 0; reload < 3; reload++) {
      await page.reload()
      session = await page.open(asking)
      await page.settle()
      expect(session.flowState.get()).toEqual({ count: 11, names: ['edited', 'edited later'], note: '' })
    }
    await session.asks[0]?.reply('yes')
    expect(await session.run()).toEqual(['yes', { count: 11, names: ['edited later'], note: 'written' }])
  })

  test('crashed before each write to storage in turn / each write is made once', async () => {
    for (let at = 1; at < 30; at++) {
      const page = profile({ crashAt: at })
      const first = await page.open(asking)
      first.run().catch(() => {})
      for (let turn = 0; turn < 5; turn++) {
        await page.settle()
        void first.asks[0]?.reply('yes')
      }
      page.kill()
      const session = await page.open(asking)
      const result = session.run()
      for (let turn = 0; turn < 5 && session.status !== 'completed'; turn++) {
        await page.settle()
        void session.asks[0]?.reply('yes')
      }
      const [, shared] = (await result) as [string, z.infer<typeof Shared>]
      // If the first run was stored as completed, `run()` has started a second one, which adds its own.
      const runs = shared.names.length
      expect({ at, shared }).toEqual({
        at,
        shared: { count: runs * 11, note: 'written', names: ['edited', 'edited later'].slice(-runs) },
      })
    }
  })

  test('a step that takes a number, crashed before each write to storage in turn / it keeps the number it took', async () => {
    const ticket = defineWorkflow({ ...flow, flowState: Shared }).step(
      'take',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const { data } = await ctx.ask(Question('whose?'))
        const number = await ctx.once('number', () => ctx.flowState.get('count') + 1)
        await ctx.flowState.set('count', number)
        await ctx.flowState.append('names', String(data))
        await ctx.sleep(100)
        return Done([number, data])
      },
    )
    for (let at = 1; at < 12; at++) {
      const page = profile({ crashAt: at })
      const first = await page.open(ticket)
      first.run().catch(() => {})
      await page.settle()
      void first.asks[0]?.reply('first')
      await page.settle()
      page.kill()
      const session = await page.open(ticket)
      const result = session.run()
      await page.settle()
      void session.asks[0]?.reply('second')
      await page.clock.advance(100)
      const names = [expect.stringMatching(/^(first|second)$/)]
      expect({ at, shared: session.flowState.get() }).toMatchObject({ at, shared: { count: 1, names } })
      expect(await result).toEqual([1, session.flowState.get('names.0')])
    }
  })

  test('after the attempt is over / refused', async () => {
    const page = profile()
    const late = gate()
    const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await late.promise
        await ctx.flowState.set('count', 1)
        return Done(1)
      },
    )
    const session = await page.open(workflow)
    const result = failure(session.run())
    session.cancel()
    await result
    late.open()
    await page.settle()
    expect(session.flowState.get('count')).toBe(0)
  })

  test('a write that no longer fits what another tab has stored / lost and reported; those after it are made', async () => {
    const page = profile()
    const [one, two] = tabs(page.storage, page) as [Engine, Engine]
    const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        await ctx.flowState.set('names.1', 'second')
        await ctx.flowState.set('count', 4)
        return Done(1)
      },
    )
    const shared = one.flow(workflow).state
    shared.set('names', ['first'])
    await page.settle()
    const session = await two.open(workflow)
    const result = session.run()
    await page.settle()
    shared.set('names', [])
    await page.settle()
    await session.asks[0]?.reply(1)
    expect(await result).toBe(1)
    await page.settle()
    expect(session.flowState.get()).toEqual({ count: 4, names: [], note: '' })
    expect(page.errors).toMatchObject([{ code: 'PATH' }])
  })

  test('an edit with an await, and another tab stores something meanwhile / both changes are there', async () => {
    const page = profile()
    const [one, two] = tabs(page.storage, page) as [Engine, Engine]
    const hold = gate()
    const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.flowState.edit(async (draft) => {
          draft.note += 'edited'
          await hold.promise
          draft.names.push('edited')
        })
        return Done(1)
      },
    )
    const shared = one.flow(workflow).state
    const session = await two.open(workflow)
    const result = session.run()
    await page.settle()
    shared.append('names', 'typed')
    await page.settle()
    hold.open()
    expect(await result).toBe(1)
    await page.settle()
    const { names, note } = session.flowState.get()
    expect([names.toSorted(), note]).toEqual([['edited', 'typed'], 'edited'])
  })

  test('changed code that no longer writes / ReplayMismatchError naming the write', async () => {
    const page = profile()
    const version = (writes: boolean) =>
      defineWorkflow({ ...flow, flowState: Shared }).step(
        'work',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          if (writes) await ctx.flowState.set('count', 1)
          return Done((await ctx.ask(Question(1))).data)
        },
      )
    const first = await page.open(version(true))
    void first.run()
    await page.settle()
    await page.reload()
    const session = await page.open(version(false))
    await session.asks[0]?.reply(1)
    const error: Error = await failure(session.run())
    expect(error.message).toContain('the write to flow state set:count#1')
  })

  test('the user types into the state during the write / the re-run takes the same way', async () => {
    const page = profile()
    const reads: unknown[] = []
    const workflow = defineWorkflow({ ...flow, state: Shared, flowState: Shared }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const seen = [ctx.state.get('note')]
        await ctx.flowState.set('count', 1)
        seen.push(ctx.state.get('note'))
        await ctx.ask(Question(1))
        seen.push(ctx.state.get('note'))
        reads.push(seen)
        return Done(1)
      },
    )
    const typed = gate()
    const storage: SessionStorage = {
      ...page.storage,
      writeFlow: async (...call) => (await typed.promise, page.storage.writeFlow(...call)),
    }
    const engine = createEngine({ storage, clock: page.clock })
    const first = await engine.open(workflow)
    void first.run()
    await page.settle()
    first.state.set('note', 'typed')
    typed.open()
    await page.settle()
    first.state.set('note', 'typed while it asked')
    await first.flush()
    crash(engine)
    const session = await page.open(workflow)
    await page.settle()
    await session.asks[0]?.reply(1)
    await session.run()
    expect(reads).toEqual([['', 'typed', 'typed while it asked']])
  })
})

test('the page is killed right after flow state was written / it is not stored', async () => {
  const page = profile()
  const flowState = page.engine.flow(counting)
  await flowState.ready
  flowState.state.set('note', 'typed')
  crash(page.engine)
  await page.clock.advance(10_000)
  expect(await page.storage.readFlow('flow')).toBeUndefined()
})

test('flow state is read more slowly than a session / open() resolves when it is there', async () => {
  const page = profile()
  const first = await page.open(counting)
  first.flowState.set('note', 'typed')
  await first.flush()
  const read = gate()
  const readFlow: SessionStorage['readFlow'] = async (name) =>
    read.promise.then(() => page.storage.readFlow(name))
  const engine = createEngine({ storage: { ...page.storage, readFlow }, clock: page.clock })
  const opening = engine.open(counting, { id: 'other' })
  await page.clock.advance(100)
  read.open()
  expect((await opening).flowState.get('note')).toBe('typed')
})

test('the page is killed while flow state is being stored / flush() never settles, like all calls of a killed page', async () => {
  const page = profile()
  const storing = gate()
  const storage: SessionStorage = {
    ...page.storage,
    writeFlow: async (...call) => (await storing.promise, page.storage.writeFlow(...call)),
  }
  const engine = createEngine({ storage, clock: page.clock })
  const session = await engine.open(counting)
  session.flowState.set('note', 'typed')
  await page.settle()
  session.flowState.set('note', 'typed on')
  let settled = false
  const noted = (): void => void (settled = true)
  void session.flush().then(noted, noted)
  await page.settle()
  crash(engine)
  storing.open()
  await page.settle()
  expect(settled).toBe(false)
})

test('a run is cancelled while its step edits flow state, and another edit waits / neither changes anything', async () => {
  const page = profile()
  const slow = gate()
  const workflow = defineWorkflow({ ...flow, flowState: Shared }).step(
    'work',
    { on: Go, emits: [Done] },
    async (ctx) => {
      const first = ctx.flowState.edit(async (draft) => {
        await slow.promise
        draft.note += 'first'
      })
      const second = ctx.flowState.edit((draft) => void (draft.note += 'second'))
      await Promise.all([first, second])
      return Done(1)
    },
  )
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.settle()
  session.cancel()
  slow.open()
  await page.settle()
  expect(session.flowState.get('note')).toBe('')
  expect(page.errors).toEqual([])
})

describe('flow state stored by other code, or damaged', () => {
  const next = (version: number, schema: z.ZodType<object>) =>
    defineWorkflow({ ...flow, version, flowState: schema as never as typeof Shared }).step(
      'work',
      { on: Go, emits: [Done] },
      () => Done(1),
    )

  async function stored() {
    const page = profile()
    page.engine.flow(counting).state.set('note', 'precious')
    await page.engine.close()
    return page
  }

  test.each([
    ['its schema refuses it', 'STATE_INVALID', 1, z.object({ note: z.number().default(1) })],
    ['it is of a newer version', 'NEWER_VERSION', 0, Shared],
  ])(
    '%s / ready rejects with %s, nothing is overwritten; reset() sets it aside and begins anew',
    async (_, code, version, schema) => {
      const page = await stored()
      const before = await page.storage.readFlow('flow')
      const [engine] = tabs(page.storage, page)
      const workflow = next(version, schema)
      const flows = (engine as Engine).flow(workflow)
      const error: LoadError = await failure(flows.ready)
      expect([error.name, error.code, error.id]).toEqual(['LoadError', code, 'flow'])
      expect(error.message).toMatch(/^flow state "flow" was not loaded/)
      flows.state.reset()
      await page.settle()
      expect(await page.storage.readFlow('flow')).toEqual(before)
      expect(await error.export()).toEqual(before)
      await failure(error.retry())
      await error.reset()
      await flows.ready
      await page.settle()
      expect(await page.storage.readFlow('flow')).not.toEqual(before)
    },
  )

  test('its schema has no place for a field, as that of older code / refused, or the next write would remove it; a new version may', async () => {
    const page = await stored()
    const bare = z.object({ count: z.number().default(0) })
    const [engine, other] = tabs(page.storage, page)
    const older = (engine as Engine).flow(next(1, bare))
    const error: LoadError = await failure(older.ready)
    expect(error).toMatchObject({ code: 'STATE_INVALID' })
    expect(error.message).toContain('would remove or change "names" of its state; raise the version')
    older.state.set('count', 5)
    await page.settle()
    expect((await page.storage.readFlow('flow'))?.data).toContain('precious')
    const newer = (other as Engine).flow(next(2, bare))
    await newer.ready
    newer.state.set('count', 6)
    await page.settle()
    expect((await page.storage.readFlow('flow'))?.data).not.toContain('precious')
  })

  test('newer code of the same version adds a field, and a tab with the older code writes / the field stays', async () => {
    const page = profile()
    const [one, two] = tabs(page.storage, page)
    const older = (one as Engine).flow(next(1, z.object({ count: z.number().default(0) })))
    older.state.set('count', 1)
    await page.settle()
    const newer = (two as Engine).flow(next(1, Shared))
    await newer.ready
    newer.state.set('note', 'precious')
    await page.settle()
    older.state.set('count', 2)
    await page.settle()
    expect([newer.state.get('note'), (await page.storage.readFlow('flow'))?.data]).toEqual([
      'precious',
      expect.stringContaining('precious'),
    ])
    // The older tab shows what was written there, and says that it is not stored.
    expect(older.state.get('count')).toBe(2)
    expect(page.errors).toMatchObject([{ name: 'LoadError', code: 'STATE_INVALID', id: 'flow' }])
  })

  test('a session with it / opens, and works in memory with the defaults', async () => {
    const page = await stored()
    const [engine] = tabs(page.storage, page)
    const workflow = defineWorkflow({ ...flow, flowState: z.object({ note: z.number().default(1) }) }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.flowState.set('note', (it) => it + 1)
        return Done(ctx.flowState.get('note'))
      },
    )
    expect(await (await (engine as Engine).open(workflow)).run()).toBe(2)
    expect((await page.storage.readFlow('flow'))?.data).toContain('precious')
  })

  test('sessions with it, and nobody looks at `ready` / onError hears once that nothing is stored', async () => {
    const page = await stored()
    const engine = tabs(page.storage, page)[0]!
    const workflow = next(1, z.object({ note: z.number().default(1) }))
    const session = await engine.open(workflow, { id: 'one' })
    await engine.open(workflow, { id: 'two' })
    session.flowState.reset()
    await page.settle()
    expect(page.errors).toMatchObject([{ name: 'LoadError', code: 'STATE_INVALID', id: 'flow' }])
    expect(await failure(session.flush())).toMatchObject({ code: 'STATE_INVALID' })
  })

  test('damaged / UNREADABLE_RECORD; repaired, and retry() / there, with what was written meanwhile', async () => {
    const page = await stored()
    let damaged = true
    const storage: SessionStorage = {
      ...page.storage,
      readFlow: async (name) => {
        const found = await page.storage.readFlow(name)
        return found && damaged ? { ...found, sum: found.sum + 1 } : found
      },
    }
    const engine = createEngine({ storage, clock: page.clock })
    const flows = engine.flow(counting)
    const error: LoadError = await failure(flows.ready)
    expect(error.code).toBe('UNREADABLE_RECORD')
    flows.state.append('names', 'meanwhile')
    damaged = false
    await error.retry()
    await flows.ready
    await page.settle()
    expect(flows.state.get()).toEqual({ count: 0, names: ['meanwhile'], note: 'precious' })
    expect((await page.storage.readFlow('flow'))?.data).toContain('meanwhile')
  })

  test.each([
    ['damaged', ['flow']],
    ['of a newer version', []],
  ])('%s, and nobody calls reset() / copies set aside: %j', async (what, expected) => {
    const page = await stored()
    const aside: string[] = []
    const storage: SessionStorage = {
      ...page.storage,
      readFlow: async (name) => {
        const found = await page.storage.readFlow(name)
        return found && what === 'damaged' ? { ...found, sum: found.sum + 1 } : found
      },
      quarantineFlow: async (name, remove) => {
        aside.push(name)
        await page.storage.quarantineFlow(name, remove)
      },
    }
    const before = await page.storage.readFlow('flow')
    const flows = createEngine({ storage, clock: page.clock }).flow(next(what === 'damaged' ? 1 : 0, Shared))
    await failure(flows.ready)
    await page.settle()
    expect(aside).toEqual(expected)
    expect(await page.storage.readFlow('flow')).toEqual(before)
  })

  test("newer code stores it while this page is open / this page's writes are reported, and not stored", async () => {
    const page = await stored()
    const [older, newer] = tabs(page.storage, page) as [Engine, Engine]
    const session = await older.open(next(1, Shared))
    const shared = newer.flow(next(2, Shared.extend({ more: z.number().default(2) })))
    await shared.ready
    shared.state.set('note', 'of newer code')
    await page.settle()
    const before = await page.storage.readFlow('flow')
    session.flowState.set('count', 3)
    await page.settle()
    expect(page.errors).toMatchObject([{ name: 'LoadError', code: 'NEWER_VERSION', id: 'flow' }])
    expect(await failure(session.flush())).toMatchObject({ code: 'NEWER_VERSION' })
    await page.clock.advance(100_000)
    expect(await page.storage.readFlow('flow')).toEqual(before)
    expect(session.flowState.get('count')).toBe(3)
    expect(page.errors).toHaveLength(1)
  })

  test('of a newer version, then clear() / writes are stored again', async () => {
    const page = await stored()
    const [older] = tabs(page.storage, page) as [Engine, Engine]
    const workflow = next(0, Shared)
    const flows = older.flow(workflow)
    await failure(flows.ready)
    flows.state.set('note', 'in memory')
    await older.clear()
    expect(flows.state.get()).toEqual({ count: 0, names: [], note: '' })
    flows.state.set('count', 5)
    await page.settle()
    await flows.ready
    expect((await page.storage.readFlow('flow'))?.data).toContain('5')
  })

  test('storage that cannot be read / ready rejects, the session opens; read again later', async () => {
    const page = await stored()
    let broken = true
    const storage: SessionStorage = {
      ...page.storage,
      readFlow: (name) => (broken ? Promise.reject(new Error('disk')) : page.storage.readFlow(name)),
    }
    const engine = createEngine({ storage, clock: page.clock, onError: (it) => page.errors.push(it) })
    const flows = engine.flow(counting)
    expect(await failure(flows.ready)).toMatchObject({ code: 'STORAGE' })
    expect(await (await engine.open(counting)).run()).toBe(1)
    broken = false
    await page.clock.advance(10_000)
    await flows.ready
    expect(flows.state.get()).toEqual({ count: 1, names: [], note: 'precious' })
    expect(page.errors.length).toBeGreaterThan(0)
  })

  test.each([
    ['fails', (): Promise<never> => Promise.reject(new Error('not now'))],
    ['is not answered', () => new Promise<never>(() => {})],
  ])('the first read %s, and nobody writes / read again, less and less often, and shown', async (_, out) => {
    const page = await stored()
    let away = true
    let reads = 0
    const storage: SessionStorage = {
      ...page.storage,
      readFlow: (name) => (reads++, away ? out() : page.storage.readFlow(name)),
    }
    const engine = createEngine({ storage, clock: page.clock, onError: (it) => page.errors.push(it) })
    const flows = engine.flow(counting)
    await page.clock.advance(600_000)
    expect(reads).toBeLessThan(30)
    expect(page.errors).toHaveLength(1)
    away = false
    await page.clock.advance(40_000)
    await flows.ready
    expect(flows.state.get('note')).toBe('precious')
    reads = 0
    await page.clock.advance(600_000)
    expect(reads).toBe(0)
    await engine.close()
    expect(page.clock.pending).toBe(0)
  })

  test('the page dies as its write has landed / nothing is reported', async () => {
    const page = profile()
    const errors: unknown[] = []
    const storage: SessionStorage = {
      ...page.storage,
      async writeFlow(...call) {
        const landed = await page.storage.writeFlow(...call)
        crash(engine)
        return landed
      },
    }
    const { channel } = virtualTabs()
    const engine = createEngine({ storage, clock: page.clock, channel, onError: (it) => errors.push(it) })
    engine.flow(counting).state.set('note', 'last')
    await page.clock.advance(5000)
    expect(errors).toEqual([])
    expect((await page.storage.readFlow('flow'))?.data).toContain('last')
  })

  test('storage that is away for ten minutes / asked twice a minute; onError hears once of reading and once of saving; then all is saved', async () => {
    const page = await stored()
    let broken = true
    let reads = 0
    const out = (): Promise<never> => Promise.reject(new Error('disk'))
    const storage: SessionStorage = {
      ...page.storage,
      readFlow: (name) => (reads++, broken ? out() : page.storage.readFlow(name)),
    }
    const engine = createEngine({ storage, clock: page.clock, onError: (it) => page.errors.push(it) })
    const flows = engine.flow(counting)
    flows.state.set('count', 7)
    for (let minute = 0; minute < 10; minute++) {
      await (await engine.open(counting, { id: `of minute ${minute}` })).close()
      await page.clock.advance(60_000)
    }
    expect(page.errors).toMatchObject([{ code: 'STORAGE' }, { code: 'STORAGE' }])
    reads = 0
    await page.clock.advance(60_000)
    expect(reads).toBe(2)
    broken = false
    await page.clock.advance(60_000)
    expect(flows.state.get()).toEqual({ count: 7, names: [], note: 'precious' })
    expect((await page.storage.readFlow('flow'))?.data).toContain('7')
  })

  test('a save that fails, and one that comes before the next try / nothing more is asked of storage', async () => {
    let calls = 0
    const page = profile({ failAt: (_, { kind }) => kind === 'flow' && calls === 0 })
    const readFlow: SessionStorage['readFlow'] = (name) => (calls++, page.storage.readFlow(name))
    const storage = { ...page.storage, readFlow }
    const { state } = createEngine({ storage, clock: page.clock, onError: () => {} }).flow(counting)
    await page.clock.advance(10)
    calls = 0
    state.set('count', 1)
    await page.clock.advance(10)
    calls = 1
    state.set('count', 2)
    await page.clock.advance(60_000)
    expect((await page.storage.readFlow('flow'))?.data).toContain('2')
    expect(calls).toBe(1)
  })

  test('ten writes while nothing can be saved / tried again no more often than one would be', async () => {
    let tries = 0
    const page = profile({ failAt: (_, { kind }) => kind === 'flow' && ++tries > 0 })
    const engine = createEngine({ storage: page.storage, clock: page.clock, onError: () => {} })
    const { state } = engine.flow(counting)
    for (let count = 1; count <= 10; count++) {
      state.set('count', count)
      await page.clock.advance(10)
    }
    await page.clock.advance(600_000)
    tries = 0
    await page.clock.advance(60_000)
    expect(tries).toBe(2)
  })

  test('a save that fails / flush() rejects, and runs go on in memory', async () => {
    const page = profile({ failAt: (_, { kind }) => kind === 'flow' })
    const session = await page.open(counting)
    session.flowState.set('count', 3)
    expect(await failure(session.flush())).toMatchObject({ code: 'STORAGE' })
    expect(await session.run()).toBe(4)
    expect(page.errors.length).toBeGreaterThan(0)
  })

  test('a save that fails, and another after a day without trouble / onError hears of both', async () => {
    let full = true
    const page = profile({ failAt: (_, { kind }) => full && kind === 'flow' })
    const { state } = page.engine.flow(counting)
    state.set('count', 1)
    await page.clock.advance(500)
    full = false
    await page.clock.advance(86_400_000)
    expect(page.errors).toHaveLength(1)
    full = true
    state.set('count', 2)
    await page.clock.advance(10_000)
    expect(page.errors).toMatchObject([{ code: 'STORAGE' }, { code: 'STORAGE' }])
  })
})

describe('newer code of the workflow in one engine, as after a hot reload', () => {
  const mended = (version: number, flowState: z.ZodObject): AnyWorkflow =>
    defineWorkflow({ ...flow, version, flowState }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.flowState.set('more' as never, 7 as never)
      return Done(ctx.flowState.get())
    })
  const More = Shared.extend({ more: z.number().default(2) })
  const begun = async (): Promise<{ page: Profile; engine: Engine; state: AnyStore }> => {
    const page = profile()
    const { state, ready } = page.engine.flow(counting)
    await ready
    state.set('note', 'kept')
    await page.settle()
    return { page, engine: page.engine, state }
  }

  test('a schema with one more field / its default is there at once, for whoever holds the state; steps write it', async () => {
    const { page, engine, state } = await begun()
    const heard: unknown[] = []
    state.subscribe('more', () => heard.push(state.get('more')))
    state.set('count', 1)
    const newer = engine.flow(mended(1, More))
    const expected = { count: 1, names: [], note: 'kept', more: 2 }
    expect([newer.state.get(), state.get()]).toEqual([expected, expected])
    expect(thrown(() => state.set('more', 'x'))).toHaveProperty('code', 'STATE_VALIDATION')
    const session = await engine.open(mended(1, More), { id: 'new' })
    expect(await session.run()).toEqual({ ...expected, more: 7 })
    expect(heard).toEqual([2, 7])
    state.reset()
    expect(state.get()).toEqual({ count: 0, names: [], note: '', more: 2 })
    expect(page.errors).toEqual([])
  })

  test('what the older schema leaves out is stored / there, also when it was being read just then', async () => {
    const { page, engine, state } = await begun()
    const [other] = tabs(page.storage, page) as [Engine, Engine]
    const stored = other.flow(mended(1, More))
    await stored.ready
    stored.state.set('more', 9)
    await page.settle()
    const opened = engine.open(counting)
    const newer = engine.flow(mended(1, More))
    expect(state.get()).toEqual({ count: 0, names: [], note: 'kept', more: 2 })
    await newer.ready
    expect(state.get('more')).toBe(9)
    await (await opened).run()
    await page.settle()
    expect(JSON.parse((await page.storage.readFlow('flow'))?.data as string)).toMatchObject({
      count: 1,
      more: 9,
    })
  })

  test('newer code twice before storage has answered / what is stored stays shown', async () => {
    const { page, engine, state } = await begun()
    engine.flow(mended(1, More))
    engine.flow(mended(1, More))
    expect(state.get()).toEqual({ count: 0, names: [], note: 'kept', more: 2 })
    state.set('count', 1)
    await page.settle()
    expect(state.get()).toEqual({ count: 1, names: [], note: 'kept', more: 2 })
    expect((await page.storage.readFlow('flow'))?.data).toContain('kept')
  })

  test('a write that lands while newer code reads / what is shown is of the newer schema, with the write', async () => {
    const page = profile()
    const [write, read] = [gate(), gate()]
    let slow = false
    const storage: SessionStorage = {
      ...page.storage,
      async writeFlow(...given) {
        if (slow) await write.promise
        return page.storage.writeFlow(...given)
      },
      async readFlow(name) {
        const found = await page.storage.readFlow(name)
        if (slow) await read.promise
        return found
      },
    }
    const engine = createEngine({ storage, clock: page.clock, onError: (it) => page.errors.push(it) })
    const { state, ready } = engine.flow(counting)
    await ready
    state.set('count', 1)
    await page.settle()
    slow = true
    state.set('note', 'kept')
    await page.settle()
    const newer = engine.flow(mended(1, More))
    await page.settle()
    write.open()
    await page.settle()
    read.open()
    await newer.ready
    await page.settle()
    const expected = { count: 1, names: [], note: 'kept', more: 2 }
    expect(state.get()).toEqual(expected)
    await page.engine.flow(mended(1, More)).ready
    expect(page.engine.flow(mended(1, More)).state.get()).toEqual(expected)
    expect(page.errors).toEqual([])
  })

  test('older code asks again / what newer code has brought stays', async () => {
    const { engine, state } = await begun()
    const first = mended(1, Shared)
    engine.flow(first)
    engine.flow(mended(1, More))
    engine.flow(first)
    engine.flow(mended(0, Shared))
    expect(state.get('more')).toBe(2)
    expect(await (await engine.open(counting)).run()).toBe(1)
    expect(state.get('more')).toBe(2)
  })

  test('a newer version, and the stored one was refused as newer / read', async () => {
    const { page } = await begun()
    const [other, engine] = tabs(page.storage, page) as [Engine, Engine]
    const stored = other.flow(mended(2, More))
    await stored.ready
    stored.state.set('more', 3)
    await page.settle()
    const { state, ready } = engine.flow(counting)
    expect(await failure(ready)).toHaveProperty('code', 'NEWER_VERSION')
    const newer = engine.flow(mended(2, More))
    newer.state.set('count', 4)
    await newer.ready
    expect(state.get()).toEqual({ count: 4, names: [], note: 'kept', more: 3 })
    await page.settle()
    expect(await page.storage.readFlow('flow')).toMatchObject({
      version: 2,
      data: expect.stringContaining('4'),
    })
  })

  test('what is there does not fit / refused, the defaults are shown, and what is stored stays; mended again / there', async () => {
    const { page, engine, state } = await begun()
    const before = await page.storage.readFlow('flow')
    const wrong = engine.flow(mended(1, z.object({ note: z.number().default(1) })))
    expect(state.get()).toEqual({ note: 1 })
    expect(await failure(wrong.ready)).toMatchObject({ name: 'LoadError', code: 'STATE_INVALID' })
    state.set('note', 5)
    await page.settle()
    expect(await page.storage.readFlow('flow')).toEqual(before)
    expect(page.errors).toMatchObject([{ code: 'STATE_INVALID' }])
    const right = engine.flow(mended(1, More))
    await right.ready
    await page.settle()
    expect(state.get()).toEqual({ count: 0, names: [], note: 'kept', more: 2 })
    expect(page.errors.slice(1)).toMatchObject([{ code: 'STATE_VALIDATION', path: '' }])
  })
})
