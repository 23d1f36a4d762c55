import { describe, expect, test } from 'vitest'
import { defineWorkflow, resource, type MissingResourceError, type StepError } from '../../src/index'
import { Done, failure, flow, gate, Go, Item, profile, Question, thrown } from '../support/flows'

interface Tool {
  readonly name: string
}
const tool = (name: string): Tool => ({ name })

const needing = defineWorkflow({ ...flow, resources: { tool: resource<Tool>() } }).step(
  'work',
  { on: Go, emits: [Done] },
  (ctx) => Done([ctx.resources.tool.name, ctx.requireResource('tool').name, ctx.getResource('tool')?.name]),
)

describe('two layers', () => {
  test("a workflow resource and a session override / the override wins there; another session sees the workflow's", async () => {
    const page = profile()
    page.engine.flow(needing).setResources({ tool: tool('shared') })
    const one = await page.open(needing, { id: 'one', resources: { tool: tool('own') } })
    const two = await page.open(needing, { id: 'two' })
    expect(await one.run()).toEqual(['own', 'own', 'own'])
    expect(await two.run()).toEqual(['shared', 'shared', 'shared'])
    expect(one.resources.tool.name).toBe('own')
  })

  test("deleteResource() / the workflow's is visible again", async () => {
    const page = profile()
    page.engine.flow(needing).setResources({ tool: tool('shared') })
    const session = await page.open(needing, { resources: { tool: tool('own') } })
    session.deleteResource('tool')
    expect(session.resources.tool.name).toBe('shared')
    expect(await session.run()).toEqual(['shared', 'shared', 'shared'])
    page.engine.flow(needing).deleteResource('tool')
    expect(session.missingResources).toEqual(['tool'])
  })

  test('both layers hold a list, a map or an object / the override replaces it, and keeps its identity', async () => {
    const workflow = defineWorkflow({
      ...flow,
      resources: {
        list: resource<number[]>(),
        map: resource<Map<string, number>>(),
        object: resource<object>(),
      },
    }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const page = profile()
    const own = { list: [1], map: new Map([['a', 1]]), object: {} }
    page.engine.flow(workflow).setResources({ list: [2, 3], map: new Map([['b', 2]]), object: { x: 1 } })
    const session = await page.open(workflow, { resources: own })
    expect(session.resources.list).toBe(own.list)
    expect(session.resources.map).toBe(own.map)
    expect(session.resources.object).toBe(own.object)
    expect(Object.isFrozen(own.list)).toBe(false)
  })

  test("two workflows / do not see each other's resources", async () => {
    const page = profile()
    const other = defineWorkflow({ ...flow, name: 'other', resources: { tool: resource<Tool>() } }).step(
      'work',
      { on: Go, emits: [Done] },
      () => Done(1),
    )
    page.engine.flow(needing).setResources({ tool: tool('shared') })
    const session = await page.open(other)
    expect(session.missingResources).toEqual(['tool'])
  })

  test('setResources() merges by key; listeners are told only of changes', async () => {
    const page = profile()
    const workflow = defineWorkflow({
      ...flow,
      resources: { a: resource<Tool>(), b: resource<Tool>() },
    }).step('work', { on: Go, emits: [Done] }, () => Done(1))
    const session = await page.open(workflow)
    let told = 0
    session.subscribeResources(() => told++)
    const a = tool('a')
    session.setResources({ a })
    session.setResources({ b: tool('b') })
    expect(session.resources.a).toBe(a)
    const before = told
    session.setResources({ a })
    expect(told).toBe(before)
    page.engine.flow(workflow).setResources({ a: tool('hidden') })
    expect(session.resources.a).toBe(a)
  })

  test('a listener throws / onError hears of it, and a session waiting for the resource goes on', async () => {
    const page = profile()
    const first = await page.open(needing, { id: 'first', resources: { tool: tool('own') } })
    const broken = new Error('broken')
    first.subscribeResources(() => {
      throw broken
    })
    const second = await page.open(needing, { id: 'second' })
    const run = second.run()
    await page.settle()
    expect(second.status).toBe('paused')
    page.engine.flow(needing).setResources({ tool: tool('given') })
    expect(await run).toEqual(['given', 'given', 'given'])
    expect(page.errors).toEqual([broken])
  })

  test('`resources` / is read-only', async () => {
    const page = profile()
    const session = await page.open(needing, { resources: { tool: tool('own') } })
    expect(() => {
      session.resources.tool = tool('x')
    }).toThrow(TypeError)
    expect(session.resources.tool.name).toBe('own')
  })

  test('`resources` / stays the same object until a layer changes', async () => {
    const page = profile()
    const session = await page.open(needing, { resources: { tool: tool('own') } })
    const { resources } = session
    session.setResources({ tool: resources.tool })
    expect(session.resources).toBe(resources)
    session.setResources({ tool: tool('another') })
    expect(session.resources.tool.name).toBe('another')
    page.engine.flow(needing).setResources({ tool: tool('shared') })
    session.deleteResource('tool')
    expect(session.resources.tool.name).toBe('shared')
    page.engine.flow(needing).deleteResource('tool')
    expect('tool' in session.resources).toBe(false)
  })

  test("setResource and deleteResource in a step / change the session's layer", async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, resources: { tool: resource<Tool>() } }).step(
      'work',
      { on: Go, emits: [Done] },
      (ctx) => {
        const seen = [ctx.resources.tool.name]
        ctx.setResource('tool', tool('set in the step'))
        seen.push(ctx.resources.tool.name)
        ctx.deleteResource('tool')
        seen.push(ctx.resources.tool.name)
        return Done(seen)
      },
    )
    page.engine.flow(workflow).setResources({ tool: tool('shared') })
    const session = await page.open(workflow)
    expect(await session.run()).toEqual(['shared', 'set in the step', 'shared'])
  })
})

