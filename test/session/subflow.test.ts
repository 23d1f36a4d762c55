import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  defineEvent,
  defineWorkflow,
  resource,
  type StepError,
  type WorkflowError,
} from '../../src/index'
import {
  asking as questioning,
  Done,
  failure,
  flow,
  gate,
  Go,
  Item,
  Nudge,
  profile,
  Question,
  thrown,
  type Profile,
} from '../support/flows'

const Begin = defineEvent('begin', z.object({ total: z.number() }))
const Paid = defineEvent('paid', z.object({ receipt: z.string(), at: z.number() }))
const Priced = defineEvent('priced', z.object({ total: z.number(), extra: z.string().default('extra') }))
const Out = defineEvent('out', z.unknown())

/** A child that answers with what it was given and has seen. */
const payment = defineWorkflow({
  name: 'payment',
  version: 1,
  state: z.object({ card: z.string().default('none'), log: z.array(z.string()).default([]) }),
  flowState: z.object({ payments: z.number().default(0) }),
  start: Begin,
  stop: Paid,
}).step('pay', { on: Begin, emits: [Paid] }, async (ctx, { data }) => {
  await ctx.state.append('log', 'paid')
  await ctx.flowState.set('payments', (it) => it + 1)
  const { card, log } = ctx.state.get()
  return Paid({ receipt: `${data.total} by ${card}, ${log.join()}`, at: ctx.flowState.get('payments') })
})

const shop = {
  name: 'shop',
  version: 1,
  state: z.object({
    card: z.string().default('visa'),
    log: z.array(z.string()).default(['parent']),
    paid: z.object({ receipt: z.string(), at: z.number() }).optional(),
  }),
  flowState: z.object({ payments: z.number().default(10), last: z.string().default('') }),
  start: Priced,
  stop: Out,
} as const

