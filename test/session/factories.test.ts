import { describe, expect, test, vi } from 'vitest'
import { defineWorkflow, resource, type Resource, type StepError } from '../../src/index'
import { Done, failure, flow, gate, Go, profile, Question } from '../support/flows'

interface Tool {
  readonly name: string
}

/** A workflow that reads one of these resources, waiting for it. */
const reading = <R extends object>(resources: { [K in keyof R]: Resource<R[K]> }, key: keyof R) =>
  defineWorkflow({ ...flow, resources }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
    const found = await (ctx.resources as Record<PropertyKey, Tool | Promise<Tool>>)[key]
    return Done(found?.name)
  })

describe('factories that need each other', () => {
  test('only after an await, one waiting for the other / an error with the chain, not a hang', async () => {
    const a: Resource<Promise<Tool>> = resource(async ({ get }) => {
      await Promise.resolve()
      return get(b)
    })
    const b: Resource<Promise<Tool>> = resource(async ({ get }) => {
      await Promise.resolve()
      return get(a)
    })
    const error: StepError = await failure((await profile().open(reading({ a, b }, 'a'))).run())
    expect(error.message).toContain('a -> b -> a')
  })

  test('a factory that needs itself / an error with the chain', async () => {
    const a: Resource<Tool> = resource(({ get }) => get(a))
    const error: StepError = await failure((await profile().open(reading({ a }, 'a'))).run())
    expect(error.message).toContain('a -> a need each other')
  })

  test('only after they are made / no cycle', async () => {
    const a: Resource<Tool & { other(): Tool }> = resource(({ get }) => ({ name: 'a', other: () => get(b) }))
    const b: Resource<Tool> = resource(({ get }) => ({ name: `b of ${get(a).name}` }))
    const workflow = defineWorkflow({ ...flow, resources: { a, b } }).step(
      'work',
      { on: Go, emits: [Done] },
      (ctx) => Done(ctx.resources.a.other().name),
    )
    expect(await (await profile().open(workflow)).run()).toBe('b of a')
  })

  test('an error with a cycle, then one of the two is injected / the other is made', async () => {
    const a: Resource<Tool> = resource(({ get }) => ({ name: `a of ${get(b).name}` }))
    const b: Resource<Tool> = resource(({ get }) => ({ name: `b of ${get(a).name}` }))
    const session = await profile().open(reading({ a, b }, 'a'))
    await failure(session.run())
    session.setResources({ b: { name: 'given' } })
    expect(await session.retry()).toBe('a of given')
  })
})

describe('dependencies', () => {
  test('on a resource for which a factory was injected / found', async () => {
    const db = resource(() => ({ name: 'db' }))
    const cache = resource<Tool>()
    const user = resource(({ get }) => ({ name: `user of ${get(cache).name}` }))
    const workflow = reading({ cache, user }, 'user')
    const page = profile()
    page.engine.flow(workflow).setResources({ cache: db })
    expect(await (await page.open(workflow)).run()).toBe('user of db')
  })

  test('on one declared nowhere / MissingResourceError; on a missing one / an error naming it', async () => {
    const stray = resource<Tool>()
    const nowhere = reading({ user: resource(({ get }) => get(stray)) }, 'user')
    const error: StepError = await failure((await profile().open(nowhere)).run())
    const named = expect.stringContaining('the factory of resource "user"') as string
    expect(error.cause).toMatchObject({ code: 'MISSING_RESOURCE', message: named })
    const log = resource<Tool | undefined>({ optional: true } as never)
    const absent = reading({ log, user: resource(({ get }) => get(log)) }, 'user')
    const missing: StepError = await failure((await profile().open(absent)).run())
    expect(missing.cause).toMatchObject({ key: 'log', available: ['user'] })
  })

  test('an asynchronous one that fails while two others wait for it / both get the error, and the next try makes it anew', async () => {
    const calls: string[] = []
    const db = resource(async () => {
      calls.push('db')
      await Promise.resolve()
      if (calls.length === 1) throw new Error('no connection')
      return { name: 'db' }
    })
    const users = resource(async ({ get }) => ({ name: `users of ${(await get(db)).name}` }))
    const carts = resource(async ({ get }) => ({ name: `carts of ${(await get(db)).name}` }))
    const workflow = defineWorkflow({ ...flow, resources: { db, users, carts } }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        const { users: one, carts: two } = ctx.resources
        const [a, b] = await Promise.allSettled([one, two])
        if (a.status === 'rejected' || b.status === 'rejected') throw new Error('not there')
        return Done([a.value.name, b.value.name])
      },
    )
    expect(await (await profile().open(workflow)).run()).toEqual(['users of db', 'carts of db'])
    expect(calls).toEqual(['db', 'db'])
  })
})

