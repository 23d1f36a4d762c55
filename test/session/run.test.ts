import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  resource,
  type EventValidationError,
} from '../../src/index'
import { asking, Done, failure, flow, gate, Go, Item, profile, Question } from '../support/flows'

interface Payments {
  quote(address: { street: string; zip: string }): Promise<number>
  charge(total: number, key: string): Promise<string>
}
const Begin = defineEvent('begin', z.object({ country: z.string() }))
const Address = defineEvent('address', z.object({ street: z.string(), zip: z.string() }))
const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
const Priced = defineEvent('priced', z.object({ total: z.number() }))
const Ordered = defineEvent('ordered', z.object({ orderId: z.string() }))

const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  state: z.object({ address: Address.schema.optional(), note: z.string().default('') }),
  start: Begin,
  stop: Ordered,
  resources: { payments: resource<Payments>() },
})
  .step('address', { on: Begin, asks: [AskAddress], emits: [Priced] }, async (ctx, begin) => {
    const address = await ctx.ask(AskAddress({ country: begin.data.country }))
    await ctx.state.set('address', address.data)
    return Priced({ total: await ctx.once('quote', () => ctx.resources.payments.quote(address.data)) })
  })
  .step('pay', { on: Priced, emits: [Ordered], retry: { attempts: 3, delay: 0 } }, async (ctx, priced) =>
    Ordered({
      orderId: await ctx.once('charge', (key) => ctx.resources.payments.charge(priced.data.total, key)),
    }),
  )

test('a checkout: asked, answered, priced, charged once', async () => {
  const keys: string[] = []
  const payments: Payments = {
    quote: async () => 12,
    charge: async (_total, key) => {
      keys.push(key)
      return 'order-1'
    },
  }
  const storage = memoryStorage()
  const engine = createEngine({ storage })
  const session = await engine.open(checkout, { id: 'cart', resources: { payments } })
  expect(session.status).toBe('idle')
  const result = session.run({ country: 'NL' })
  await Promise.resolve()
  expect(session.status).toBe('waiting')
  session.state.set('note', 'ring')
  await session.flush()
  await session.close()
  await expect(result).rejects.toThrow('closed')

  const again = await createEngine({ storage }).open(checkout, { id: 'cart', resources: { payments } })
  expect(again.status).toBe('waiting')
  expect(again.asks.map((it) => it.data)).toEqual([{ country: 'NL' }])
  expect(again.state.get('note')).toBe('ring')
  expect(await again.asks[0]!.reply({ street: 'Damrak', zip: '1012' })).toBe(true)
  expect(await again.run({ country: 'BE' })).toEqual({ orderId: 'order-1' })
  expect(again.status).toBe('completed')
  expect(again.state.get()).toEqual({ address: { street: 'Damrak', zip: '1012' }, note: 'ring' })
  expect(keys).toHaveLength(1)
})