describe('what enters and what comes back', () => {
  test("no mapping / the input is the event's data, the value is the child's result", async () => {
    const workflow = defineWorkflow({ ...shop, state: z.object({}) }).subflow('pay', {
      on: Priced,
      workflow: payment,
      emits: [Out],
    })
    const session = await profile().open(workflow)
    expect(await session.run({ total: 5 })).toEqual({ receipt: '5 by none, paid', at: 1 })
  })

  test('no mapping, events without data before and after / the child runs to its end', async () => {
    const Told = defineEvent('told')
    const Wrapped = defineEvent('wrapped')
    const wrapping = defineWorkflow({ ...flow, name: 'wrapping', start: Wrapped, stop: Paid }) //
      .step('wrap', { on: Wrapped, emits: [Paid] }, () => Paid({ receipt: 'paper', at: 1 }))
    const workflow = defineWorkflow(shop)
      .subflow('wrap', {
        on: Priced,
        workflow: wrapping,
        emits: [Told],
        writeBack: { state: { paid: 'result' } },
      })
      .step('tell', { on: Told, emits: [Out] }, (ctx, { data }) =>
        Out([data === undefined, ctx.state.get('paid.receipt')]),
      )
    const session = await profile().open(workflow)
    expect(await session.run({ total: 5 })).toEqual([true, 'paper'])
  })

  test('a full mapping / each value lands exactly where it says', async () => {
    const workflow = defineWorkflow(shop).subflow('pay', {
      on: Priced,
      workflow: payment,
      emits: [Out],
      capture: {
        input: { total: 'value.total' },
        state: { card: 'state.card', log: 'state.log' },
        flowState: { payments: 'flowState.payments' },
      },
      writeBack: {
        value: { 'the.receipt': 'result.receipt' },
        state: { paid: 'result', 'log.0': 'result.receipt' },
        flowState: { payments: 'result.at', last: 'result.receipt' },
      },
    })
    const page = profile()
    const session = await page.open(workflow)
    const receipt = '7 by visa, parent,paid'
    expect(await session.run({ total: 7 })).toEqual({ the: { receipt } })
    expect(session.state.get()).toEqual({ card: 'visa', log: [receipt], paid: { receipt, at: 11 } })
    expect(session.flowState.get()).toEqual({ payments: 11, last: receipt })
    expect(page.engine.flow(payment).state.get('payments')).toBe(0)
  })

  test('a whole scope as a source / copied as it is', async () => {
    const echo = defineWorkflow({ name: 'echo', version: 1, start: Out, stop: Done }).step(
      'echo',
      { on: Out, emits: [Done] },
      (ctx, { data }) => Done([data, ctx.state.get(), ctx.flowState.get()]),
    )
    const workflow = defineWorkflow(shop).subflow('echo', {
      on: Priced,
      workflow: echo,
      emits: [Out],
      capture: { input: 'state', state: 'value', flowState: 'flowState' },
      writeBack: { value: 'result' },
    })
    expect(await (await profile().open(workflow)).run({ total: 1 })).toEqual([
      { card: 'visa', log: ['parent'] },
      { total: 1, extra: 'extra' },
      { payments: 10, last: '' },
    ])
  })

  test('two events, all resources and the whole state / captured and written back', async () => {
    const numbers = { a: resource<number>({ optional: true }), b: resource<number>({ optional: true }) }
    const sum = defineWorkflow({ ...flow, name: 'sum', start: Out, resources: numbers }).step(
      'sum',
      { on: Out, emits: [Done] },
      (ctx, { data }) => Done({ data, sum: ctx.getResource('a', 0) + ctx.getResource('b', 0) }),
    )
    const workflow = defineWorkflow({ ...flow, resources: numbers })
      .step('both', { on: Go, emits: [Item, Nudge] }, (ctx) => {
        ctx.send(Nudge())
        ctx.send(Item(1))
      })
      .subflow('sum', {
        on: allOf(Item, Nudge),
        workflow: sum,
        emits: [Done],
        capture: { resources: 'resources' },
        writeBack: { state: 'result', value: 'result.sum' },
      })
    const session = await profile().open(workflow, { resources: { a: 5, b: 6 } })
    session.state.set('gone', true)
    expect(await session.run()).toBe(11)
    expect(session.state.get()).toEqual({ data: [1, null], sum: 11 })
  })

  test.each([{ db: 'resources.db' }, 'resources'] as const)(
    'a captured factory that fails once / is called again for the next attempt of the step in the child (%o)',
    async (resources) => {
      const page = profile()
      let made = 0
      const disposed: string[] = []
      const db = resource(
        async () => {
          // It takes its time: what fails at once is made again before the child has it.
          if (++made === 1)
            await new Promise((_, reject) => page.clock.setTimeout(() => reject(new Error('offline')), 100))
          return { name: `db ${made}`, close: () => void disposed.push('by the child') }
        },
        { dispose: (it) => disposed.push(it.name) },
      )
      const given = resource<Promise<{ name: string }>>()
      const child = defineWorkflow({ ...flow, name: 'child', resources: { db: given } }).step(
        'ask',
        { on: Go, emits: [Done], retry: { attempts: 3 } },
        async (ctx) => Done((await ctx.requireResource('db')).name),
      )
      const workflow = defineWorkflow({ ...flow, resources: { db } }).subflow('sub', {
        ...{ on: Go, workflow: child, emits: [Done] },
        capture: { resources },
      })
      const session = await page.open(workflow)
      const result = session.run()
      await page.clock.advance(10_000)
      expect(await result).toBe('db 2')
      expect(made).toBe(2)
      await session.close()
      // It was made once, and ends with the session that made it.
      expect(disposed).toEqual(['db 2'])
    },
  )

  test("the child's writes / never show in the parent; the parent's later changes / never show in the child", async () => {
    const page = profile()
    const child = defineWorkflow({
      ...flow,
      name: 'child',
      state: z.object({ n: z.number().default(0) }),
    }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      await ctx.state.set('n', (it) => it + 1)
      await ctx.ask(Question('go on?'))
      return Done(ctx.state.get('n'))
    })
    const workflow = defineWorkflow({ ...flow, state: z.object({ n: z.number().default(41) }) }).subflow(
      'sub',
      {
        on: Go,
        workflow: child,
        emits: [Done],
        capture: { state: { n: 'state.n' } },
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(session.state.get('n')).toBe(41)
    session.state.set('n', 100)
    await session.asks[0]?.reply(1)
    expect([await result, session.state.get('n')]).toEqual([42, 100])
  })

  test('resources / keep their identity, also after a reload; the child workflow has its own layer', async () => {
    const bank = { pay: (total: number) => `paid ${total}` }
    const seen: unknown[] = []
    const child = defineWorkflow({
      ...flow,
      name: 'child',
      resources: { till: resource<typeof bank>(), log: resource<string[]>() },
    }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      seen.push(ctx.resources.till === bank)
      await ctx.ask(Question(1))
      ctx.resources.log.push('done')
      return Done(ctx.resources.till.pay(3))
    })
    const workflow = defineWorkflow({ ...flow, resources: { bank: resource<typeof bank>() } }).subflow(
      'sub',
      {
        on: Go,
        workflow: child,
        emits: [Done],
        capture: { resources: { till: 'resources.bank' } },
      },
    )
    const page = profile()
    const first = await page.open(workflow, { resources: { bank } })
    void first.run()
    await page.settle()
    // Its own layer is still missing.
    expect([first.status, first.missingResources, seen]).toEqual(['paused', ['log'], []])
    const log: string[] = []
    page.engine.flow(child).setResources({ log })
    await page.settle()
    expect(first.asks).toHaveLength(1)
    await page.reload()
    page.engine.flow(child).setResources({ log })
    const session = await page.open(workflow, { resources: { bank } })
    await page.settle()
    await session.asks[0]?.reply(1)
    expect(await session.run()).toBe('paid 3')
    expect([seen, log]).toEqual([[true, true], ['done']])
  })

  test.each([
    ['by name', { resources: { till: 'resources.till' } }],
    ['all of them', { resources: 'resources' }],
  ] as const)(
    'captured resources, %s, that are not there after a reload / it is paused until they come, at any depth',
    async (_, capture) => {
      const options = { ...flow, resources: { till: resource<string>({ optional: true }) } }
      let begun = 0
      const inner = defineWorkflow({ ...flow, name: 'inner', resources: { till: resource<string>() } }) //
        .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
          begun++
          await ctx.ask(Question(1))
          return Done(ctx.resources.till)
        })
      const outer = defineWorkflow({ ...options, name: 'outer' }) //
        .subflow('inner', { on: Go, workflow: inner, emits: [Done], capture })
      const workflow = defineWorkflow(options) //
        .subflow('outer', { on: Go, workflow: outer, emits: [Done], capture })
      const page = profile()
      const first = await page.open(workflow, { resources: { till: 'first' } })
      void first.run()
      await page.settle()
      expect([first.status, first.asks.length]).toEqual(['waiting', 1])
      await page.reload()
      const session = await page.open(workflow)
      await page.settle()
      expect([session.status, session.missingResources, begun]).toEqual(['paused', ['till'], 1])
      const told: string[] = []
      session.subscribe(() => told.push(session.status))
      session.setResources({ till: 'second' })
      await page.settle()
      expect([session.missingResources, begun, told.at(-1)]).toEqual([[], 2, 'waiting'])
      session.setResources({ till: 'third' })
      await session.asks[0]?.reply(1)
      expect(await session.run()).toBe('second')
    },
  )

  test.each([
    ['value', 'visa'],
    ['state.card', 'visa'],
    ['flowState.last', 'visa'],
    ['resources', { bank: 'visa' }],
  ])('%s captured as a resource / is there after a reload too', async (source, given) => {
    const child = defineWorkflow({ ...flow, name: 'child', resources: { till: resource<unknown>() } }) //
      .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
        await ctx.ask(Question(1))
        return Done(ctx.resources.till)
      })
    const workflow = defineWorkflow({
      ...flow,
      start: Out,
      state: z.object({ card: z.string().default('visa') }),
      flowState: z.object({ last: z.string().default('visa') }),
      resources: { bank: resource<string>() },
    }).subflow('sub', {
      on: Out,
      workflow: child,
      emits: [Done],
      capture: { resources: { till: source } } as object,
    })
    const options = { resources: { bank: 'visa' } }
    const page = profile()
    void (await page.open(workflow, options)).run('visa')
    await page.reload()
    const session = await page.open(workflow, options)
    await page.settle()
    expect([session.status, session.missingResources]).toEqual(['waiting', []])
    await session.asks[0]?.reply(1)
    expect(await session.run('visa')).toEqual(given)
  })

  test('a missing source path / the step fails, naming it', async () => {
    const workflow = defineWorkflow({ ...flow, state: z.record(z.string(), z.unknown()) }).subflow('sub', {
      on: Go,
      workflow: defineWorkflow({ ...flow, name: 'child' }).step('end', { on: Go, emits: [Done] }, () =>
        Done(1),
      ),
      emits: [Done],
      capture: { state: { a: 'state.not.there' } },
    })
    const error: StepError = await failure((await profile().open(workflow)).run())
    expect(error.message).toContain('"state.not.there"')
  })

  test('a captured resource that is not there when the child begins / the step fails, naming it', async () => {
    const child = defineWorkflow({ ...flow, name: 'child', resources: { till: resource<string>() } }) //
      .step('end', { on: Go, emits: [Done] }, (ctx) => Done(ctx.resources.till))
    const options = { ...flow, resources: { bank: resource<string>({ optional: true }) } }
    const capture = { resources: { till: 'resources.bank' } } as const
    const workflow = defineWorkflow(options).subflow('sub', {
      on: Go,
      workflow: child,
      emits: [Done],
      capture,
    })
    const session = await profile().open(workflow)
    const error: StepError = await failure(session.run())
    expect(error.cause).toMatchObject({ code: 'MISSING_RESOURCE', key: 'bank' })
    session.setResources({ bank: 'here' })
    expect(await session.retry()).toBe('here')
  })

  test.each([
    { flowState: { last: 'result.x', payments: 'result.missing' } },
    { flowState: { last: 'result.x' }, value: 'result.missing' },
  ])(
    'a missing source path in %j / nothing is written back, to the flow state neither',
    async (writeBack) => {
      const child = defineWorkflow({ ...flow, name: 'child' }) //
        .step('end', { on: Go, emits: [Done] }, () => Done({ x: 'new' }))
      const workflow = defineWorkflow({ ...shop, start: Go, stop: Done }) //
        .subflow('sub', { on: Go, workflow: child, emits: [Done], writeBack: writeBack as object })
      const session = await profile().open(workflow)
      const error: StepError = await failure(session.run())
      expect(error.message).toContain('"result.missing"')
      expect(session.flowState.get()).toEqual({ last: '', payments: 10 })
    },
  )
})

