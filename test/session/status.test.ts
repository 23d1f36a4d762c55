import { describe, expect, test } from 'vitest'
import { allOf, defineWorkflow, resource } from '../../src/index'
import { createModel } from '../../src/session/model/model'
import type { RecordBody } from '../../src/session/model/record'
import { reduce } from '../../src/session/model/reduce'
import { statusOf } from '../../src/session/model/status'
import {
  asking,
  Done,
  failure,
  flow,
  gate,
  Go,
  Item,
  Nudge,
  profile,
  Question,
  Worked,
  type Profile,
} from '../support/flows'

const working = (stop: Promise<unknown> = gate().promise) =>
  defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async () => {
    await stop
    return Done(1)
  })

describe('each status, live and after a reload', () => {
  test('idle', async () => {
    const page = profile()
    const session = await page.open(asking)
    expect(session.status).toBe('idle')
    session.state.set('typed', 1)
    await page.reload()
    const again = await page.open(asking)
    expect(again.status).toBe('idle')
    expect(again.state.get('typed')).toBe(1)
    expect(again.resumed).toMatchObject({ found: true })
  })

  test('loading', async () => {
    const page = profile()
    const session = page.engine.session(asking)
    expect(session.status).toBe('loading')
    await session.ready
    expect(session.status).toBe('idle')
  })

  test('running', async () => {
    const page = profile()
    const session = await page.open(working())
    void session.run()
    await page.settle()
    expect(session.status).toBe('running')
    await page.reload()
    const again = await page.open(working())
    expect(again.status).toBe('running')
    expect(again.resumed).toMatchObject({ found: true })
  })

  test('waiting: an ask, a wait, a sleep, a backoff', async () => {
    const flows = [
      asking,
      defineWorkflow({ ...flow, events: [Nudge] }).step('wait', { on: Go, emits: [Done] }, async (ctx) =>
        Done((await ctx.waitFor(Nudge)).data),
      ),
      defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.sleep(1000)
        return Done(1)
      }),
      defineWorkflow({ ...flow }).step(
        'fail',
        { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
        () => {
          throw new Error('no')
        },
      ),
      defineWorkflow({ ...flow }).step(
        'effect',
        { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
        async (ctx) => Done(await ctx.once('fail', () => Promise.reject(new Error('no')))),
      ),
      defineWorkflow({ ...flow }).node(
        'node',
        { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
        { execute: () => Promise.reject(new Error('no')) },
      ),
      defineWorkflow({ ...flow }).subflow('sub', {
        ...{ on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
        workflow: defineWorkflow({ ...flow, name: 'child' }).step('fail', { on: Go, emits: [Done] }, () => {
          throw new Error('no')
        }),
      }),
    ]
    for (const workflow of flows) {
      const page = profile()
      const session = await page.open(workflow)
      void session.run()
      await page.settle()
      expect(session.status).toBe('waiting')
      await page.reload()
      const again = await page.open(workflow)
      await page.settle()
      expect(again.status).toBe('waiting')
      expect(again.resumed).toMatchObject({ reason: 'return' })
    }
  })

  test('the retry begins after a backoff / listeners are told', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 50 } },
      async (ctx) => {
        if (ctx.attempt === 1) throw new Error('no')
        await gate().promise
      },
    )
    const session = await page.open(workflow)
    session.run().catch(() => {})
    const told: string[] = []
    session.subscribe(() => told.push(session.status))
    await page.settle()
    expect(told.at(-1)).toBe('waiting')
    await page.clock.advance(50)
    expect(told.at(-1)).toBe('running')
  })

  test('reloaded while an ask is open / `resumed` does not say crash', async () => {
    const page = profile()
    void (await page.open(asking)).run()
    await page.reload()
    const { resumed } = await page.open(asking)
    expect(resumed.found && resumed.reason).not.toBe('crash')
    expect(resumed.found && resumed.savedAt).toBe(page.clock.now())
  })

  test('of two asks at once one is answered, then reloaded twice / still only waiting: no crash, and no record of one', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done(await Promise.all([1, 2].map(async (n) => (await ctx.ask(Question(n))).data))),
    )
    let session = await page.open(workflow)
    void session.run()
    await page.settle()
    await session.asks[1]?.reply('second')
    const { length } = session.history()
    for (let reload = 0; reload < 2; reload++) {
      await page.reload()
      session = await page.open(workflow)
      await page.settle()
      expect(session.resumed).toMatchObject({ found: true, reason: 'return' })
      expect(session.history()).toHaveLength(length)
    }
    await session.asks[0]?.reply('first')
    expect(await session.run()).toEqual(['first', 'second'])
  })

  test('completed, failed, cancelled, stalled: with result or error', async () => {
    const cases = [
      ['completed', () => Done({ n: 1 })],
      [
        'failed',
        () => {
          throw new Error('no')
        },
      ],
      ['cancelled', () => gate<never>().promise],
      ['stalled', () => undefined],
    ] as const
    for (const [status, handler] of cases) {
      const page = profile()
      const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, handler)
      const session = await page.open(workflow)
      session.run().catch(() => {})
      await page.settle()
      if (status === 'cancelled') session.cancel()
      await page.settle()
      expect(session.status).toBe(status)
      const message = session.error?.message
      await page.reload()
      const again = await page.open(workflow)
      await page.settle()
      expect(again.status).toBe(status)
      expect(again.error?.message).toBe(message)
      expect(again.result).toEqual(status === 'completed' ? { n: 1 } : undefined)
      expect(again.error === undefined).toBe(status === 'completed')
    }
  })

  test('error: the session cannot be loaded', async () => {
    const page = profile()
    void (await page.open(asking)).run()
    await page.reload()
    const other = defineWorkflow({ ...flow, name: 'other' }).step('a', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const session = page.engine.session(other, { id: 'flow' })
    await failure(session.ready)
    expect(session.status).toBe('error')
    expect(session.error).toMatchObject({ code: 'WRONG_WORKFLOW' })
  })
})