describe('run(input)', () => {
  const begun: unknown[] = []
  const counting = (stop: { promise: Promise<unknown> } = { promise: Promise.resolve() }) =>
    defineWorkflow({
      name: 'counting',
      version: 1,
      start: Begin,
      stop: Done,
      state: z.object({ n: z.number().default(0) }),
    }).step('count', { on: Begin, emits: [Done] }, async (ctx, { data }) => {
      begun.push(data.country)
      await ctx.state.set('n', (n) => n + 1)
      await ctx.commit()
      await stop.promise
      return Done(`${data.country} ${ctx.state.get('n')}`)
    })

  test('never started, or finished / a new start event, the same state', async () => {
    const session = await profile().open(counting())
    expect(await session.run({ country: 'NL' })).toBe('NL 1')
    expect(await session.run({ country: 'BE' })).toBe('BE 2')
    expect(session.result).toBe('BE 2')
  })

  test('already running here / the same promise, the input is ignored', async () => {
    const page = profile()
    const stop = gate()
    const session = await page.open(counting(stop))
    const one = session.run({ country: 'NL' })
    const two = session.run({ country: 'BE' })
    expect(two).toBe(one)
    stop.open()
    expect(await two).toBe('NL 1')
  })

  test('interrupted / carries on, no new start event, the input is ignored', async () => {
    const page = profile()
    const stop = gate()
    begun.length = 0
    void (await page.open(counting(stop))).run({ country: 'NL' })
    await page.reload()
    const again = await page.open(counting(stop))
    const result = again.run({ country: 'BE' })
    stop.open()
    expect(await result).toBe('NL 1')
    expect(begun).toEqual(['NL', 'NL'])
  })

  test('right after an open that resumes an interrupted run / joins that run, however fast it ends', async () => {
    const page = profile()
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, (ctx) => {
      if (stuck) return gate<never>().promise
      return Done(ctx.runId)
    })
    void (await page.open(workflow)).run()
    await page.reload()
    stuck = false
    const again = await page.open(workflow)
    const runId = await again.run()
    expect(again.result).toBe(runId)
    expect(await again.run()).not.toBe(runId)
  })

  test('while loading / runs once loaded', async () => {
    const page = profile()
    const session = page.engine.session(counting())
    expect(await session.run({ country: 'NL' })).toBe('NL 1')
  })

  test('a stop event without data / the result is undefined, also after a reload', async () => {
    const Over = defineEvent('over')
    const workflow = defineWorkflow({ ...flow, stop: Over }).step('a', { on: Go, emits: [Over] }, () =>
      Over(),
    )
    const page = profile()
    expect(await (await page.open(workflow)).run()).toBe(undefined)
    await page.reload()
    const again = await page.open(workflow)
    expect([again.status, again.result]).toEqual(['completed', undefined])
  })

  test('input that fails the schema / EventValidationError; nothing has begun, nothing is stored', async () => {
    const page = profile()
    const session = await page.open(counting())
    begun.length = 0
    const error: EventValidationError = await failure(session.run({ country: 5 } as never))
    expect(error).toMatchObject({ code: 'EVENT_VALIDATION', type: 'begin' })
    expect(error.issues[0]?.path).toBe('country')
    expect(session.status).toBe('idle')
    await page.clock.advance(2000)
    expect(begun).toEqual([])
    expect(await page.engine.list()).toEqual([])
    expect(await session.run({ country: 'NL' })).toBe('NL 1')
  })

  test('bad input to a completed session / the old result stays', async () => {
    const session = await profile().open(counting())
    await session.run({ country: 'NL' })
    await failure(session.run({} as never))
    expect(session.status).toBe('completed')
    expect(session.result).toBe('NL 1')
  })

  test('while an ask is open / the same promise, no second ask', async () => {
    const page = profile()
    const session = await page.open(asking)
    const one = session.run()
    await page.settle()
    expect(session.status).toBe('waiting')
    expect(session.run()).toBe(one)
    await page.settle()
    expect(session.asks).toHaveLength(1)
    await session.asks[0]?.reply('x')
    expect(await one).toBe('x')
  })

  test('finished, then a reload / a new start event, the same state', async () => {
    const page = profile()
    await (await page.open(counting())).run({ country: 'NL' })
    await page.reload()
    const again = await page.open(counting())
    expect(again.status).toBe('completed')
    expect(again.result).toBe('NL 1')
    expect(await again.run({ country: 'BE' })).toBe('BE 2')
  })

  test('cancelled or stalled / starts over, the same state', async () => {
    const page = profile()
    let stalls = true
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.append('log', 'ran')
        await ctx.commit()
        return stalls ? undefined : Done(ctx.state.get('log'))
      },
    )
    const session = await page.open(workflow)
    expect(await failure(session.run())).toMatchObject({ code: 'STALLED' })
    stalls = false
    expect(await session.run()).toBe('ranran')
    const cancelled = failure(session.run())
    session.cancel()
    expect(await cancelled).toMatchObject({ code: 'CANCELLED' })
    expect(await session.run()).toMatch(/^(ran){3,4}$/)
    expect(session.error).toBeUndefined()
  })

  test('called twice while loading / one run', async () => {
    const page = profile()
    begun.length = 0
    const session = page.engine.session(counting())
    const both = await Promise.all([session.run({ country: 'NL' }), session.run({ country: 'BE' })])
    expect(both).toEqual(['NL 1', 'NL 1'])
    expect(begun).toEqual(['NL'])
  })

  test('retry() in a session that has not failed / SessionStateError, and nothing changes', async () => {
    const session = await profile().open(counting())
    expect(await failure(session.retry())).toMatchObject({ code: 'SESSION_STATE' })
    expect(session.status).toBe('idle')
    await session.run({ country: 'NL' })
    expect(await failure(session.retry())).toMatchObject({ code: 'SESSION_STATE' })
    expect(session.result).toBe('NL 1')
  })

  test('paused, then resumed / the same run goes on', async () => {
    const page = profile()
    const session = await page.open(counting())
    session.pause()
    const one = session.run({ country: 'NL' })
    await page.clock.advance(1000)
    const two = session.run({ country: 'BE' })
    session.resume()
    expect(await one).toBe('NL 1')
    expect(await two).toBe('NL 1')
  })
})

