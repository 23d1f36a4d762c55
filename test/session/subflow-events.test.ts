import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  resource,
  type AnySession,
  type AnyWorkflow,
} from '../../src/index'
import { virtualClock, virtualTabs } from '../../src/testing'
import { Done, failure, flow, gate, Go, Nudge, profile, thrown } from '../support/flows'

const Signal = defineEvent('signal', z.object({ n: z.coerce.number() }))
const Extra = defineEvent('extra', z.string())
const Out = defineEvent('out', z.unknown())

/** Waits for two signals; anything extra is kept beside. */
const child = defineWorkflow({
  ...{ name: 'child', version: 1, start: Go, stop: Done },
  state: z.object({ extra: z.array(z.string()).default([]) }),
  events: [Signal, Extra],
})
  .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
    const one = await ctx.waitFor(Signal)
    const two = await ctx.waitFor(Signal, { where: (it) => it.data.n > one.data.n })
    return Done([one.data.n, two.data.n, ctx.state.get('extra')])
  })
  .step('extra', { on: Extra }, (ctx, { data }) => ctx.state.append('extra', data))

const declared = defineWorkflow(flow).subflow('inner', { on: Go, workflow: child, emits: [Done] })
const called = defineWorkflow(flow).step('inner', { on: Go, emits: [Done] }, async (ctx) =>
  Done(await ctx.subflow(child)),
)
/** What only the child's code knows. */
const loosely = (event: unknown) => event as never

async function running<W extends AnyWorkflow>(workflow: W) {
  const page = profile()
  const session = await page.open(workflow)
  session.run(...([] as never)).catch(() => {})
  await page.settle()
  return { page, session }
}

describe.each([
  ['.subflow', declared],
  ['ctx.subflow', called],
])('%s: an event that the running child knows', (_, workflow) => {
  test('goes to its waits, oldest first, with its schema and predicate, and to its steps', async () => {
    const { page, session } = await running(workflow)
    expect(await session.send(loosely({ type: 'signal', data: { n: '3' } }))).toBe(true)
    expect(await session.send(loosely(Extra('x')))).toBe(true)
    await page.settle()
    expect(await session.send(loosely(Signal({ n: 2 })))).toBe(false)
    expect(await session.send(loosely(Signal({ n: 4 })))).toBe(true)
    expect(await session.run()).toEqual([3, 4, ['x']])
  })

  test('sent right after a reload, and stored / it is there, once', async () => {
    const { page } = await running(workflow)
    await page.reload()
    const second = await page.open(workflow)
    const sent = second.send(loosely(Signal({ n: 1 })))
    await page.settle()
    expect(await sent).toBe(true)
    await page.reload()
    const third = await page.open(workflow)
    await page.settle()
    // Its predicate is known again once its step has run up to the wait.
    expect(await third.send(loosely(Signal({ n: 1 })))).toBe(false)
    expect(await third.send(loosely(Signal({ n: 2 })))).toBe(true)
    expect(await third.run()).toEqual([1, 2, []])
  })

  test('sent to the step that is the child / taken; sent to another / refused at the call', async () => {
    const { page, session } = await running(workflow)
    expect(await session.send(loosely(Signal({ n: 1 })), { step: 'inner' })).toBe(true)
    await page.settle()
    expect(() => session.send(loosely(Nudge(1)), { step: 'inner' })).toThrow(/nudge/)
    expect(() => session.send(loosely(Signal({ n: 2 })), { step: 'wait' as 'inner' })).toThrow(/no step|wait/)
  })

  test('sent to the step that is the child, right after a reload / taken', async () => {
    const { page } = await running(workflow)
    await page.reload()
    const again = await page.open(workflow)
    expect(await again.send(loosely(Signal({ n: 1 })), { step: 'inner' })).toBe(true)
    await page.settle()
    expect(await again.send(loosely(Signal({ n: 2 })), { step: 'inner' })).toBe(true)
    expect(await again.run()).toEqual([1, 2, []])
  })

  test('an unknown event, or one that fails its schema / an error at the call', async () => {
    const { session } = await running(workflow)
    expect(thrown<Error>(() => session.send(loosely(Nudge(1)))).name).toBe('UnknownEventError')
    expect(thrown<Error>(() => session.send(loosely({ type: 'signal', data: {} }))).name).toBe(
      'EventValidationError',
    )
  })

  test('after cancel() / nobody takes it', async () => {
    const { page, session } = await running(workflow)
    session.cancel()
    await page.settle()
    const sent = () => session.send(loosely(Signal({ n: 1 })))
    // A `ctx.subflow` is known only while it runs.
    if ((workflow as unknown) === called) expect(thrown<Error>(sent).name).toBe('UnknownEventError')
    else expect(await sent()).toBe(false)
  })

  test('sent by a follower / the child gets it, validated', async () => {
    const clock = virtualClock()
    const options = { clock, storage: memoryStorage(), ...virtualTabs() }
    const one = await createEngine(options).open(workflow)
    const two = await createEngine(options).open(workflow)
    one.run().catch(() => {})
    await clock.advance(1000)
    const sent = two.send(loosely({ type: 'signal', data: { n: '1' } }))
    await clock.advance(1000)
    expect(await sent).toBe(true)
    const again = two.send(loosely(Signal({ n: 2 })))
    await clock.advance(1000)
    expect(await again).toBe(true)
    await clock.advance(1000)
    expect(two.result).toEqual([1, 2, []])
  })
})