describe('missing resources', () => {
  test('requireResource / MissingResourceError: the key and the sorted keys that are there', async () => {
    const workflow = defineWorkflow({
      ...flow,
      resources: {
        zebra: resource<Tool>(),
        apple: resource<Tool>(),
        tool: resource<Tool>({ optional: true }),
      },
    }).step('work', { on: Go, emits: [Done] }, (ctx) => {
      expect(ctx.getResource('tool', 'fallback')).toBe('fallback')
      expect(ctx.getResource('tool')).toBeUndefined()
      expect(ctx.resources.tool).toBeUndefined()
      return Done(ctx.requireResource('tool').name)
    })
    const session = await profile().open(workflow, { resources: { zebra: tool('z'), apple: tool('a') } })
    const error: StepError = await failure(session.run())
    const cause = error.cause as MissingResourceError
    expect(cause).toMatchObject({ code: 'MISSING_RESOURCE', key: 'tool', available: ['apple', 'zebra'] })
    expect(cause.message).toContain('"tool"')
  })

  test('a declared resource deleted during a run / no pause; requiring it throws in the step', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, resources: { tool: resource<Tool>() } }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        return Done(ctx.requireResource('tool').name)
      },
    )
    const session = await page.open(workflow, { resources: { tool: tool('own') } })
    const result = failure(session.run())
    await page.settle()
    session.deleteResource('tool')
    await page.settle()
    expect(session.status).not.toBe('completed')
    await session.asks[0]?.reply(1)
    const error: StepError = await result
    expect(error.cause).toMatchObject({ code: 'MISSING_RESOURCE', key: 'tool' })
  })

  test.each(['__proto__', 'constructor', 'toString'])(
    'requireResource("%s") / missing, never an inherited method',
    async (key) => {
      const workflow = defineWorkflow({ ...flow, resources: { tool: resource<Tool>() } }).step(
        'work',
        { on: Go, emits: [Done] },
        (ctx) => {
          const error: MissingResourceError = thrown(() => ctx.requireResource(key as never))
          return Done([error.code, error.key, ctx.getResource(key as never, 'fallback')])
        },
      )
      const session = await profile().open(workflow, { resources: { tool: tool('own') } })
      expect(await session.run()).toEqual(['MISSING_RESOURCE', key, 'fallback'])
    },
  )
})

