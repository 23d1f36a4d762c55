import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  defineEvent,
  defineWorkflow,
  type EventNotAcceptedError,
  type StepError,
  StepLimitError,
  type UnknownEventError,
  type UnknownStepError,
} from '../../src/index'
import {
  Answer,
  answeredAfterReload,
  Done,
  failure,
  flow,
  gate,
  Go,
  Item,
  Nudge,
  profile,
  thrown,
  Worked,
  sorted,
} from '../support/flows'

const Other = defineEvent('other', z.string())
const Nobody = defineEvent('nobody', z.string())

describe('what a step returns', () => {
  test.each([
    ['an undeclared event', Other('x'), '"other"'],
    ['an event of an unknown type, made by hand', { type: 'ghost' }, '"ghost"'],
    ['a number', 5, '5'],
    ['a text', 'done', '"done", which is no event'],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['null', null, 'null'],
    ['an object without a type', { data: 1 }, 'object'],
    ['an object whose type is no text', { type: 7 }, 'object'],
    ['a list with an undeclared event', [Worked(1), Other('x')], '"other"'],
    ['a list with a non-event', [Worked(1), 5], '5'],
    // oxlint-disable-next-line no-sparse-arrays -- what a step without types may give
    ['a list with a hole', [, Worked(1)], 'undefined'],
  ])('%s / an error naming the step and the type', async (_, outcome, named) => {
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Worked] }, async (ctx) => {
        await ctx.state.set('touched', true)
        return outcome as never
      })
      .step('last', { on: Worked, emits: [Done] }, () => Done(1))
    const session = await profile().open(workflow)
    const error: StepError = await failure(session.run())
    expect(error.code).toBe('STEP_FAILED')
    expect(error.step).toBe('first')
    const cause = error.cause as UnknownEventError
    expect(cause.code).toBe('UNKNOWN_EVENT')
    expect(cause.message).toContain('first')
    expect(cause.message).toContain(named)
    expect(session.state.get()).toEqual({})
    expect(session.status).toBe('failed')
  })

  test('an event of a declared type, made by hand / its data passes the schema too', async () => {
    const workflow = (data: unknown) =>
      defineWorkflow({ ...flow })
        .step('first', { on: Go, emits: [Item] }, () => ({ type: 'item', data }) as never)
        .step('last', { on: Item, emits: [Done] }, (_, { data: item }) => Done(item))
    expect(await (await profile().open(workflow(3))).run()).toBe(3)
    const error: StepError = await failure((await profile().open(workflow('3'))).run())
    expect(error.cause).toMatchObject({ code: 'EVENT_VALIDATION', type: 'item' })
  })

  test("an event of a declared type from another factory / its data passes the declared event's schema", async () => {
    const Other = defineEvent('item', z.unknown())
    const Again = defineEvent('item', Item.schema)
    const workflow = (event: { type: 'item'; data: unknown }) =>
      defineWorkflow({ ...flow })
        .step('first', { on: Go, emits: [Item] }, () => event as never)
        .step('last', { on: Item, emits: [Done] }, (_, { data }) => Done(data))
    expect(await (await profile().open(workflow(Other(3)))).run()).toBe(3)
    expect(await (await profile().open(workflow(Again(4)))).run()).toBe(4)
    const error: StepError = await failure((await profile().open(workflow(Other('3')))).run())
    expect(error.cause).toMatchObject({ code: 'EVENT_VALIDATION', type: 'item' })
    const listening = defineWorkflow({ ...flow, events: [Item] }).step(
      'wait',
      { on: Go, emits: [Done] },
      async (ctx) => Done((await ctx.waitFor(Item)).data),
    )
    const session = await profile().open(listening)
    void session.run()
    expect(thrown(() => session.send(Other('3') as never))).toMatchObject({ code: 'EVENT_VALIDATION' })
  })

  test('a step returns the event it was given / a transforming schema does not see its own output, also after a reload', async () => {
    const Length = defineEvent(
      'length',
      z.string().transform((text) => ({ length: text.length })),
    )
    const AskLength = defineEvent('askLength', z.unknown(), { reply: Length })
    const page = profile()
    const workflow = defineWorkflow({ ...flow })
      .step('ask', { on: Go, asks: [AskLength], emits: [Length] }, (ctx) => ctx.ask(AskLength(1)))
      .step('again', { on: Length, emits: [Length, Done] }, async (ctx, length) => {
        const seen = Number(ctx.state.get('seen', 0)) + 1
        await ctx.state.set('seen', seen)
        if (seen === 1) return { ...length }
        if (seen === 2) return (await ctx.collect(length, [Length]))?.[0]
        return Done(length.data)
      })
    const back = await answeredAfterReload(page, workflow, 'four')
    expect(back.result).toEqual({ length: 4 })
  })

  test('a step returns another event of the type of its reply / it is checked as any other', async () => {
    const Length = defineEvent(
      'length',
      z.string().transform((text) => ({ length: text.length })),
    )
    const AskLength = defineEvent('askLength', z.unknown(), { reply: Length })
    const workflow = defineWorkflow({ ...flow, stop: Length }).step(
      'ask',
      { on: Go, asks: [AskLength], emits: [Length] },
      async (ctx) => {
        await ctx.ask(AskLength(1))
        return { type: 'length', data: 'six, or' } as never
      },
    )
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    await session.asks[0]?.reply('a')
    expect(await result).toEqual({ length: 7 })
  })

  test('a step returns an event that it has collected before / a transforming schema does not see its own output', async () => {
    const Length = defineEvent(
      'length',
      z.string().transform((text) => ({ length: text.length })),
    )
    const workflow = defineWorkflow({ ...flow })
      .step('begin', { on: Go, emits: [Length] }, () => [Length('a'), Length('four')])
      .step('pair', { on: Length, emits: [Length, Done], workers: 1 }, async (ctx, length) => {
        if (ctx.state.get('paired')) return Done(length.data)
        const pair = await ctx.collect(length, [Length, Length])
        if (!pair) return undefined
        await ctx.state.set('paired', true)
        return pair[0]
      })
    expect(await (await profile().open(workflow)).run()).toEqual({ length: 1 })
  })

  test('sending an undeclared event / throws at the call, in the step', async () => {
    const seen: unknown[] = []
    const workflow = defineWorkflow({ ...flow }).step('first', { on: Go, emits: [Done] }, (ctx) => {
      for (const wrong of [Other('x'), { type: 'ghost' }, 5, null, undefined, 'done', {}])
        seen.push(thrown(() => ctx.send(wrong as never)))
      return Done(1)
    })
    await (await profile().open(workflow)).run()
    expect(seen.map((it) => /allow (.+); it allows/.exec((it as Error).message)?.[1])).toEqual([
      'event "other"',
      'event "ghost"',
      '5, which is no event',
      'null, which is no event',
      'undefined, which is no event',
      '"done", which is no event',
      'an object that is no event',
    ])
    for (const error of seen) expect(error).toMatchObject({ code: 'UNKNOWN_EVENT' })
  })
})