const asking = defineWorkflow({ ...flow, name: 'asking' }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    const first = await ctx.ask(Question('first'))
    const second = await ctx.ask(Question('second'))
    return Done([first.data, second.data])
  },
)

describe('the child in progress', () => {
  test('the child asks / the parent shows one ask; reload; reply / child and parent finish, write-back notifies', async () => {
    const page = profile()
    const workflow = defineWorkflow({
      ...flow,
      state: z.object({ answers: z.unknown().optional() }),
    }).subflow('sub', {
      on: Go,
      workflow: asking,
      emits: [Done],
      writeBack: { state: { answers: 'result' } },
    })
    const first = await page.open(workflow)
    void first.run()
    await page.settle()
    expect([first.status, first.asks.map((it) => it.data)]).toEqual(['waiting', ['first']])
    const { id } = first.asks[0] ?? { id: '' }
    await page.reload()
    const session = await page.open(workflow)
    expect(session.asks.map((it) => it.id)).toEqual([id])
    const told: unknown[] = []
    session.state.subscribe('answers', () => told.push(session.state.get('answers')))
    expect(await session.reply(id, 0)).toBe(true)
    expect(await session.reply(id, 1)).toBe(false)
    await page.reload()
    const last = await page.open(workflow)
    await page.settle()
    expect(last.asks.map((it) => it.data)).toEqual(['second'])
    last.state.subscribe('answers', () => told.push(last.state.get('answers')))
    expect(await last.asks[0]?.reply('')).toBe(true)
    expect([await last.run(), told]).toEqual([[0, ''], [[0, '']]])
  })

  test('ctx.subflow() / works the same, also with a reply right after a reload and an event sent to the ask', async () => {
    const page = profile()
    const workflow = defineWorkflow(flow).step('sub', { on: Go, emits: [Done] }, async (ctx) =>
      Done(['all', await ctx.subflow(asking)]),
    )
    const first = await page.open(workflow)
    void first.run()
    await page.settle()
    await page.reload()
    const session = await page.open(workflow)
    expect(await session.reply((session.asks as readonly { id: string }[])[0]?.id ?? '', 'one')).toBe(true)
    await page.settle()
    const [{ id } = { id: '' }] = session.asks as readonly { id: string }[]
    expect(await session.send({ type: 'answer', data: 'two' } as never, { ask: id })).toBe(true)
    expect(await session.run()).toEqual(['all', ['one', 'two']])
  })

  test('ctx.subflow(), and a double click on the reply right after a reload / one is taken, the other is told so', async () => {
    const page = profile()
    const workflow = defineWorkflow(flow).step(
      'sub',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.subflow(questioning)
        return Done((await ctx.ask(Question(2))).data)
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    const session = await page.open(workflow)
    const [ask] = session.asks
    expect(await Promise.all([ask?.reply('one'), ask?.reply('two')])).toEqual([true, false])
  })

  test('ctx.subflow(), paused, and a reply after a reload / an error with the way out; the ask stays open', async () => {
    const page = profile()
    const workflow = defineWorkflow(flow).step('sub', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.subflow(questioning)),
    )
    const first = await page.open(workflow)
    void first.run()
    await page.settle()
    first.pause()
    await page.reload()
    const session = await page.open(workflow)
    const [{ id } = { id: '' }] = session.asks as readonly { id: string }[]
    await expect(session.reply(id, 'one')).rejects.toThrow(/ask ".*" .*resume\(\)/)
    expect(session.asks).toHaveLength(1)
    const late = failure(session.reply(id, 'late'))
    await session.close()
    expect(await late).toMatchObject({ code: 'SESSION_CLOSED' })
    const again = await page.open(workflow)
    again.resume()
    expect(await again.reply(id, 'two')).toBe(true)
    expect(await again.run()).toBe('two')
  })

  test('three deep, reloaded at each ask / every answer reaches its ask', async () => {
    const page = profile()
    const wrap = (name: string, inner: typeof asking): typeof asking =>
      defineWorkflow({ ...flow, name }).step(
        'outer',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          const before = await ctx.ask(Question(`before ${name}`))
          const inside = await ctx.subflow(inner)
          return Done([before.data, inside])
        },
      ) as never
    const workflow = wrap('three', wrap('two', wrap('one', asking)))
    let session = await page.open(workflow)
    session.run().catch(() => {})
    for (let n = 1; n <= 5; n++) {
      await page.settle()
      await page.reload()
      session = await page.open(workflow)
      await page.settle()
      expect(session.asks).toHaveLength(1)
      await session.asks[0]?.reply(n)
    }
    expect(await session.run()).toEqual([1, [2, [3, [4, 5]]]])
  })

  test('the child sleeps, retries and collects / its times go on after a reload', async () => {
    const page = profile()
    let tries = 0
    const child = defineWorkflow({ ...flow, name: 'child' })
      .step('split', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.sleep(1000)
        return [1, 2, 3].map((it) => Item(it))
      })
      .step(
        'work',
        { on: Item, emits: [Done], retry: { attempts: 3, delay: 500 } },
        async (ctx, { data }) => {
          if (data === 2 && ++tries < 3) throw new Error('not yet')
          const all = await ctx.collect(Item(data), [Item, Item, Item])
          return all && Done(all.map((it) => it.data).sort((a, b) => a - b))
        },
      )
    const workflow = defineWorkflow(flow).subflow('sub', { on: Go, workflow: child, emits: [Done] })
    const first = await page.open(workflow)
    void first.run()
    await page.clock.advance(600)
    expect(first.status).toBe('waiting')
    await page.reload()
    const session = await page.open(workflow)
    await page.clock.advance(399)
    expect(tries).toBe(0)
    await page.clock.advance(2000)
    expect([session.status, session.result, tries]).toEqual(['completed', [1, 2, 3], 3])
  })

  test.each([0, 1, 2])(
    'reset() in a child after %i reloads / back to the state that it began with',
    async (reloads) => {
      const page = profile()
      const child = defineWorkflow({
        ...flow,
        name: 'child',
        state: z.object({ n: z.number(), card: z.string().default('none') }),
        flowState: z.object({ seen: z.number().default(0) }),
        private: ['card'],
      }).step('work', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
        await ctx.state.reset()
        await ctx.state.set('n', 7)
        await ctx.state.set('card', '4111')
        await ctx.flowState.set('seen', 9)
        await ctx.ask(Question('more?'))
        await ctx.state.reset()
        await ctx.flowState.reset()
        return Done([ctx.state.get(), ctx.flowState.get()])
      })
      const workflow = defineWorkflow({ ...flow, state: z.object({ first: z.number().default(5) }) }).subflow(
        'sub',
        { on: Go, workflow: child, emits: [Done], capture: { state: { n: 'state.first' } } },
      )
      let session = await page.open(workflow)
      void session.run()
      for (let times = 0; times < reloads; times++) {
        await page.reload()
        session = await page.open(workflow)
      }
      await page.settle()
      await session.asks[0]?.reply('yes')
      await page.settle()
      expect(session.result).toEqual([{ n: 5, card: 'none' }, { seen: 0 }])
    },
  )

  test('streamed events and progress / come through the parent', async () => {
    const page = profile()
    const child = defineWorkflow({ ...flow, name: 'child' }).step('end', { on: Go, emits: [Done] }, (ctx) => {
      ctx.stream(Nudge('streamed'))
      ctx.progress(0.5, 'half')
      return Done(1)
    })
    const workflow = defineWorkflow(flow).subflow('sub', { on: Go, workflow: child, emits: [Done] })
    const session = await page.open(workflow)
    const seen: string[] = []
    const reading = (async () => {
      for await (const event of session.events()) seen.push(event.type)
    })()
    await session.run()
    await reading
    expect([seen, session.progress]).toEqual([['nudge', 'done'], { fraction: 0.5, label: 'half' }])
  })
})