describe('factories', () => {
  test('a factory / is called once per session, on first use; the next session calls it again', async () => {
    let made = 0
    const workflow = defineWorkflow({ ...flow, resources: { db: resource(() => ({ n: ++made })) } })
      .step('start', { on: Go, emits: [Item] }, () => Item(1))
      .step('work', { on: Item, emits: [Done] }, (ctx) =>
        Done([ctx.resources.db.n, ctx.requireResource('db').n]),
      )
    const page = profile()
    const session = await page.open(workflow, { id: 'one' })
    expect(made).toBe(0)
    expect(await session.run()).toEqual([1, 1])
    expect(await session.run()).toEqual([1, 1])
    expect(await (await page.open(workflow, { id: 'two' })).run()).toEqual([2, 2])
  })

  test('three concurrent users of one slow asynchronous factory / one call', async () => {
    const opened = gate<Tool>()
    let calls = 0
    const workflow = defineWorkflow({
      ...flow,
      resources: { db: resource(() => (calls++, opened.promise)) },
    })
      .step('start', { on: Go, emits: [Item] }, (ctx) => [1, 2, 3].forEach((n) => ctx.send(Item(n))))
      .step('work', { on: Item, emits: [Done] }, async (ctx, event) => {
        const db = await ctx.resources.db
        const all = await ctx.collect(event, [Item, Item, Item])
        return all && Done(db.name)
      })
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    opened.open(tool('db'))
    expect(await result).toBe('db')
    expect(calls).toBe(1)
  })

  test('an asynchronous factory fails / the step fails, its retry policy applies, and the factory is called again', async () => {
    let calls = 0
    const workflow = defineWorkflow({
      ...flow,
      resources: {
        db: resource(async () => {
          if (++calls < 3) throw new Error('no connection')
          return tool('db')
        }),
      },
    }).step('work', { on: Go, emits: [Done], retry: { attempts: 5 } }, async (ctx) =>
      Done((await ctx.resources.db).name),
    )
    expect(await (await profile().open(workflow)).run()).toBe('db')
    expect(calls).toBe(3)
  })

  test('a synchronous factory throws / the step fails with it, and the next try calls it again', async () => {
    let calls = 0
    const workflow = defineWorkflow({
      ...flow,
      resources: {
        db: resource(() => {
          if (++calls === 1) throw new Error('no connection')
          return tool('db')
        }),
      },
    }).step('work', { on: Go, emits: [Done] }, (ctx) => Done(ctx.resources.db.name))
    const session = await profile().open(workflow)
    const error: StepError = await failure(session.run())
    expect(error.message).toContain('no connection')
    expect(await session.retry()).toBe('db')
  })

  test('dependencies come from get(); injected values go before factories', async () => {
    const url = resource<string>()
    const client = resource(({ get }) => ({ url: get(url) }))
    const workflow = defineWorkflow({ ...flow, resources: { url, client } }).step(
      'work',
      { on: Go, emits: [Done] },
      (ctx) => Done(ctx.resources.client.url),
    )
    const page = profile()
    expect(await (await page.open(workflow, { id: 'a', resources: { url: 'http://a' } })).run()).toBe(
      'http://a',
    )
    const injected = await page.open(workflow, {
      id: 'b',
      resources: { url: 'http://b', client: { url: 'mine' } },
    })
    expect(await injected.run()).toBe('mine')
  })

  test('a cycle / an error with the chain', async () => {
    const a: ReturnType<typeof resource<Tool>> = resource(({ get }) => tool(get(b).name))
    const b: ReturnType<typeof resource<Tool>> = resource(({ get }) => tool(get(a).name))
    const workflow = defineWorkflow({ ...flow, resources: { a, b } }).step(
      'work',
      { on: Go, emits: [Done] },
      (ctx) => Done(ctx.resources.a.name),
    )
    const error: StepError = await failure((await profile().open(workflow)).run())
    expect(error.message).toContain('a -> b -> a')
  })

  test("a factory injected at open or into the workflow's layer / is called as well", async () => {
    const page = profile()
    const session = await page.open(needing, { resources: { tool: resource(() => tool('made')) } })
    expect(await session.run()).toEqual(['made', 'made', 'made'])
  })
})

describe('saving', () => {
  test('resources on both layers / only their sorted keys are stored, no object anywhere', async () => {
    const page = profile()
    const secret = { name: 'secret client', token: 'secret token' }
    page.engine.flow(needing).setResources({ tool: secret })
    const workflow = defineWorkflow({
      ...flow,
      resources: { zoo: resource<Tool>(), tool: resource<Tool>() },
    }).step('work', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      await ctx.ask(Question(1))
      return Done(ctx.resources.zoo.name)
    })
    page.engine.flow(workflow).setResources({ tool: secret })
    const session = await page.open(workflow, { resources: { zoo: secret } })
    void session.run()
    await session.flush()
    const json = session.toJSON() as { resourceKeys?: string[] }
    expect(json.resourceKeys).toEqual(['tool', 'zoo'])
    const everything = JSON.stringify(json) + JSON.stringify(await page.engine.export('flow'))
    expect(everything).not.toContain('secret')
  })
})