describe('the end of a run', () => {
  test('two steps return the stop event / the first wins; the other can no longer write, send or stream', async () => {
    const fast = gate()
    const slow = gate()
    let aborted: unknown
    let after: Promise<unknown[]> | undefined
    const shown: string[] = []
    const late: number[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('fast', { on: Go, emits: [Done] }, async () => {
        await fast.promise
        return Done('fast')
      })
      .step('slow', { on: Go, emits: [Done, Item] }, async (ctx) => {
        const { signal } = ctx
        await ctx.state.set('slow', 'began')
        await slow.promise
        aborted = signal.aborted
        ctx.send(Item(1))
        ctx.stream(Item(2))
        after = Promise.all([
          ctx.state.set('slow', 'wrote').catch((error: unknown) => error),
          ctx.state.edit((draft) => void (draft['slow'] = 'edited')).catch((error: unknown) => error),
          ctx.commit().catch((error: unknown) => error),
          ctx.once('late', () => 1).catch((error: unknown) => error),
        ])
        return Done('slow')
      })
      .step('item', { on: Item }, (_, { data }) => void late.push(data))
    const page = profile()
    const session = await page.open(workflow)
    const events = (async () => {
      for await (const event of session.events({ follow: true })) shown.push(event.type)
    })()
    const result = session.run()
    await page.settle()
    expect(session.state.get()).toEqual({ slow: 'began' })
    fast.open()
    expect(await result).toBe('fast')
    expect(session.state.get()).toEqual({})
    const before = JSON.stringify(session.toJSON())
    slow.open()
    await page.settle()
    expect(aborted).toBe(true)
    expect(await after).toSatisfy((all: unknown[]) => all.every((it) => it instanceof Error))
    expect(late).toEqual([])
    expect(session.state.get()).toEqual({})
    expect(session.result).toBe('fast')
    expect(JSON.stringify(session.toJSON())).toBe(before)
    await session.close()
    await events
    expect(shown).toEqual(['done'])
  })

  test('the stop event is sent, not returned / the run completes with its data', async () => {
    const workflow = defineWorkflow({ ...flow }).step('first', { on: Go, emits: [Done] }, (ctx) => {
      ctx.send(Done('sent'))
    })
    expect(await (await profile().open(workflow)).run()).toBe('sent')
  })

  test('the stop event is sent before a commit point, and work follows / the run completes at the commit', async () => {
    const after: string[] = []
    const workflow = defineWorkflow({ ...flow }).step('first', { on: Go, emits: [Done] }, async (ctx) => {
      ctx.send(Done('sent'))
      await ctx.sleep(1000)
      after.push('slept')
    })
    const page = profile()
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(2000)
    expect(session.status).toBe('completed')
    expect(await result).toBe('sent')
    expect(after).toEqual([])
  })

  test('the stop event in a list with others / the first stop event is the result', async () => {
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Done, Item] }, () => [Item(1), Done('a'), Done('b')])
      .step('item', { on: Item }, () => {})
    expect(await (await profile().open(workflow)).run()).toBe('a')
  })

  test('a step returns nothing and nothing else is left / stalled with the unconsumed events; not a hang', async () => {
    const workflow = defineWorkflow({ ...flow, skip: ['unconsumed'] })
      .step('first', { on: Go, emits: [Nobody, Item] }, (ctx) => {
        ctx.send(Nobody('a'))
        ctx.send(Item(1))
        ctx.send(Nobody('b'))
      })
      .step('both', { on: allOf(Item, Worked), emits: [Done] }, () => Done(1))
      .step('never', { on: Item, emits: [Worked] }, () => {})
    const session = await profile().open(workflow)
    const error = await failure(session.run())
    expect(error).toMatchObject({ code: 'STALLED' })
    expect(sorted((error as { unconsumed: string[] }).unconsumed)).toEqual(['item', 'nobody', 'nobody'])
    expect(session.status).toBe('stalled')
    expect(session.error).toBe(error)
  })

  test('the only step forgets to return its event / the reason asks for that', async () => {
    const workflow = defineWorkflow({ ...flow }).step(
      'first',
      { on: Go, emits: [Done] },
      () => void Done('a'),
    )
    const { message } = (await failure((await profile().open(workflow)).run())) as Error
    expect(message).toMatch(/no stop event came; did a step return nothing\?$/)
  })

  test('a run that goes round two steps for ever / StepLimitError at the limit', async () => {
    let count = 0
    const workflow = defineWorkflow({ ...flow, maxSteps: 7 })
      .step('ping', { on: [Go, Worked], emits: [Item] }, () => (count++, Item(1)))
      .step('pong', { on: Item, emits: [Worked, Done] }, () => (count++, Worked(1)))
    const session = await profile().open(workflow)
    expect(await failure(session.run())).toMatchObject({ code: 'STEP_LIMIT', limit: 7 })
    expect(count).toBe(7)
    expect(session.status).toBe('failed')
  })

  test.each(['in this page', 'after a reload'])(
    'retry() at the limit, %s / the run goes on with what was queued, as far again',
    async (where) => {
      const page = profile()
      const workflow = defineWorkflow({ ...flow, maxSteps: 7 }).step(
        'loop',
        { on: [Go, Item], emits: [Item, Done] },
        (_ctx, { data = 1 }) => (data === 20 ? Done(data) : Item(data + 1)),
      )
      const first = await page.open(workflow)
      const limit = { code: 'STEP_LIMIT', limit: 7 }
      expect(await failure(first.run())).toMatchObject(limit)
      if (where === 'after a reload') await page.reload()
      const session = where === 'after a reload' ? await page.open(workflow) : first
      expect(await failure(session.retry())).toMatchObject(limit)
      expect(await session.retry()).toBe(20)
    },
  )

  test('the same after a reload, also of code with another limit / a StepLimitError with its message', async () => {
    const page = profile()
    const loop = (maxSteps: number) =>
      defineWorkflow({ ...flow, maxSteps }).step('loop', { on: [Go, Item], emits: [Item, Done] }, () =>
        Item(1),
      )
    const error = await failure((await page.open(loop(7))).run())
    await page.reload()
    const again = (await page.open(loop(8))).error
    expect(again).toBeInstanceOf(StepLimitError)
    expect(again).toMatchObject({ code: 'STEP_LIMIT', message: (error as Error).message })
  })

  test('without maxSteps / a run of 10,000 executions completes, one more is too many', async () => {
    const workflow = (last: number) =>
      defineWorkflow({ ...flow }).step('loop', { on: [Go, Item], emits: [Item, Done] }, (_, { data = 0 }) =>
        data === last ? Done(data) : Item(data + 1),
      )
    expect(await (await profile().open(workflow(9_999))).run()).toBe(9_999)
    const error = await failure((await profile().open(workflow(10_000))).run())
    expect(error).toMatchObject({ code: 'STEP_LIMIT', limit: 10_000 })
  })

  test('the limit counts one run / the next run starts from zero', async () => {
    const workflow = defineWorkflow({ ...flow, maxSteps: 2 })
      .step('one', { on: Go, emits: [Item] }, () => Item(1))
      .step('two', { on: Item, emits: [Done] }, () => Done(1))
    const session = await profile().open(workflow)
    for (let run = 0; run < 3; run++) expect(await session.run()).toBe(1)
  })
})