describe('an event sent to an ask of a sub-flow, with a transforming schema', () => {
  const Told = defineEvent('told', z.string().transform(Number))
  const AskTold = defineEvent('askTold', undefined, { reply: Told })
  const asker = defineWorkflow({ ...flow, name: 'asker' }) //
    .step('ask', { on: Go, asks: [AskTold], emits: [Done] }, async (ctx) =>
      Done((await ctx.ask(AskTold())).data),
    )
  const options = { on: Go, emits: [Done] } as const
  const declared: AnyWorkflow = defineWorkflow(flow).subflow('inner', { ...options, workflow: asker })
  const called: AnyWorkflow = defineWorkflow(flow) //
    .step('inner', options, async (ctx) => Done(await ctx.subflow(asker)))
  const tell = (session: AnySession) => session.send(loosely(Told('5')), { ask: session.asks[0]?.id })

  test.each([
    ['declared', 'at once', declared],
    ['declared', 'right after a reload', declared],
    ['called', 'at once', called],
    ['called', 'right after a reload', called],
  ])('that is %s, %s / arrives transformed once', async (_, when, workflow) => {
    const { page, session } = await running(workflow)
    if (when === 'right after a reload') await page.reload()
    const open: AnySession = when === 'at once' ? session : await page.open(workflow)
    expect(await tell(open)).toBe(true)
    expect(await open.run()).toBe(5)
  })

  // As docs/graphs.md says: the asks of a sub-flow that a handler calls are among its step's own.
  const known: AnyWorkflow = defineWorkflow(flow) //
    .step('inner', { ...options, asks: [AskTold] }, async (ctx) => Done(await ctx.subflow(asker)))

  test.each([
    ['declared', declared],
    ['called by a step that says what it asks', known],
  ])('that is %s, by a follower / arrives transformed once', async (_, workflow) => {
    const clock = virtualClock()
    const browser = { clock, storage: memoryStorage(), ...virtualTabs() }
    const one: AnySession = await createEngine(browser).open(workflow)
    const two: AnySession = await createEngine(browser).open(workflow)
    void one.run()
    await clock.advance(1000)
    const told = tell(two)
    await clock.advance(1000)
    expect(await told).toBe(true)
    await clock.advance(1000)
    expect(two.result).toBe(5)
  })

  test('whose name is another event of the workflow around it, by a follower / is checked by the schema of the sub-flow', async () => {
    const Other = defineEvent('told', z.number())
    const around: AnyWorkflow = defineWorkflow({ ...flow, events: [Other] }) //
      .step('inner', options, async (ctx) => Done(await ctx.subflow(asker)))
    const clock = virtualClock()
    const browser = { clock, storage: memoryStorage(), ...virtualTabs() }
    const one: AnySession = await createEngine(browser).open(around)
    const two: AnySession = await createEngine(browser).open(around)
    void one.run()
    await clock.advance(1000)
    const sent = failure(two.send(loosely(Other(5)), { ask: two.asks[0]?.id }))
    await clock.advance(1000)
    expect(await sent).toMatchObject({ code: 'EVENT_VALIDATION' })
    expect(one.asks).toHaveLength(1)
  })
})