describe('failure, cancel and time', () => {
  const failing = (until: number, calls: string[]) =>
    defineWorkflow({ ...flow, name: 'child' })
      .step('first', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.once('effect', (key) => calls.push(key))
        return Item(1)
      })
      .step('second', { on: Item, emits: [Done] }, () => {
        calls.push('second')
        if (calls.filter((it) => it === 'second').length < until) throw new Error('boom')
        return Done('fine')
      })

  test("the child fails / the step fails with its error, nothing is written back; retry() re-runs only the child's failed step", async () => {
    const calls: string[] = []
    const page = profile()
    const workflow = defineWorkflow({ ...flow, state: z.object({ got: z.unknown().optional() }) }).subflow(
      'sub',
      {
        on: Go,
        workflow: failing(2, calls),
        emits: [Done],
        writeBack: { state: { got: 'result' } },
      },
    )
    const session = await page.open(workflow)
    const error: StepError = await failure(session.run())
    expect([error.step, error.message.includes('boom'), session.state.get()]).toEqual(['sub', true, {}])
    expect(await session.retry()).toBe('fine')
    expect([calls.length, session.state.get('got')]).toEqual([3, 'fine'])
  })

  test('the child fails beside its open ask, and its step is retried / the ask is open again', async () => {
    const page = profile()
    let broken = true
    const child = questioning.step('fails', { on: Go, asks: [Question] }, async (ctx) => {
      await ctx.ask(Question('fails'))
      if (broken) throw new Error('no')
      await gate().promise
    })
    const workflow = defineWorkflow({ ...flow, name: 'outer' }).step(
      'sub',
      { on: Go, asks: [Question], emits: [Done], retry: { attempts: 2, delay: 10 } },
      async (ctx) => Done(await Promise.all([ctx.subflow(child), ctx.ask(Question('beside'))])),
    )
    const session = await page.open(workflow)
    const seen: number[] = []
    session.subscribe(() => seen.push(session.asks.length))
    const result = session.run()
    await page.settle()
    for (const ask of session.asks) if (ask.data !== 1) void ask.reply('go on')
    await page.settle()
    expect(seen).toContain(0)
    broken = false
    await page.clock.advance(10)
    expect(session.asks).toHaveLength(1)
    await session.asks[0]?.reply('yes')
    expect(await result).toEqual(['yes', { type: 'answer', data: 'go on' }])
  })

  test.each(['has failed', 'fails while the reply waits for the step to come to it again'])(
    'a sub-flow asks, and the run %s / a reply is told so, as one to any other ask',
    async (when) => {
      const page = profile()
      const isEarly = when === 'has failed'
      let times = 0
      const workflow = defineWorkflow({ ...flow, events: [Nudge] })
        .step('sub', { on: Go, emits: [Done] }, async (ctx) => {
          if (times++ > 0) await gate().promise
          return Done(await ctx.subflow(questioning))
        })
        .step('fails', { on: Nudge }, () => Promise.reject(new Error('no')))
      let session = await page.open(workflow)
      session.run().catch(() => {})
      await page.settle()
      const [{ id } = { id: '' }] = session.asks as readonly { id: string }[]
      if (!isEarly) {
        await page.reload()
        session = await page.open(workflow)
        await page.settle()
      }
      const waiting = isEarly ? undefined : session.reply(id, 'late')
      await session.send(Nudge(1))
      await page.settle()
      expect([session.status, await (waiting ?? session.reply(id, 'late'))]).toEqual(['failed', false])
    },
  )

  /** A child two deep that fails for the first time while its charge is on its way. */
  const charging = (page: Profile) => {
    const keys: string[] = []
    const charges = [gate<string>(), gate<string>()]
    let fails = true
    const child = defineWorkflow({ ...flow, name: 'child' }).step(
      'pay',
      { on: Go, emits: [Done] },
      async (ctx) => {
        const charge = ctx.once('charge', (key) => charges[keys.push(key) - 1]?.promise)
        await ctx.once('check', () => 'fine')
        if (fails) {
          fails = false
          throw new Error('no')
        }
        return Done(await charge)
      },
    )
    const inner = defineWorkflow({ ...flow, name: 'inner' }).subflow('child', {
      on: Go,
      workflow: child,
      emits: [Done],
    })
    const workflow = defineWorkflow(flow).subflow('inner', { on: Go, workflow: inner, emits: [Done] })
    return { keys, charges, open: () => page.open(workflow) }
  }

  test.each(['after the retry', 'before it, then a reload'])(
    'a child fails while its effect is in flight / the retry gets the result, which comes %s',
    async (when) => {
      const page = profile()
      const { keys, charges, open } = charging(page)
      let session = await open()
      await failure(session.run())
      if (when !== 'after the retry') {
        charges[0]?.open('charged')
        await page.reload()
        session = await open()
      }
      const result = session.retry()
      await page.settle()
      charges[0]?.open('charged')
      expect(await result).toBe('charged')
      expect(keys).toHaveLength(1)
    },
  )

  test('a child fails while its effect is in flight, and the session is reset / the result is dropped', async () => {
    const page = profile()
    const { keys, charges, open } = charging(page)
    const session = await open()
    await failure(session.run())
    session.reset()
    const result = session.run()
    await page.settle()
    charges[0]?.open('of the old line')
    await page.settle()
    expect(session.status).toBe('running')
    charges[1]?.open('charged')
    expect(await result).toBe('charged')
    expect(new Set(keys).size).toBe(2)
  })

  test('the step fails while the child works, and is retried / the child goes on, and its writes count once', async () => {
    const page = profile()
    const broken = gate()
    const tries: number[] = []
    const child = defineWorkflow({ ...flow, name: 'child' }).step(
      'count',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.state.append('list', 'counted')
        tries.push(ctx.attempt)
        if (tries.length === 1) await gate().promise
        return Done(ctx.state.get('list'))
      },
    )
    const workflow = defineWorkflow(flow).step(
      'run',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 10 } },
      async (ctx) => {
        const done = ctx.subflow(child)
        return Done((await Promise.all([done, tries.length === 0 && broken.promise]))[0])
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    broken.fail(new Error('in the step itself'))
    await page.clock.advance(10)
    expect(await result).toBe('counted')
    expect(tries).toEqual([1, 1])
  })

  test("with a retry policy, and a reload in the backoff / only the child's failed step runs again", async () => {
    const calls: string[] = []
    const page = profile()
    const workflow = defineWorkflow(flow).subflow('sub', {
      on: Go,
      workflow: failing(3, calls),
      emits: [Done],
      retry: { attempts: 3, delay: 1000 },
    })
    const first = await page.open(workflow)
    void first.run()
    await page.settle()
    await page.reload()
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(3000)
    expect([await result, calls.filter((it) => it !== 'second').length]).toEqual(['fine', 1])
  })

  test('catchError / the recovery step takes over', async () => {
    const { StepFailed } = await import('../../src/index')
    const workflow = defineWorkflow(flow)
      .subflow('sub', { on: Go, workflow: failing(9, []), emits: [Done], catchError: 'rescue' })
      .step('rescue', { on: StepFailed, emits: [Done] }, (_, { data }) => Done(data.error.message))
    expect(await (await profile().open(workflow)).run()).toContain('boom')
  })

  test('a handler goes by the error of its child, and asks; reload / the same error, so the same way', async () => {
    const stalls = defineWorkflow({ ...flow, name: 'stalls', skip: ['stop', 'deadEnd'] }).step(
      'nothing',
      { on: Go },
      () => undefined,
    )
    for (const child of [failing(9, []), stalls]) {
      const page = profile()
      const seen: unknown[] = []
      const workflow = defineWorkflow(flow).step(
        'sub',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          try {
            return Done(await ctx.subflow(child))
          } catch (error) {
            const { constructor, name, message, code, step, event, attempts, cause } = error as StepError
            seen.push({
              class: constructor.name,
              name,
              message,
              code,
              step,
              event,
              attempts,
              cause: (cause as Error | undefined)?.message,
            })
            return Done((await ctx.ask(Question(code))).data)
          }
        },
      )
      void (await page.open(workflow)).run()
      await page.settle()
      await page.reload()
      const session = await page.open(workflow)
      await page.settle()
      expect(await session.asks[0]?.reply('yes')).toBe(true)
      expect(await session.run()).toBe('yes')
      expect(seen[1]).toEqual(seen[0])
    }
  })

  test("cancel() / the child's signal is aborted, nothing is written back; the flow can run again", async () => {
    const page = profile()
    const hanging = gate()
    const signals: AbortSignal[] = []
    const child = defineWorkflow({ ...flow, name: 'child' }).step(
      'hang',
      { on: Go, emits: [Done] },
      async (ctx) => {
        signals.push(ctx.signal)
        await hanging.promise
        return Done('late')
      },
    )
    const workflow = defineWorkflow({ ...flow, state: z.object({ got: z.unknown().optional() }) }).subflow(
      'sub',
      {
        on: Go,
        workflow: child,
        emits: [Done],
        writeBack: { state: { got: 'result' } },
      },
    )
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.settle()
    session.cancel('enough')
    expect(await result).toMatchObject({ code: 'CANCELLED' })
    expect(signals[0]?.aborted).toBe(true)
    hanging.open()
    await page.settle()
    expect([session.status, session.state.get()]).toEqual(['cancelled', {}])
    expect(await session.run()).toBe('late')
  })

  test("the parent step's timeout / counts the child's work, not its open asks; and stops the child", async () => {
    const page = profile()
    const signals: AbortSignal[] = []
    const child = defineWorkflow({ ...flow, name: 'child' }).step(
      'hang',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Question(1))
        signals.push(ctx.signal)
        await new Promise(() => {})
      },
    )
    const workflow = defineWorkflow(flow).subflow('sub', {
      on: Go,
      workflow: child,
      emits: [Done],
      timeout: 1000,
    })
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.clock.advance(60_000)
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply(1)
    await page.clock.advance(1001)
    const error: StepError = await result
    expect([(error.cause as Error).name, signals[0]?.aborted]).toEqual(['TimeoutError', true])
  })

  test('a step of a child with one worker fails while more is queued / it hears of that before the next one begins, and after the last failure none begins', async () => {
    const page = profile()
    const told: string[] = []
    const child = defineWorkflow({ ...flow, name: 'child' })
      .step('plan', { on: Go, emits: [Item] }, () => [Item(1), Item(2)])
      .step(
        'work',
        { on: Item, emits: [Done], workers: 1, timeout: 100, retry: { attempts: 2, delay: 10 } },
        async (ctx, { data }) => {
          told.push(`${data} begins`)
          ctx.signal.addEventListener('abort', () => told.push(`${data} is over`))
          await new Promise(() => {})
        },
      )
    const session = await page.open(
      defineWorkflow(flow).subflow('sub', { on: Go, workflow: child, emits: [Done] }),
    )
    const result = failure(session.run())
    await page.clock.advance(1000)
    expect(((await result) as StepError).step).toBe('sub')
    expect(told).toEqual(['1 begins', '1 is over', '2 begins', '2 is over', '1 begins', '1 is over'])
  })

  test('a child has half of an allOf, and the other half comes from outside / that is no work, and the run has all the time', async () => {
    const page = profile()
    const child = defineWorkflow({ ...flow, name: 'child', events: [Nudge] })
      .step('start', { on: Go, emits: [Item] }, () => Item(1))
      .step('both', { on: allOf(Item, Nudge), emits: [Done] }, (_, [a, b]) => Done([a.data, b.data]))
    const workflow = defineWorkflow({ ...flow, timeout: 1000 }).subflow('sub', {
      on: Go,
      workflow: child,
      emits: [Done],
      timeout: 1000,
    })
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(60_000)
    expect(session.status).toBe('waiting')
    await session.send(Nudge(2))
    expect(await result).toEqual([1, 2])
  })

  test('a child that stalls or exceeds its maxSteps / the step fails with that error', async () => {
    const stalls = defineWorkflow({ ...flow, name: 'child', skip: ['stop', 'deadEnd'] }).step(
      'nothing',
      { on: Go },
      () => undefined,
    )
    const one = defineWorkflow(flow).subflow('sub', { on: Go, workflow: stalls, emits: [Done] })
    const stalled: StepError = await failure((await profile().open(one)).run())
    expect(stalled.cause).toMatchObject({ code: 'STALLED' })
    const loops = defineWorkflow({ ...flow, name: 'child', maxSteps: 5 }).step(
      'again',
      { on: [Go, Item], emits: [Item, Done] },
      () => Item(1),
    )
    const two = defineWorkflow(flow).subflow('sub', { on: Go, workflow: loops, emits: [Done] })
    const limited: StepError = await failure((await profile().open(two)).run())
    expect(limited.cause).toMatchObject({ code: 'STEP_LIMIT' })
  })

  test.each(['in this page', 'after a reload', 'by the retry of its step'])(
    'a child that its own time or maxSteps has ended, %s / goes on with all of it again, and does nothing twice',
    async (how) => {
      const page = profile()
      const begun: string[] = []
      const once = (name: string) => async () => {
        begun.push(name)
        await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 60))
      }
      const child = defineWorkflow({ ...flow, name: 'child', timeout: 100, maxSteps: 3 })
        .step('work', { on: Go, emits: [Item] }, async (ctx) => {
          for (const name of ['a', 'b', 'c']) await ctx.once(name, once(name))
          return Item(0)
        })
        .step('count', { on: Item, emits: [Item, Done] }, (_, { data }) => {
          begun.push(String(data))
          return data < 3 ? Item(data + 1) : Done(data)
        })
      const retry = how === 'by the retry of its step' ? { retry: { attempts: 3 } } : {}
      const workflow = defineWorkflow(flow).subflow('sub', {
        on: Go,
        workflow: child,
        emits: [Done],
        ...retry,
      })
      let session = await page.open(workflow)
      let result = session.run()
      if (how !== 'by the retry of its step') {
        for (const code of ['TIMEOUT', 'STEP_LIMIT']) {
          const failed = failure(result)
          await page.clock.advance(200)
          const { cause }: StepError = await failed
          expect(cause).toMatchObject({ code })
          if (how === 'after a reload') {
            await page.reload()
            session = await page.open(workflow)
          }
          result = session.retry()
        }
      }
      await page.clock.advance(200)
      expect(await result).toBe(3)
      expect(begun).toEqual(['a', 'b', 'c', '0', '1', '2', '3'])
    },
  )

  test('pause() and step() / each step() starts one step of the child', async () => {
    const page = profile()
    const calls: string[] = []
    const workflow = defineWorkflow(flow).subflow('sub', {
      on: Go,
      workflow: failing(1, calls),
      emits: [Done],
    })
    const session = await page.open(workflow)
    session.pause()
    const result = session.run()
    await session.step()
    await page.settle()
    expect(calls).toEqual([])
    await session.step()
    await page.settle()
    expect(calls).toHaveLength(1)
    expect(session.status).toBe('paused')
    session.resume()
    expect([await result, calls.length]).toEqual(['fine', 2])
  })
})