describe('order and workers', () => {
  const fan = (workers: number, work: (n: number) => Promise<void>) =>
    defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, (ctx) => {
        for (let n = 0; n < 10; n++) ctx.send(Item(n))
      })
      .step('work', { on: Item, emits: [Worked], workers }, async (_, { data }) => {
        await work(data)
        return Worked(data)
      })
      .step('count', { on: Worked, emits: [Done] }, async (ctx, event) => {
        const all = await ctx.collect(
          event,
          Array.from({ length: 10 }, () => Worked),
        )
        return all && Done(all.map((it) => it.data))
      })

  test('workers 1, events 0 to 9, the first ones slowest / strictly in order', async () => {
    const page = profile()
    const begun: number[] = []
    const work = async (n: number): Promise<void> => {
      begun.push(n)
      await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 100 - n * 10))
      begun.push(n)
    }
    const session = await page.open(fan(1, work))
    const result = session.run()
    await page.clock.advance(2000)
    expect(begun).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9])
    expect(await result).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('workers 4 / never more than four at once, and four when there is work', async () => {
    const page = profile()
    let now = 0
    let most = 0
    const work = async (n: number): Promise<void> => {
      most = Math.max(most, ++now)
      await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 10 + n))
      now--
    }
    const session = await page.open(fan(4, work))
    const result = session.run()
    await page.clock.advance(2000)
    await result
    expect(most).toBe(4)
  })

  test('without a number of workers / four', async () => {
    const page = profile()
    let now = 0
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item, Done] }, (ctx) => {
        for (let n = 0; n < 10; n++) ctx.send(Item(n))
      })
      .step('work', { on: Item, emits: [Done] }, async () => {
        now++
        await gate().promise
      })
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(now).toBe(4)
    session.cancel()
    await failure(result)
  })

  test('an event that two steps accept / goes to both', async () => {
    const order: string[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, () => Item(1))
      .step('b', { on: Item, emits: [Worked] }, () => (order.push('b'), Worked(1)))
      .step('a', { on: Item, emits: [Worked] }, () => (order.push('a'), Worked(2)))
      .step('end', { on: Worked, emits: [Done] }, async (ctx, event) => {
        const both = await ctx.collect(event, [Worked, Worked])
        return both && Done(both.map((it) => it.data))
      })
    expect(await (await profile().open(workflow)).run()).toHaveLength(2)
    expect(sorted(order)).toEqual(['a', 'b'])
  })

  test('a step that accepts several event types / its handler is told which', async () => {
    const workflow = defineWorkflow({ ...flow }).step(
      'loop',
      { on: [Go, Item, Other], emits: [Item, Other, Done] },
      (_, event) => {
        if (event.type === 'go') return Item(4)
        return event.type === 'item' ? Other(`got ${event.data}`) : Done(event.data)
      },
    )
    expect(await (await profile().open(workflow)).run()).toBe('got 4')
  })

  test('allOf / starts when one of each is there; the tuple is in declared order, pairs in order of arrival', async () => {
    const pairs: unknown[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item, Other] }, (ctx) => {
        ctx.send(Other('x'))
        ctx.send(Other('y'))
        ctx.send(Item(1))
        ctx.send(Item(2))
      })
      .step('both', { on: allOf(Item, Other), emits: [Done] }, (_, [item, other]) => {
        pairs.push([item.data, other.data])
        return pairs.length === 2 ? Done(pairs) : undefined
      })
    expect(await (await profile().open(workflow)).run()).toEqual([
      [1, 'x'],
      [2, 'y'],
    ])
  })

  test('allOf with one type twice / takes two events of it', async () => {
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, (ctx) => [1, 2].forEach((n) => ctx.send(Item(n))))
      .step('both', { on: allOf(Item, Item), emits: [Done] }, (_, [a, b]) => Done([a.data, b.data]))
    expect(await (await profile().open(workflow)).run()).toEqual([1, 2])
  })

  test('interrupted and queued work / the interrupted work comes first after a reload', async () => {
    const page = profile()
    const order: number[] = []
    const stuck = gate()
    let pages = 1
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item, Done] }, (ctx) => {
        for (const n of [0, 1, 2, 3]) ctx.send(Item(n))
      })
      .step('work', { on: Item, emits: [Done], workers: 1 }, async (_, { data }) => {
        order.push(data)
        if (pages === 1) await stuck.promise
        return data === 3 ? Done(order) : undefined
      })
    const first = await page.open(workflow)
    void first.run().catch(() => {})
    await page.reload()
    pages++
    const second = await page.open(workflow)
    expect(await second.run()).toEqual([0, 0, 1, 2, 3])
  })
})