describe('close()', () => {
  test('flushes, rejects a pending run with SessionClosedError, aborts signals without recording a failure', async () => {
    const page = profile()
    let signal: AbortSignal | undefined
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      signal = ctx.signal
      await ctx.state.set('committed', true)
      await ctx.commit()
      return gate<never>().promise
    })
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.settle()
    session.state.set('typed', 'last moment')
    await session.close()
    expect(await result).toMatchObject({ code: 'SESSION_CLOSED', id: 'flow' })
    expect(signal?.aborted).toBe(true)
    const again = await page.open(workflow)
    expect(again).not.toBe(session)
    expect(again.status).toBe('running')
    expect(again.state.get()).toEqual({ committed: true, typed: 'last moment' })
  })

  test('twice / resolves both times; calls after it / SessionClosedError', async () => {
    const page = profile()
    const session = await page.open(checkout, { resources: {} })
    await Promise.all([session.close(), session.close()])
    await session.close()
    expect(await failure(session.run({ country: 'NL' }))).toMatchObject({ code: 'SESSION_CLOSED' })
    expect(await failure(session.retry())).toMatchObject({ code: 'SESSION_CLOSED' })
    expect(() => session.state.set('note', 'x')).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }))
    expect(session.state.get('note')).toBe('')
  })

  test('while loading / ready rejects with SessionClosedError, storage is untouched', async () => {
    const page = profile()
    const session = page.engine.session(checkout)
    session.state.set('note', 'typed')
    await session.close()
    expect(await failure(session.ready)).toMatchObject({ code: 'SESSION_CLOSED' })
    await page.clock.advance(5000)
    expect(await page.engine.list()).toEqual([])
  })

  test('while an ask is open / it is open again at the next open; the closed session refuses a reply', async () => {
    const page = profile()
    const session = await page.open(asking)
    session.run().catch(() => {})
    await page.settle()
    const [old] = session.asks
    await session.close()
    const again = await page.open(asking)
    expect(again.asks.map((it) => it.id)).toEqual([old?.id])
    expect(await failure(old?.reply('x') as Promise<unknown>)).toMatchObject({ code: 'SESSION_CLOSED' })
    expect(again.asks).toHaveLength(1)
    await again.asks[0]?.reply('y')
    await page.settle()
    expect(again.result).toBe('y')
  })

  test('what a step does afterwards / is not stored', async () => {
    const page = profile()
    const stop = gate()
    const after: unknown[] = []
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      await stop.promise
      after.push(await ctx.state.set('late', true).catch((error: Error) => error))
      after.push(await ctx.once('late', () => 1).catch((error: Error) => error))
      return Done(1)
    })
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    await session.close()
    stop.open()
    await page.clock.advance(1000)
    expect(after.every((it) => it instanceof Error)).toBe(true)
    const again = await page.open(workflow, { autoResume: false })
    expect(again.state.get()).toEqual({})
    expect(again.status).not.toBe('completed')
  })
})