test('the child edits its flow state with an await / the change is there, once, also after a reload', async () => {
  const inner = defineWorkflow({
    ...flow,
    name: 'inner',
    flowState: z.object({ n: z.number().default(0) }),
  }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
    await ctx.flowState.edit(async (draft) => {
      await Promise.resolve()
      draft.n++
    })
    await ctx.ask(Question(1))
    return Done(ctx.flowState.get('n'))
  })
  const outer = defineWorkflow(flow).subflow('sub', { on: Go, workflow: inner, emits: [Done] })
  const page = profile()
  void (await page.open(outer)).run()
  await page.reload()
  const again = await page.open(outer)
  await again.asks[0]?.reply('yes')
  expect(await again.run()).toBe(1)
})

test('a child stalls, and its parent step is retried / it starts over, with its state', async () => {
  let runs = 0
  const child = defineWorkflow({
    ...flow,
    name: 'child',
    state: z.object({ n: z.number().default(0) }),
  }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.state.set('n', (n) => n + 1)
    return ++runs > 1 ? Done(ctx.state.get('n')) : undefined
  })
  const workflow = defineWorkflow(flow).step(
    'parent',
    { on: Go, emits: [Done], retry: { attempts: 2 } },
    async (ctx) => Done(await ctx.subflow(child)),
  )
  expect(await (await profile().open(workflow)).run()).toBe(2)
  expect(runs).toBe(2)
})