describe('sending from outside', () => {
  const workflow = () =>
    defineWorkflow({
      ...flow,
      events: [Nudge, Other],
      skip: ['unconsumed', 'unproduced', 'unreachable', 'deadEnd'],
    })
      .step('wait', { on: Go, emits: [Done, Nobody] }, async (ctx) => {
        const nudge = await ctx.waitFor(Nudge)
        return Done(nudge.data)
      })
      .step('other', { on: Other }, async (ctx, { data }) => {
        await ctx.state.set('other', data)
      })
      .step('deaf', { on: Item }, () => {})
      .step('sender', { on: Worked, emits: [Item] }, () => {})

  const running = async () => {
    const page = profile()
    const session = await page.open(workflow())
    const result = session.run()
    result.catch(() => {})
    await page.settle()
    return { page, session, result }
  }

  test('to an unknown step / UnknownStepError at the call, naming the known steps', async () => {
    const { session } = await running()
    const error: UnknownStepError = thrown(() => session.send(Other('x'), { step: 'nope' as never }))
    expect(error.code).toBe('UNKNOWN_STEP')
    expect(error.step).toBe('nope')
    expect(error.message).toContain('"other"')
    for (const name of ['__proto__', 'constructor', 'toString', ''])
      expect(thrown(() => session.send(Other('x'), { step: name as never }))).toMatchObject({
        code: 'UNKNOWN_STEP',
      })
  })

  test('to a step that does not accept it / EventNotAcceptedError at the call', async () => {
    const { session } = await running()
    const error: EventNotAcceptedError = thrown(() => session.send(Other('x'), { step: 'wait' }))
    expect(error.code).toBe('EVENT_NOT_ACCEPTED')
    expect(error).toMatchObject({ step: 'wait', type: 'other' })
    expect(error.message).toContain('"go"')
  })

  test('of an unknown type / UnknownEventError at the call', async () => {
    const { session } = await running()
    const Foreign = defineEvent('foreign', z.string())
    for (const foreign of [
      Foreign('x'),
      { type: 'toString', data: 1 },
      { type: '__proto__' },
      5,
      null,
      'nudge',
    ])
      expect(thrown(() => session.send(foreign as never))).toMatchObject({ code: 'UNKNOWN_EVENT' })
  })

  test('data that fails its schema / EventValidationError at the call', async () => {
    const { session } = await running()
    expect(thrown(() => session.send({ type: 'other', data: 5 } as never))).toMatchObject({
      code: 'EVENT_VALIDATION',
      type: 'other',
    })
  })

  test('a bad call / leaves the session unchanged', async () => {
    const { page, session } = await running()
    const before = JSON.stringify(session.toJSON())
    const bad = [
      () => session.send(Other('x'), { step: 'nope' as never }),
      () => session.send(Other('x'), { step: 'wait' }),
      () => session.send({ type: 'foreign', data: 1 } as never),
      () => session.send({ type: 'other', data: 5 } as never),
    ]
    for (const call of bad) thrown(call)
    await page.clock.advance(1000)
    expect(JSON.stringify(session.toJSON())).toBe(before)
  })

  test.each([
    ['completed', () => Done('end')],
    [
      'failed',
      () => {
        throw new Error('broken')
      },
    ],
    ['cancelled', () => new Promise<never>(() => {})],
  ] as const)('after the run has %s / nobody takes it, and the session is unchanged', async (status, end) => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('work', { on: Go, emits: [Done] }, end)
      .step('nudged', { on: Nudge }, (ctx) => ctx.state.set('nudged', true))
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    if (status === 'cancelled') session.cancel()
    const before = session.history()
    expect([session.status, await session.send(Nudge(1))]).toEqual([status, false])
    expect(await session.send(Nudge(1), { step: 'nudged' })).toBe(false)
    await page.settle()
    expect([session.history(), session.state.get()]).toEqual([before, {}])
  })

  test('nobody takes it / send() says so, and the session is unchanged', async () => {
    const page = profile()
    const session = await page.open(workflow())
    const before = JSON.stringify(session.toJSON())
    expect(await session.send(Nudge('early'))).toBe(false)
    expect(await session.send(Other('early'))).toBe(false)
    expect(JSON.stringify(session.toJSON())).toBe(before)
    await page.clock.advance(2000)
    expect(await page.engine.list()).toEqual([])
    const result = session.run()
    await page.settle()
    const waiting = JSON.stringify(session.toJSON())
    expect(await session.send(Nobody('x') as never)).toBe(false)
    expect(await session.send(Done('x') as never)).toBe(false)
    expect(JSON.stringify(session.toJSON())).toBe(waiting)
    expect(await session.send(Nudge('now'))).toBe(true)
    expect(await result).toBe('now')
    expect(await session.send(Nudge('late'))).toBe(false)
  })

  test('to one step / only that step gets it', async () => {
    const got: string[] = []
    const two = defineWorkflow({ ...flow, events: [Other], skip: ['deadEnd'] })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.sleep(1000)
        return Done(got)
      })
      .step('a', { on: Other }, (_, { data }) => void got.push(`a ${data}`))
      .step('b', { on: Other }, (_, { data }) => void got.push(`b ${data}`))
    const page = profile()
    const session = await page.open(two)
    const result = session.run()
    await page.settle()
    expect(await session.send(Other('1'), { step: 'b' })).toBe(true)
    expect(await session.send(Other('2'))).toBe(true)
    await page.clock.advance(1000)
    await result
    expect(sorted(got)).toEqual(['a 2', 'b 1', 'b 2'])
  })

  test('a sent event / is stored at once', async () => {
    const { page, session } = await running()
    await session.send(Other('kept'))
    await page.reload()
    const again = await page.open(workflow())
    await page.settle()
    expect(again.state.get('other')).toBe('kept')
  })

  test('the data of a sent event / is copied: the caller may change its own afterwards', async () => {
    const Box = defineEvent('box', z.object({ list: z.array(z.number()) }))
    const seen: unknown[] = []
    const boxed = defineWorkflow({ ...flow, events: [Box], skip: ['deadEnd'] })
      .step('wait', { on: Go, emits: [Done] }, async (ctx) => {
        await ctx.sleep(100)
        return Done(1)
      })
      .step('box', { on: Box }, (_, { data }) => void seen.push(data))
    const page = profile()
    const session = await page.open(boxed)
    void session.run()
    await page.settle()
    const list = [1]
    const sent = session.send({ type: 'box', data: { list } })
    list.push(2)
    await sent
    await page.clock.advance(100)
    expect(seen).toEqual([{ list: [1] }])
  })

  test('an answer that no ask waits for / is taken by nobody', async () => {
    const { session } = await running()
    expect(thrown(() => session.send(Answer('x') as never))).toMatchObject({ code: 'UNKNOWN_EVENT' })
  })
})