describe('a session is closed', () => {
  const made = (end: object): Tool => ({ name: 'made', ...end })

  test.each([
    ['close', (end: () => void) => ({ close: end })],
    ['dispose before close', (end: () => void) => ({ dispose: end, close: () => expect.unreachable() })],
    ['Symbol.dispose', (end: () => void) => ({ [Symbol.dispose]: end, close: () => expect.unreachable() })],
    ['Symbol.asyncDispose', (end: () => void) => ({ [Symbol.asyncDispose]: async () => end() })],
  ])('%s of what a factory has made / called once', async (_, ending) => {
    let ended = 0
    const workflow = reading({ db: resource(() => made(ending(() => ended++))) }, 'db')
    const session = await profile().open(workflow)
    await session.run()
    expect(ended).toBe(0)
    await session.close()
    await session.close()
    expect(ended).toBe(1)
  })

  test('a `dispose` option of the resource / called in place of the methods, with the value', async () => {
    const ended: unknown[] = []
    const db = resource(() => Promise.resolve(made({ close: () => expect.unreachable() })), {
      dispose: (it) => ended.push(it.name),
    })
    const session = await profile().open(reading({ db }, 'db'))
    await session.run()
    await session.close()
    expect(ended).toEqual(['made'])
  })

  test('and a component reads a resource of it once more / what was made, and nothing else is made', async () => {
    const make = vi.fn(() => made({ close: () => {} }))
    const session = await profile().open(reading({ db: resource(make) }, 'db'))
    const { db } = session.resources
    await session.close()
    expect(session.resources.db).toBe(db)
    expect(make).toHaveBeenCalledTimes(1)
  })

  test('and a factory still at work then needs another one / both are closed', async () => {
    const ended: string[] = []
    const opening = gate()
    const db = resource(() => ({ name: 'db', close: () => ended.push('db') }))
    const users = resource(async ({ get }) => {
      await opening.promise
      return { name: get(db).name, close: () => ended.push('users') }
    })
    const page = profile()
    const session = await page.open(reading({ db, users }, 'users'))
    session.run().catch(() => {})
    await page.settle()
    await session.close()
    opening.open()
    await page.settle()
    expect(ended.sort()).toEqual(['db', 'users'])
  })

  test('injected values, and factories never used / left alone', async () => {
    let calls = 0
    const close = (): void => void calls++
    const workflow = reading({ given: resource<Tool>(), idle: resource(() => made({ close })) }, 'given')
    const session = await profile().open(workflow, { resources: { given: made({ close }) } })
    await session.run()
    await session.close()
    expect(calls).toBe(0)
  })

  test('one that needs another / closed before the other', async () => {
    const ended: string[] = []
    const db = resource(() => ({ name: 'db', close: () => ended.push('db') }))
    const users = resource(({ get }) => ({ name: get(db).name, close: () => ended.push('users') }))
    const session = await profile().open(reading({ db, users }, 'users'))
    await session.run()
    await session.close()
    expect(ended).toEqual(['users', 'db'])
  })

  test('one that takes its time, in its making and its ending, and needs another / the other is closed after it', async () => {
    const ended: string[] = []
    const [making, ending] = [gate(), gate()]
    const db = resource(() => ({ name: 'db', close: () => ended.push('db') }))
    const close = async (): Promise<void> => {
      await ending.promise
      ended.push('users')
    }
    const users = resource(async ({ get }) => {
      const { name } = get(db)
      await making.promise
      return { name, close }
    })
    const page = profile()
    const session = await page.open(reading({ db, users }, 'users'))
    session.run().catch(() => {})
    await page.settle()
    await session.close()
    making.open()
    await page.settle()
    expect(ended).toEqual([])
    ending.open()
    await page.settle()
    expect(ended).toEqual(['users', 'db'])
  })

  test('one that throws when it is closed / reported, and the others are closed too; a new session makes its own', async () => {
    const ended: string[] = []
    let count = 0
    const bad = resource(() => {
      count++
      return made({
        close: () => {
          throw new Error('cannot end')
        },
      })
    })
    const late = resource(() => made({ [Symbol.asyncDispose]: () => Promise.reject(new Error('not now')) }))
    const good = resource(({ get }) => {
      get(bad)
      get(late)
      return made({ close: () => ended.push('good') })
    })
    const workflow = reading({ bad, late, good }, 'good')
    const page = profile()
    const session = await page.open(workflow)
    await session.run()
    await session.close()
    await page.settle()
    expect(ended).toEqual(['good'])
    expect(page.errors.map((it) => (it as Error).message).sort()).toEqual(['cannot end', 'not now'])
    await (await page.open(workflow)).run()
    expect(count).toBe(2)
  })

  test('deleted by the engine / closed as well', async () => {
    let ended = 0
    const workflow = reading({ db: resource(() => made({ close: () => ended++ })) }, 'db')
    const page = profile()
    await (await page.open(workflow)).run()
    await page.engine.delete('flow')
    expect(ended).toBe(1)
  })
})