describe('who takes an event', () => {
  test('the outer workflow waits too / it goes first; then the oldest child that waits, exactly one', async () => {
    const outer = defineWorkflow({ ...flow, events: [Signal] }).step(
      'begin',
      { on: Go, emits: [Done] },
      async (ctx) => {
        const children = [ctx.subflow(child), ctx.subflow(child)]
        const own = await ctx.waitFor(Signal)
        return Done([own.data.n, ...(await Promise.all(children))])
      },
    )
    const { page, session } = await running(outer)
    for (const n of [1, 2, 3, 4, 5]) {
      expect(await session.send(Signal({ n }))).toBe(true)
      await page.settle()
    }
    expect(session.result).toEqual([1, [2, 3, []], [4, 5, []]])
  })

  test("the oldest child's schema refuses it, another child's does not / the other child gets it", async () => {
    const strict = defineEvent('signal', z.object({ n: z.number().max(5) }))
    const small = defineWorkflow({ name: 'small', version: 1, start: Go, stop: Done, events: [strict] }).step(
      'wait',
      { on: Go, emits: [Done] },
      async (ctx) => Done((await ctx.waitFor(strict)).data.n),
    )
    const outer = defineWorkflow({ ...flow, events: [Signal] }).step(
      'begin',
      { on: Go, emits: [Done] },
      async (ctx) => Done(await Promise.all([ctx.subflow(small), ctx.subflow(child)])),
    )
    const { page, session } = await running(outer)
    for (const n of [6, 7, 5]) {
      expect(await session.send(Signal({ n }))).toBe(true)
      await page.settle()
    }
    expect(session.result).toEqual([5, [6, 7, []]])
  })

  test('sent before a reloaded step has come to its sub-flow again / kept for it', async () => {
    const outer = defineWorkflow(flow).step('inner', { on: Go, emits: [Done] }, async (ctx) => {
      await ready.promise
      return Done(await ctx.subflow(child))
    })
    let ready = gate()
    ready.open()
    const { page } = await running(outer)
    ready = gate()
    await page.reload()
    const again = await page.open(outer)
    const sent = again.send(loosely(Signal({ n: 1 })))
    await page.settle()
    ready.open()
    expect(await sent).toBe(true)
    await page.settle()
    expect(await again.send(loosely(Signal({ n: 2 })))).toBe(true)
    expect(await again.run()).toEqual([1, 2, []])
  })

  test('sent while a reloaded step does not come to its sub-flow again / nobody takes it; once it does, one that nobody knows is an error', async () => {
    const { page } = await running(called)
    await page.reload()
    const held = await page.open(called, { autoResume: false })
    expect(await held.send(loosely(Signal({ n: 1 })))).toBe(false)
    const nonsense = failure(held.send(loosely(Nudge(1))))
    held.resume()
    expect(await nonsense).toMatchObject({ name: 'UnknownEventError' })
  })

  test('two steps are the same sub-flow, and it is sent to the second / that one gets it', async () => {
    const outer = defineWorkflow(flow)
      .subflow('one', { on: Go, workflow: child, emits: [Done] })
      .subflow('two', { on: Go, workflow: child, emits: [Done] })
    const { page, session } = await running(outer)
    for (const n of [1, 2]) {
      expect(await session.send(loosely(Signal({ n })), { step: 'two' })).toBe(true)
      await page.settle()
    }
    expect(session.result).toEqual([1, 2, []])
  })

  test('three deep / the innermost child gets it', async () => {
    const middle = defineWorkflow({ name: 'middle', version: 1, start: Go, stop: Done }).subflow('child', {
      on: Go,
      workflow: child,
      emits: [Done],
    })
    const outer = defineWorkflow(flow).subflow('middle', { on: Go, workflow: middle, emits: [Done] })
    const { page, session } = await running(outer)
    expect(await session.send(Signal({ n: 1 }))).toBe(true)
    await page.reload()
    const again = await page.open(outer)
    await page.settle()
    expect(await again.send(Signal({ n: 2 }), { step: 'middle' })).toBe(true)
    expect(await again.run()).toEqual([1, 2, []])
  })

  test('the child has not begun / nobody takes it, and the session is unchanged', async () => {
    const hold = gate()
    const outer = defineWorkflow(flow)
      .step('before', { on: Go, emits: [Out] }, async () => {
        await hold.promise
        return Out(1)
      })
      .step('between', { on: Out, emits: [Nudge] }, () => Nudge(1))
      .subflow('inner', { on: Nudge, workflow: child, capture: { input: 'value' }, emits: [Done] })
    const { session } = await running(outer)
    const before = session.history().length
    expect(await session.send(Signal({ n: 1 }))).toBe(false)
    expect(session.history()).toHaveLength(before)
    hold.open()
  })

  test('sent to a step whose child does not know it, before the first run or while the child runs / refused at the call', async () => {
    const outer = defineWorkflow({ ...flow, events: [Nudge] })
      .step('nudge', { on: Nudge }, () => {})
      .step('called', { on: Go }, async (ctx) => void (await ctx.subflow(child)))
      .subflow('declared', { on: Go, workflow: child, emits: [Done] })
    const session = await profile().open(outer)
    const refused = () =>
      (['called', 'declared'] as const).map(
        (step) => thrown<Error>(() => session.send(loosely(Nudge(1)), { step })).name,
      )
    expect(refused()).toEqual(['EventNotAcceptedError', 'EventNotAcceptedError'])
    expect(await session.send(Signal({ n: 1 }), { step: 'declared' })).toBe(false)
    session.run().catch(() => {})
    expect(await session.send(Nudge(1), { step: 'nudge' })).toBe(true)
    expect(refused()).toEqual(['EventNotAcceptedError', 'EventNotAcceptedError'])
  })

  test('before the first run / nobody takes it; while paused / kept for the child', async () => {
    const page = profile()
    const session = await page.open(declared)
    expect(await session.send(Signal({ n: 1 }))).toBe(false)
    session.run().catch(() => {})
    await page.settle()
    session.pause()
    expect(await session.send(Signal({ n: 1 }))).toBe(true)
    session.resume()
    await page.settle()
    expect(await session.send(Signal({ n: 2 }))).toBe(true)
    expect(await session.run()).toEqual([1, 2, []])
  })

  test('reloaded with a resource missing / kept for the child until it goes on', async () => {
    const outer = defineWorkflow({ ...flow, resources: { tool: resource<object>() } }).subflow('inner', {
      on: Go,
      workflow: child,
      emits: [Done],
    })
    const page = profile()
    const first = await page.open(outer, { resources: { tool: {} } })
    first.run().catch(() => {})
    await page.reload()
    const second = await page.open(outer)
    expect(second.status).toBe('paused')
    expect(await second.send(Signal({ n: 1 }))).toBe(true)
    expect(await second.send(Extra('early'))).toBe(true)
    second.setResources({ tool: {} })
    await page.settle()
    expect(await second.send(Signal({ n: 2 }))).toBe(true)
    expect(await second.run()).toEqual([1, 2, ['early']])
  })
})