describe('derived from data, never from the last event', () => {
  test('one of two asks is answered / still waiting', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const both = await Promise.all([ctx.ask(Question(1)), ctx.ask(Question(2))])
        return Done(both.length)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    await session.asks[0]?.reply(1)
    await page.settle()
    expect(session.status).toBe('waiting')
  })

  test('an effect in flight beside an open ask / running', async () => {
    const page = profile()
    const effect = gate()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await Promise.all([ctx.ask(Question(1)), ctx.once('effect', () => effect.promise)])
        return Done(1)
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(session.status).toBe('running')
    effect.open()
    await page.settle()
    expect(session.status).toBe('waiting')
  })

  test('an allOf whose other event never comes, at the end of everything else / stalled and listed, also after a reload', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, skip: ['unproduced'] })
      .step('start', { on: Go, emits: [Item, Nudge] }, () => [Item(1), Nudge(1)])
      .step('pair', { on: allOf(Item, Worked), emits: [Done] }, () => Done(1))
      .step('last', { on: Nudge, asks: [Question] }, async (ctx) => {
        await ctx.ask(Question(1))
      })
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.reload()
    const again = await page.open(workflow)
    await again.asks[0]?.reply(1)
    await page.settle()
    expect([again.status, again.error]).toMatchObject(['stalled', { code: 'STALLED', unconsumed: ['item'] }])
    await again.send(Worked(2))
    await page.settle()
    expect(again.result).toBe(1)
  })

  test('an allOf with one of its events, and an open ask / waiting, not stalled', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, () => Item(1))
      .step('ask', { on: Go, asks: [Question], emits: [Worked] }, async (ctx) => {
        await ctx.ask(Question(1))
        return Worked(2)
      })
      .step('both', { on: allOf(Item, Worked), emits: [Done] }, (_, [a, b]) => Done([a.data, b.data]))
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply(1)
    expect(await result).toEqual([1, 2])
  })

  test('an allOf with one of its events, and the other comes from outside / waiting, also after a reload', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('start', { on: Go, emits: [Item] }, () => Item(1))
      .step('both', { on: allOf(Item, Nudge), emits: [Done] }, (_, [a, b]) => Done([a.data, b.data]))
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    expect(session.status).toBe('waiting')
    await page.reload()
    const again = await page.open(workflow)
    const result = again.run()
    await page.settle()
    expect(again.status).toBe('waiting')
    await again.send(Nudge(2))
    expect(await result).toEqual([1, 2])
  })
})