describe('missing declared resources', () => {
  const waiting = (seen: string[]) =>
    defineWorkflow({
      ...flow,
      resources: {
        tool: resource<Tool>(),
        client: resource<Tool>(),
        log: resource<Tool>({ optional: true }),
      },
    }).step('work', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      seen.push('begun')
      await ctx.sleep(1000)
      const { data } = await ctx.ask(Question(1), { timeout: 100_000 })
      return Done([data, ctx.resources.tool.name, ctx.resources.client.name])
    })
  const all = { tool: { name: 'tool' }, client: { name: 'client' } }

  test('after a reload / paused with missingResources, no time runs out, no step runs; injecting them carries on', async () => {
    const seen: string[] = []
    const page = profile()
    const workflow = waiting(seen)
    const first = await page.open(workflow, { resources: all })
    void first.run()
    await page.settle()
    await page.reload()
    const session = await page.open(workflow)
    await page.clock.advance(50_000)
    expect([session.status, session.missingResources, seen]).toEqual([
      'paused',
      ['client', 'tool'],
      ['begun'],
    ])
    session.setResources({ tool: all.tool })
    await page.settle()
    expect([session.status, session.missingResources, seen.length]).toEqual(['paused', ['client'], 1])
    page.engine.flow(workflow).setResources({ client: all.client })
    await page.settle()
    expect(session.status).toBe('waiting')
    expect(seen).toEqual(['begun', 'begun'])
    await session.asks[0]?.reply('yes')
    expect(await session.run()).toEqual(['yes', 'tool', 'client'])
  })

  test('in a fresh run / paused as well; injecting them carries on', async () => {
    const seen: string[] = []
    const page = profile()
    const session = await page.open(waiting(seen))
    expect([session.status, session.missingResources]).toEqual(['idle', ['client', 'tool']])
    const result = session.run()
    await page.settle()
    expect([session.status, seen]).toEqual(['paused', []])
    session.setResources(all)
    await page.clock.advance(1000)
    await session.asks[0]?.reply('yes')
    expect(await result).toEqual(['yes', 'tool', 'client'])
  })
})

test('a slow asynchronous factory, used outside and then by a step / one call', async () => {
  const opened = gate<Tool>()
  let calls = 0
  const workflow = reading({ db: resource(() => (calls++, opened.promise)) }, 'db')
  const page = profile()
  const session = await page.open(workflow)
  const outside = session.resources.db
  const result = session.run()
  await page.settle()
  expect(session.resources.db).toBe(outside)
  opened.open({ name: 'db' })
  expect([await result, calls]).toEqual(['db', 1])
})

test('declared with another copy of the package, as when one module is required and another imported / made all the same', async () => {
  vi.resetModules()
  const copy = await import('../../src/index')
  const tool: Resource<Tool> = copy.resource(() => ({ name: 'made' }))
  const given: Resource<Tool> = resource<Tool>()
  const session = await profile().open(reading({ tool, given }, 'tool'), {
    resources: { given: { name: '' } },
  })
  expect(await session.run()).toBe('made')
})