describe('orphans', () => {
  const Kept = defineEvent('kept', z.number())
  const make = (gone: boolean) => {
    const base = defineWorkflow({
      ...{ name: 'child', version: 1, start: Go, stop: Done, events: [Extra] },
      skip: ['unconsumed', 'unproduced', 'unreachable', 'deadEnd'],
    }).step('wait', { on: Go, emits: [Done, Kept] }, async (ctx) => {
      ctx.send(Kept(7))
      await ctx.commit()
      return Done((await ctx.waitFor(Extra)).data)
    })
    const whole = gone ? base : base.step('old', { on: Kept }, async (ctx) => void (await ctx.waitFor(Nudge)))
    const middle = defineWorkflow({ name: 'middle', version: 1, start: Go, stop: Done }).subflow('child', {
      on: Go,
      workflow: whole as typeof base,
      emits: [Done],
    })
    return defineWorkflow(flow).subflow('middle', { on: Go, workflow: middle, emits: [Done] })
  }

  test('in a sub-flow / listed on the session with the steps that lead there; the rest goes on', async () => {
    const page = profile()
    const first = await page.open(make(false))
    first.run().catch(() => {})
    await page.settle()
    expect(first.orphans).toEqual([])
    await page.reload()
    const second = await page.open(make(true))
    await page.settle()
    expect(second.orphans).toEqual([
      { step: 'old', event: { type: 'kept', data: 7 }, within: ['middle', 'child'] },
    ])
    expect(await second.send(Extra('end'))).toBe(true)
    expect(await second.run()).toBe('end')
    expect(second.orphans).toEqual([])
  })
})