describe('pause and resume', () => {
  const two = (order: string[], stop: Promise<unknown>) =>
    defineWorkflow({ ...flow })
      .step('one', { on: Go, emits: [Item] }, async () => {
        order.push('one')
        await stop
        return Item(1)
      })
      .step('two', { on: Item, emits: [Done] }, () => (order.push('two'), Done(1)))

  test('pause() while a step runs / it ends, and no other starts; resume() / goes on', async () => {
    const page = profile()
    const order: string[] = []
    const stop = gate()
    const session = await page.open(two(order, stop.promise))
    const result = session.run()
    await page.settle()
    session.pause()
    stop.open()
    await page.clock.advance(1000)
    expect(order).toEqual(['one'])
    expect(session.status).toBe('paused')
    session.resume()
    expect(await result).toBe(1)
    expect(order).toEqual(['one', 'two'])
  })

  test('paused, then a reload / still paused', async () => {
    const page = profile()
    const order: string[] = []
    const stop = gate()
    const session = await page.open(two(order, stop.promise))
    void session.run()
    await page.settle()
    session.pause()
    stop.open()
    await page.reload()
    const again = await page.open(two(order, stop.promise))
    await page.clock.advance(1000)
    expect(again.status).toBe('paused')
    expect(order).toEqual(['one'])
    again.resume()
    await page.settle()
    expect(again.result).toBe(1)
  })

  test('pause() before run() / nothing starts', async () => {
    const page = profile()
    const order: string[] = []
    const session = await page.open(two(order, Promise.resolve()))
    session.pause()
    const result = session.run()
    await page.clock.advance(100)
    expect(order).toEqual([])
    expect(session.status).toBe('paused')
    session.resume()
    expect(await result).toBe(1)
  })

  test('paused while a sleep, a deadline and a backoff run out / all three come at the resume', async () => {
    const page = profile()
    const order: string[] = []
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] })
      .step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.sleep(100)
        order.push('woke')
      })
      .step('ask', { on: Go, asks: [Question] }, async (ctx) => {
        await ctx.ask(Question(1), { timeout: 100 }).catch(() => order.push('timeout'))
      })
      .step('retry', { on: Go, retry: { attempts: 2, delay: 100 } }, (ctx) => {
        if (ctx.attempt === 1) throw new Error('no')
        order.push('retried')
      })
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    session.pause()
    await page.clock.advance(10_000)
    expect(order).toEqual([])
    session.resume()
    await page.clock.advance(0)
    await page.clock.advance(1)
    expect([...order].sort((a, b) => (a < b ? -1 : 1))).toEqual(['retried', 'timeout', 'woke'])
  })

  test('resumed before a sleep runs out / it still ends in time', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.sleep(1000)
      return Done(1)
    })
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(100)
    session.pause()
    await page.clock.advance(100)
    session.resume()
    await page.clock.advance(800)
    expect(session.status).toBe('completed')
    expect(await result).toBe(1)
  })

  test('autoResume: false / interrupted work is paused until resume()', async () => {
    const page = profile()
    let ran = 0
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async () => {
      ran++
      if (ran === 1) await gate().promise
      return Done(1)
    })
    void (await page.open(workflow)).run()
    await page.reload()
    const again = await page.open(workflow, { autoResume: false })
    await page.clock.advance(1000)
    expect(again.status).toBe('paused')
    expect(ran).toBe(1)
    again.resume()
    await page.settle()
    expect(again.result).toBe(1)
  })

  test('step() / one execution at a time, false when nothing is left', async () => {
    const page = profile()
    const order: string[] = []
    const session = await page.open(two(order, Promise.resolve()))
    session.pause()
    const result = session.run()
    await page.settle()
    expect(await session.step()).toBe(true)
    expect(order).toEqual(['one'])
    expect(session.status).toBe('paused')
    expect(await session.step()).toBe(false)
    expect(order).toEqual(['one', 'two'])
    expect(await result).toBe(1)
  })
})