describe('mistakes in a mapping', () => {
  test('bad scopes, write-back to resources, overlapping targets, empty paths, two emits / all in one error at definition', () => {
    const define = (): unknown =>
      defineWorkflow(flow).subflow('sub', {
        on: Go,
        workflow: asking,
        emits: [Done, Item],
        capture: {
          input: 'elsewhere.x',
          state: { a: 'state.x', 'a.b': 'state.y', 'd.e': 'value', d: 'value', '': 'value', c: '' },
          nowhere: 'value',
          flowState: ['value'],
          resources: { 'api.v2': 'resources.api', api: 1 },
        },
        writeBack: {
          ...{ resources: { x: 'result' }, state: { x: 'state.x' }, value: { 'a..b': 'result', b: '' } },
          flowState: undefined,
        },
      } as never)
    let message = ''
    try {
      define()
    } catch (error) {
      message = (error as Error).message
    }
    for (const part of [
      'capture.input: the source "elsewhere.x" begins with none of value, state, flowState, resources',
      'capture.state["a.b"]: it overlaps with the target "a"',
      'capture.state["d"]: it overlaps with the target "d.e"',
      'capture.state[""]: the path is empty',
      'capture.state["c"]: the path is empty',
      'capture.nowhere: there is no such target',
      'capture.flowState: it is a source path, or an object of source paths by target path',
      'capture.resources["api.v2"]: a resource is one key, without a path',
      'capture.resources["api"]: its source is no path',
      'writeBack.resources: there is no such target',
      'writeBack.state["x"]: the source "state.x" begins with none of result',
      'writeBack.value["a..b"]: path "a..b": it has an empty segment',
      'writeBack.value["b"]: the path is empty',
      'it emits 2 events',
    ])
      expect(message).toContain(part)
  })

  test('something else than an object for one side of it / an error at definition', () => {
    const define = (): unknown =>
      defineWorkflow(flow).subflow('sub', {
        ...{ on: Go, workflow: asking, emits: [Done] },
        ...{ capture: 5, writeBack: 'result' },
      } as never)
    const error: WorkflowError = thrown(define)
    expect(error.findings.map((it) => it.message)).toEqual(
      ['capture', 'writeBack'].map(
        (side) => `sub-flow "sub": ${side}: it is an object with a source for each target`,
      ),
    )
  })

  test("ctx.subflow() / the same, at the call; mistakes of the child are reported with the parent's", async () => {
    const workflow = defineWorkflow(flow).step('sub', { on: Go, emits: [Done] }, async (ctx) =>
      Done(await ctx.subflow(asking, { writeBack: { state: 'value' } } as never)),
    )
    const error: StepError = await failure((await profile().open(workflow)).run())
    expect(error.cause).toMatchObject({ code: 'WORKFLOW' })
    const broken = defineWorkflow(flow).subflow('sub', {
      on: Go,
      workflow: defineWorkflow(flow),
      emits: [Done],
    })
    expect(() => broken.validate()).toThrow('sub-flow "sub": no step accepts the start event "go"')
  })
})