test('a run ends while events are queued / the next run has nothing of them', async () => {
  const seen: number[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('begin', { on: Go, emits: [Item] }, () => [Item(1), Item(2)])
    .step('work', { on: Item, emits: [Done], workers: 1 }, (_, { data }) => {
      seen.push(data)
      return Done(data)
    })
  const session = await profile().open(workflow)
  await session.run()
  await session.run()
  expect(seen).toEqual([1, 1])
})

describe('reset()', () => {
  test('of a session that was found / there is nothing to pick up any more', async () => {
    const page = profile()
    void (await page.open(asking)).run()
    await page.reload()
    const session = await page.open(asking)
    expect(session.resumed.found).toBe(true)
    session.reset()
    expect(session.resumed).toEqual({ found: false })
  })

  test('in the middle of a run / the run rejects; state and asks are as in the beginning, also after a reload', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state: z.object({ n: z.number().default(1) }) }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('n', 2)
        await ctx.ask(Question(1))
        return Done(ctx.state.get('n'))
      },
    )
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.settle()
    const id = session.asks[0]?.id
    session.state.set('n', 7)
    session.reset()
    expect(await result).toMatchObject({ code: 'CANCELLED' })
    expect(session.status).toBe('idle')
    expect(session.state.get()).toEqual({ n: 1 })
    expect(session.asks).toEqual([])
    expect(session.error).toBeUndefined()
    await page.reload()
    const again = await page.open(workflow)
    expect(again.status).toBe('idle')
    expect(again.state.get()).toEqual({ n: 1 })
    void again.run()
    await page.settle()
    expect(again.asks).toHaveLength(1)
    expect(again.asks[0]?.id).not.toBe(id)
  })

  test('ctx.state.reset() twice / the second one changes nothing, and nobody is called', async () => {
    const workflow = defineWorkflow({
      ...flow,
      state: z.object({ rows: z.array(z.object({ n: z.number() })).default([{ n: 1 }, { n: 2 }]) }),
    }).step('reset', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      await ctx.state.set('rows', [])
      await ctx.state.reset()
      await ctx.ask(Question(1))
      await ctx.state.reset()
      return Done(ctx.state.get('rows'))
    })
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    const rows = session.state.get('rows')
    let calls = 0
    session.state.subscribe('rows', () => calls++)
    await session.asks[0]?.reply('yes')
    expect(await result).toEqual([{ n: 1 }, { n: 2 }])
    expect(session.state.get('rows')).toBe(rows)
    expect(calls).toBe(0)
  })
})

describe("a step's context and a session's members", () => {
  test('sessionId, runId, step, attempt and event / as documented', async () => {
    const seen: unknown[] = []
    const kept: { readonly runId: string }[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Item] }, (ctx) => {
        seen.push([ctx.sessionId, ctx.step, ctx.attempt, ctx.event.type, typeof ctx.runId])
        return Item(3)
      })
      .step('second', { on: Item, emits: [Done] }, (ctx, event) => {
        seen.push([ctx.sessionId, ctx.step, ctx.event.data, event.data, Object.isFrozen(event)])
        kept.push(ctx)
        return Done(ctx.runId)
      })
    const page = profile()
    const session = await page.open(workflow, { id: 'cart' })
    const runs = [await session.run(), await session.run()]
    expect(new Set(runs).size).toBe(2)
    expect(kept.map((it) => it.runId)).toEqual(runs)
    expect(seen.slice(0, 2)).toEqual([
      ['cart', 'first', 1, 'go', 'string'],
      ['cart', 'second', 3, 3, true],
    ])
  })

  test('the methods of a session / work when destructured', async () => {
    const page = profile()
    const session = await page.open(checkout, { resources: { payments: {} as Payments } })
    const { run, subscribe, flush, toJSON, cancel, close, state } = session
    const { set, get } = state
    set('note', 'x')
    expect(get('note')).toBe('x')
    subscribe(() => {})()
    run({ country: 'NL' }).catch(() => {})
    cancel()
    await flush()
    expect(toJSON()).toMatchObject({ id: 'checkout' })
    await close()
  })

  test('a member of a session / is always the same, and cannot be replaced', async () => {
    const session = await profile().open(checkout, { resources: { payments: {} as Payments } })
    for (const name of ['run', 'send', 'reply', 'cancel', 'events', 'state', 'close', 'fork'] as const) {
      expect(name in session).toBe(true)
      expect(session[name]).toBe(session[name])
      expect(Reflect.set(session, name, 1)).toBe(false)
    }
  })
})