describe('missing resources', () => {
  interface Tool {
    readonly name: string
  }
  const needing = (ran: string[]) =>
    defineWorkflow({
      ...flow,
      resources: {
        tool: resource<Tool>(),
        another: resource<Tool>(),
        log: resource<Tool>({ optional: true }),
      },
    }).step('work', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      ran.push(ctx.resources.tool.name)
      const { data } = await ctx.ask(Question(1))
      return Done([ctx.requireResource('tool').name, data])
    })

  test('a fresh run / paused, the keys listed, no step runs; injecting them carries on', async () => {
    const page = profile()
    const ran: string[] = []
    const session = await page.open(needing(ran))
    expect(session.missingResources).toEqual(['another', 'tool'])
    const result = session.run()
    await page.clock.advance(100)
    expect(session.status).toBe('paused')
    expect(ran).toEqual([])
    session.setResources({ tool: { name: 'hammer' } })
    await page.settle()
    expect(session.missingResources).toEqual(['another'])
    expect(ran).toEqual([])
    session.setResources({ another: { name: 'saw' } })
    await page.settle()
    expect(ran).toEqual(['hammer'])
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply('yes')
    expect(await result).toEqual(['hammer', 'yes'])
  })

  test('after a reload without them / paused, no wait is consumed, no step runs; injecting them carries on', async () => {
    const page = profile()
    const ran: string[] = []
    const resources = { tool: { name: 'hammer' }, another: { name: 'saw' } }
    const session = await page.open(needing(ran), { resources })
    void session.run()
    await page.reload()
    const again = await page.open(needing(ran))
    await page.clock.advance(100)
    expect(again.status).toBe('paused')
    expect(again.missingResources).toEqual(['another', 'tool'])
    expect(ran).toEqual(['hammer'])
    expect(again.asks).toHaveLength(1)
    again.setResources(resources)
    await page.settle()
    expect(again.status).toBe('waiting')
    await again.asks[0]?.reply('yes')
    await page.settle()
    expect(again.result).toEqual(['hammer', 'yes'])
  })

  test('a reply while resources are missing / is kept, and the step gets it later', async () => {
    const page = profile()
    const ran: string[] = []
    const resources = { tool: { name: 'hammer' }, another: { name: 'saw' } }
    void (await page.open(needing(ran), { resources })).run()
    await page.reload()
    const again = await page.open(needing(ran))
    await page.settle()
    expect(await again.asks[0]?.reply('early')).toBe(true)
    await page.settle()
    expect(again.asks).toEqual([])
    again.setResources(resources)
    await page.settle()
    expect(again.result).toEqual(['hammer', 'early'])
  })

  test('a sleep runs out while resources are missing / it ends when they are there', async () => {
    const page: Profile = profile()
    const workflow = defineWorkflow({ ...flow, resources: { tool: resource<Tool>() } }).step(
      'sleep',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.sleep(1000)
        return Done(ctx.resources.tool.name)
      },
    )
    void (await page.open(workflow, { resources: { tool: { name: 'hammer' } } })).run()
    await page.reload()
    const again = await page.open(workflow)
    await page.clock.advance(5000)
    expect(again.status).toBe('paused')
    again.setResources({ tool: { name: 'saw' } })
    await page.clock.advance(0)
    await page.clock.advance(1)
    expect(again.result).toBe('saw')
  })
})

test('a step with a thousand results / its status reads none of them', () => {
  const model = createModel({}, 'line')
  let seq = 0
  const fold = (record: RecordBody): void => reduce(model, { seq: ++seq, at: 0, ...record })
  const start = { id: 1, type: 'go', to: ['work'] }
  fold({ kind: 'started', run: 'run', event: start })
  fold({ kind: 'taken', exec: 1, step: 'work', events: [1] })
  for (let n = 0; n < 1000; n++) {
    fold({ kind: 'opened', exec: 1, key: `once:${n}`, type: 'once' })
    fold({ kind: 'done', exec: 1, key: `once:${n}`, type: 'once', value: n })
  }
  let looks = 0
  for (const point of model.execs.get(1)?.points.values() ?? []) {
    const { result } = point
    Object.defineProperty(point, 'result', { get: () => (++looks, result) })
  }
  expect(statusOf(model, false, undefined)).toBe('running')
  fold({ kind: 'opened', exec: 1, key: 'ask:question#1', type: 'ask', reply: 'answer' })
  expect(statusOf(model, false, undefined)).toBe('waiting')
  fold({ kind: 'opened', exec: 1, key: 'once:last', type: 'once' })
  expect(statusOf(model, false, undefined)).toBe('running')
  expect(looks).toBe(0)
})
