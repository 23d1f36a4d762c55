import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  defineEvent,
  defineWorkflow,
  type EventValidationError,
  type Retry,
  type Shape,
  type StepContext,
  type StepError,
} from '../../src/index'
import {
  Answer,
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
} from '../support/flows'

const Name = defineEvent('name', z.object({ first: z.string(), age: z.number().optional() }))
const AskName = defineEvent('askName', z.object({ hint: z.string() }), { reply: Name })

type Ctx = Pick<StepContext<Shape, never, never, unknown>, 'state' | 'once'>

/** Asks once and completes with the answer. */
const one = defineWorkflow({ ...flow }).step(
  'ask',
  { on: Go, asks: [Question], emits: [Done] },
  async (ctx) => {
    const { data } = await ctx.ask(Question('how?'))
    return Done({ data, there: data !== undefined })
  },
)

/** Asks twice for one reply type. */
const two = (asked: string[] = []) =>
  defineWorkflow({ ...flow }).step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
    asked.push('first')
    const first = await ctx.ask(Question('first'))
    asked.push('second')
    const second = await ctx.ask(Question('second'))
    return Done([first.data, second.data])
  })

describe('an open ask', () => {
  test('has an id, type, data, step and reply type', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'who',
      { on: Go, asks: [AskName], emits: [Done] },
      async (ctx) => {
        const { type, data } = await ctx.ask(AskName({ hint: 'yours' }))
        return Done({ type, data })
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(session.status).toBe('waiting')
    expect(session.asks).toEqual([
      {
        id: expect.any(String),
        type: 'askName',
        data: { hint: 'yours' },
        step: 'who',
        replyType: 'name',
        reply: expect.any(Function),
      },
    ])
    expect(await session.asks[0]?.reply({ first: 'Ada' })).toBe(true)
    expect(await result).toEqual({ type: 'name', data: { first: 'Ada' } })
    expect(session.asks).toEqual([])
  })

  test('the list of asks / stays the same array until an ask comes or goes, and cannot be changed', async () => {
    const page = profile()
    const session = await page.open(two())
    const idle = session.asks
    expect(session.asks).toBe(idle)
    void session.run()
    await page.settle()
    const first = session.asks
    expect(first).toHaveLength(1)
    session.state.set('typed', 'x')
    expect(session.asks).toBe(first)
    expect(Object.isFrozen(first)).toBe(true)
    expect(Object.isFrozen(first[0])).toBe(true)
    await first[0]?.reply(1)
    await page.settle()
    expect(session.asks).not.toBe(first)
    expect(first[0]?.data).toBe('first')
  })

  test('session listeners / are told when an ask opens and when it is answered', async () => {
    const page = profile()
    const session = await page.open(one)
    const seen: number[] = []
    session.subscribe(() => seen.push(session.asks.length))
    const result = session.run()
    await page.settle()
    expect(seen).toContain(1)
    await session.asks[0]?.reply(1)
    await result
    await page.settle()
    expect(seen.at(-1)).toBe(0)
  })

  test('a reload / the same ask with the same id, once; its id still answers it', async () => {
    const page = profile()
    const session = await page.open(one)
    void session.run()
    await page.settle()
    const id = session.asks[0]?.id ?? ''
    await page.reload()
    const again = await page.open(one)
    expect(again.asks.map((it) => it.id)).toEqual([id])
    expect(await again.reply(id, 'yes')).toBe(true)
    await page.settle()
    expect(again.result).toEqual({ data: 'yes', there: true })
  })

  test('killed before anything was stored / the ask opens again', async () => {
    const page = profile({ crashAt: 1 })
    const session = await page.open(one)
    void session.run()
    await page.settle()
    expect(session.asks).toHaveLength(1)
    page.kill()
    const again = await page.open(one)
    expect(again.status).toBe('idle')
    void again.run()
    await page.settle()
    expect(again.asks).toHaveLength(1)
  })
})

describe('replies', () => {
  test.each([
    ['an empty text', ''],
    ['0', 0],
    ['false', false],
    ['null', null],
    ['a nested object', { a: [{ b: null }, ''], c: { d: 0 } }],
    ['a list', []],
    ['a text like JSON', '{"a":1}'],
  ])('%s / taken as it is, live and after a reload', async (_, value) => {
    const page = profile()
    const live = await page.open(one, { id: 'live' })
    const result = live.run()
    await page.settle()
    expect(await live.asks[0]?.reply(value)).toBe(true)
    expect(await result).toEqual({ data: value, there: true })

    const before = await page.open(one, { id: 'before' })
    void before.run()
    await page.reload()
    const after = await page.open(one, { id: 'before' })
    expect(await after.asks[0]?.reply(value)).toBe(true)
    await page.settle()
    expect(after.result).toEqual({ data: value, there: true })
  })

  test.each([
    ['an empty text', ''],
    ['0', 0],
    ['false', false],
    ['null', null],
    ['a nested object', { a: [{ b: null }], c: 0 }],
  ])(
    '%s, and a reload after the reply / the step gets it again, and does not ask again',
    async (_, value) => {
      const page = profile()
      let stuck = true
      const workflow = defineWorkflow({ ...flow }).step(
        'ask',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          const { data } = await ctx.ask(Question('how?'))
          if (stuck) await gate().promise
          return Done({ data })
        },
      )
      const session = await page.open(workflow)
      void session.run()
      await page.settle()
      await session.asks[0]?.reply(value)
      await page.reload()
      stuck = false
      const again = await page.open(workflow)
      expect(again.asks).toEqual([])
      await page.settle()
      expect(again.result).toEqual({ data: value })
    },
  )

  test('no data, where the reply has no schema / is an answer', async () => {
    const Yes = defineEvent('yes')
    const Sure = defineEvent('sure', z.string(), { reply: Yes })
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Sure], emits: [Done] },
      async (ctx) => {
        const answer = await ctx.ask(Sure('sure?'))
        return Done(answer.type)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(await session.asks[0]?.reply(undefined)).toBe(true)
    expect(await result).toBe('yes')
  })

  test('double click on submit / exactly one is taken, the other is told so', async () => {
    const page = profile()
    const session = await page.open(one)
    const result = session.run()
    await page.settle()
    const [ask] = session.asks
    const told = [
      ask?.reply('a') ?? false,
      ask?.reply('b') ?? false,
      session.reply(ask?.id ?? '', 'c'),
      session.send(Answer('d')),
    ]
    const taken = await Promise.all(told.map((it) => Promise.resolve(it)))
    expect(taken).toEqual([true, false, false, false])
    expect(await result).toEqual({ data: 'a', there: true })
  })

  test('a reply to an answered ask, or after the run / is told so, and nothing changes', async () => {
    const page = profile()
    const session = await page.open(two())
    const result = session.run()
    await page.settle()
    const [first] = session.asks
    await first?.reply(1)
    await page.settle()
    const before = JSON.stringify(session.toJSON())
    expect(await first?.reply(2)).toBe(false)
    expect(await session.reply('no such ask', 3)).toBe(false)
    expect(JSON.stringify(session.toJSON())).toBe(before)
    await session.asks[0]?.reply(4)
    expect(await result).toEqual([1, 4])
    expect(await first?.reply(5)).toBe(false)
  })

  test('a reply that fails its schema / rejected with issues, the ask stays open', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'who',
      { on: Go, asks: [AskName], emits: [Done] },
      async (ctx) => Done((await ctx.ask(AskName({ hint: '' }))).data),
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    const [ask] = session.asks
    const before = JSON.stringify(session.toJSON())
    const bad = [
      () => ask?.reply({ first: 5 } as never),
      () => session.reply(ask?.id ?? '', {}),
      () => session.reply(ask?.id ?? '', undefined),
      () => session.send({ type: 'name', data: 'Ada' } as never),
      () => session.send({ type: 'name', data: 'Ada' } as never, { ask: ask?.id ?? '' }),
    ]
    for (const call of bad) {
      const error: EventValidationError = thrown(call)
      expect(error).toMatchObject({ code: 'EVENT_VALIDATION', type: 'name' })
      expect(error.issues.length).toBeGreaterThan(0)
    }
    expect(thrown<EventValidationError>(bad[0] as () => unknown).issues[0]?.path).toBe('first')
    expect(session.asks).toHaveLength(1)
    expect(session.asks[0]).toBe(ask)
    expect(JSON.stringify(session.toJSON())).toBe(before)
    expect(await ask?.reply({ first: 'Ada' })).toBe(true)
    expect(await result).toEqual({ first: 'Ada' })
  })

  test('a reply that fails its schema after a reload / rejected in the same way', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'who',
      { on: Go, asks: [AskName], emits: [Done] },
      async (ctx) => Done((await ctx.ask(AskName({ hint: '' }))).data),
    )
    void (await page.open(workflow)).run()
    await page.reload()
    const session = await page.open(workflow)
    expect(thrown(() => session.asks[0]?.reply({ first: 5 } as never))).toMatchObject({
      code: 'EVENT_VALIDATION',
    })
    expect(await session.asks[0]?.reply({ first: 'Ada' })).toBe(true)
  })

  test('a reply that cannot be stored / refused at the call, the ask stays open', async () => {
    const page = profile()
    const session = await page.open(one)
    void session.run()
    await page.settle()
    for (const bad of [
      () => 1,
      new Map(),
      10n,
      Number.NaN,
      { a: new Date() },
      JSON.parse('{"__proto__":{"x":1}}'),
    ])
      expect(thrown<{ code: string }>(() => session.asks[0]?.reply(bad)).code).toMatch(
        /^(SERIALIZATION|PATH)$/,
      )
    expect(session.asks).toHaveLength(1)
    expect(({} as { x?: number }).x).toBeUndefined()
  })

  test('reply data / is copied: the caller may change its own afterwards', async () => {
    const page = profile()
    const session = await page.open(one)
    const result = session.run()
    await page.settle()
    const list = [1]
    const reply = session.asks[0]?.reply(list)
    list.push(2)
    await reply
    expect(await result).toEqual({ data: [1], there: true })
  })

  test('session.send() of the reply type / answers the oldest open ask', async () => {
    const page = profile()
    const session = await page.open(two())
    const result = session.run()
    await page.settle()
    expect(await session.send(Answer('r1'))).toBe(true)
    await page.settle()
    expect(await session.send(Answer('r2'))).toBe(true)
    expect(await result).toEqual(['r1', 'r2'])
    expect(await session.send(Answer('r3'))).toBe(false)
  })

  test('session.send() naming an ask / answers that one; an event of another type is told so', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const answers = await Promise.all([ctx.ask(Question('a')), ctx.ask(Question('b'))])
        return Done(answers.map((it) => it.data))
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    const [a, b] = session.asks
    expect(await session.send(Nudge('x'), { ask: b?.id ?? '' })).toBe(false)
    expect(await session.send(Answer('for b'), { ask: b?.id ?? '' })).toBe(true)
    expect(await session.send(Answer('for b'), { ask: b?.id ?? '' })).toBe(false)
    expect(await session.send(Answer('for a'), { ask: a?.id ?? '' })).toBe(true)
    expect(await result).toEqual(['for a', 'for b'])
  })
})

describe('several asks', () => {
  test('two asks of one reply type in one step / get replies r1 and r2 in order, each ask shown once', async () => {
    const page = profile()
    const session = await page.open(two())
    const result = session.run()
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['first'])
    await session.asks[0]?.reply('r1')
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['second'])
    await session.asks[0]?.reply('r2')
    expect(await result).toEqual(['r1', 'r2'])
  })

  test('with a reload between / the first is not asked again', async () => {
    const page = profile()
    const session = await page.open(two())
    void session.run()
    await page.settle()
    await session.asks[0]?.reply('r1')
    await page.reload()
    const again = await page.open(two())
    await page.settle()
    expect(again.asks.map((it) => it.data)).toEqual(['second'])
    await again.asks[0]?.reply('r2')
    await page.settle()
    expect(again.result).toEqual(['r1', 'r2'])
  })

  test('killed right after a reply was stored / the reply is kept', async () => {
    const page = profile()
    const session = await page.open(two())
    void session.run()
    await page.settle()
    await session.asks[0]?.reply('r1')
    await session.flush()
    page.kill()
    const again = await page.open(two())
    await page.settle()
    expect(again.asks.map((it) => it.data)).toEqual(['second'])
  })

  const parallel = defineWorkflow({ ...flow })
    .step('start', { on: Go, emits: [Item] }, (ctx) => [1, 2, 3].forEach((n) => ctx.send(Item(n))))
    .step('ask', { on: Item, asks: [Question], emits: [Item, Done] }, async (ctx, { data }) => {
      const answer = await ctx.ask(Question(data))
      const all = [...(ctx.state.get('all', []) as unknown[]), [data, answer.data]]
      await ctx.state.set('all', all)
      return all.length === 3 ? Done(all) : undefined
    })

  test('three parallel executions ask the same / three open asks; each reply resolves one, the oldest first', async () => {
    const page = profile()
    const session = await page.open(parallel)
    const result = session.run()
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual([1, 2, 3])
    expect(new Set(session.asks.map((it) => it.id)).size).toBe(3)
    for (const reply of ['x', 'y', 'z']) {
      expect(await session.send(Answer(reply))).toBe(true)
      await page.settle()
    }
    expect(await result).toEqual([
      [1, 'x'],
      [2, 'y'],
      [3, 'z'],
    ])
  })

  test('three parallel executions, and replies naming the ask / reach that ask, also after a reload', async () => {
    const page = profile()
    const session = await page.open(parallel)
    void session.run()
    await page.settle()
    const ids = session.asks.map((it) => it.id)
    await session.asks[2]?.reply('third')
    await page.reload()
    const again = await page.open(parallel)
    await page.settle()
    expect(again.asks.map((it) => it.id)).toEqual(ids.slice(0, 2))
    await again.reply(ids[1] ?? '', 'second')
    await again.reply(ids[0] ?? '', 'first')
    await page.settle()
    expect(again.result).toEqual([
      [3, 'third'],
      [2, 'second'],
      [1, 'first'],
    ])
  })

  test('two asks opened together in one step / both are open, and may be answered in either order', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        const [a, b] = await Promise.all([ctx.ask(Question('a')), ctx.ask(Question('b'))])
        return Done([a.data, b.data])
      },
    )
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['a', 'b'])
    await session.asks[1]?.reply('B')
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.asks.map((it) => it.data)).toEqual(['a'])
    await again.asks[0]?.reply('A')
    await page.settle()
    expect(again.result).toEqual(['A', 'B'])
  })
})

describe('asking', () => {
  test('an ask that the step does not declare in `asks` / UndeclaredAskError naming step and event', async () => {
    const workflow = defineWorkflow({ ...flow }).step('ask', { on: Go, emits: [Done] }, async (ctx) => {
      await (ctx.ask as (event: unknown) => Promise<unknown>)(Question(1))
      return Done(1)
    })
    const session = await profile().open(workflow)
    const error: StepError = await failure(session.run())
    expect(error.cause).toMatchObject({ code: 'UNDECLARED_ASK', step: 'ask', type: 'question' })
    expect(session.asks).toEqual([])
  })

  test.each([
    [undefined, 'undefined, which is no event'],
    [null, 'null, which is no event'],
    [5, '5, which is no event'],
    ['question', '"question", which is no event'],
    [{}, 'an object that is no event'],
  ])('ctx.ask(%s) / an error that says what it is, no hang', async (wrong, what) => {
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await (ctx.ask as (event: unknown) => Promise<unknown>)(wrong)
        return Done(1)
      },
    )
    const error: StepError = await failure((await profile().open(workflow)).run())
    expect(error.cause).toMatchObject({ code: 'UNDECLARED_ASK', message: `step "ask" asks ${what}` })
  })

  test('an ask made by hand with wrong data / EventValidationError, and no ask opens', async () => {
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [AskName], emits: [Done] },
      async (ctx) => {
        await ctx.ask({ type: 'askName', data: { hint: 5 } } as never)
        return Done(1)
      },
    )
    const session = await profile().open(workflow)
    const error: StepError = await failure(session.run())
    expect(error.cause).toMatchObject({ code: 'EVENT_VALIDATION' })
  })

  test('inside an edit / NestedEditError, as for everything that is recorded', async () => {
    const errors: unknown[] = []
    const inner = defineWorkflow({ ...flow }).step('end', { on: Go, emits: [Done] }, () => Done(1))
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.edit(async (draft) => {
          draft['kept'] = true
          errors.push(await failure(ctx.ask(Question(1))))
          errors.push(await failure(ctx.waitFor(Answer)))
          errors.push(await failure(ctx.sleep(10)))
          errors.push(await failure(ctx.once('key', async () => 1)))
          errors.push(await failure(ctx.subflow(inner)))
          errors.push(await failure(ctx.commit()))
          errors.push(await failure(ctx.collect(Answer('a'), [Answer, Answer])))
        })
        return Done(ctx.state.get('kept'))
      },
    )
    expect(await (await profile().open(workflow)).run()).toBe(true)
    for (const error of errors) expect(error).toMatchObject({ code: 'NESTED_EDIT' })
    expect(errors).toHaveLength(7)
  })

  test('the attempt fails while its ask is open / the retry joins the ask: one ask, and its answer counts', async () => {
    const page = profile()
    const boom = gate<never>()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done], retry: { attempts: 2, delay: 100 } },
      async (ctx) => {
        const answer = ctx.ask(Question('once'))
        if (ctx.attempt === 1) await boom.promise
        return Done((await answer).data)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    const ids = session.asks.map((it) => it.id)
    boom.fail(new Error('no'))
    await page.settle()
    expect(session.asks.map((it) => it.id)).toEqual(ids)
    // Answered while no attempt is running.
    expect(await session.asks[0]?.reply('yes')).toBe(true)
    expect(session.asks).toEqual([])
    await page.clock.advance(100)
    expect(await result).toBe('yes')
  })

  test('the run starts over / no ask id is used twice', async () => {
    const page = profile()
    const session = await page.open(one)
    const ids = new Set<string>()
    for (let run = 0; run < 3; run++) {
      const result = session.run()
      await page.settle()
      ids.add(session.asks[0]?.id ?? '')
      await session.asks[0]?.reply(run)
      await result
    }
    expect(ids.size).toBe(3)
  })
})

describe('with a timeout', () => {
  const timed = defineWorkflow({ ...flow }).step(
    'ask',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      try {
        return Done((await ctx.ask(Question(1), { timeout: 1000 })).data)
      } catch (error) {
        return Done({ timeout: (error as { scope?: string }).scope })
      }
    },
  )

  test('nobody answers / TimeoutError of scope wait, the ask is gone', async () => {
    const page = profile()
    const session = await page.open(timed)
    const result = session.run()
    await page.settle()
    const [ask] = session.asks
    expect(ask?.deadline).toBe(page.clock.now() + 1000)
    await page.clock.advance(999)
    expect(session.asks).toHaveLength(1)
    await page.clock.advance(1)
    expect(session.asks).toEqual([])
    expect(await ask?.reply('late')).toBe(false)
    expect(await result).toEqual({ timeout: 'wait' })
  })

  test('answered in time / no timeout comes later', async () => {
    const page = profile()
    const session = await page.open(timed)
    const result = session.run()
    await page.clock.advance(999)
    await session.asks[0]?.reply('in time')
    expect(await result).toBe('in time')
    await page.clock.advance(10_000)
    expect(session.status).toBe('completed')
    expect(page.clock.pending).toBe(0)
  })

  test('reload at 400 ms / times out 600 ms later, at the same deadline', async () => {
    const page = profile()
    const session = await page.open(timed)
    void session.run()
    await page.clock.advance(400)
    const deadline = session.asks[0]?.deadline
    await page.reload()
    const again = await page.open(timed)
    expect(again.asks[0]?.deadline).toBe(deadline)
    await page.clock.advance(599)
    expect(again.asks).toHaveLength(1)
    await page.clock.advance(1)
    expect(again.result).toEqual({ timeout: 'wait' })
  })

  test('opened after the deadline / times out at once', async () => {
    const page = profile()
    void (await page.open(timed)).run()
    await page.reload()
    await page.clock.advance(3_600_000)
    const again = await page.open(timed)
    await page.settle()
    expect(again.result).toEqual({ timeout: 'wait' })
  })

  /** Fails when nobody answers; `late` is what it does before. */
  const impatient = (options: { retry?: Retry } = {}, late?: (ctx: Ctx) => Promise<unknown>) =>
    defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done], ...options },
      async (ctx) => {
        await ctx.state.set('asked', Number(ctx.state.get('asked') ?? 0) + 1)
        try {
          return Done((await ctx.ask(Question('sure?'), { timeout: 1000 })).data)
        } catch (error) {
          await late?.(ctx as unknown as Ctx)
          throw error
        }
      },
    )

  test.each([false, true])(
    'the timeout fails the step, then retry() / the ask opens anew with its whole time; reloads: %s',
    async (reloads) => {
      const page = profile()
      const workflow = impatient({}, (ctx) => ctx.state.set('late', true))
      let session = await page.open(workflow)
      const again = async (): Promise<void> => {
        if (!reloads) return
        await page.reload()
        session = await page.open(workflow)
        await page.settle()
      }
      session.run().catch(() => {})
      await page.clock.advance(1000)
      expect(session.error).toMatchObject({ code: 'STEP_FAILED', cause: { scope: 'wait' } })
      await again()
      await page.clock.advance(5000)
      void session.retry()
      await page.settle()
      const deadline = page.clock.now() + 1000
      expect(session.asks).toMatchObject([{ data: 'sure?', deadline }])
      await again()
      await page.clock.advance(999)
      expect(session.asks).toMatchObject([{ data: 'sure?', deadline }])
      expect(await session.asks[0]?.reply('yes')).toBe(true)
      await page.settle()
      expect(session.result).toBe('yes')
      expect(session.state.get()).toEqual({ asked: 1 })
    },
  )

  test('the timeout fails the step, which has a retry policy / each attempt asks anew; between attempts nobody can answer', async () => {
    const page = profile()
    const session = await page.open(impatient({ retry: { attempts: 3, delay: 100 } }))
    const result = failure(session.run())
    await page.settle()
    const [first] = session.asks
    await page.clock.advance(1050)
    expect(session.asks).toEqual([])
    expect(await first?.reply('late')).toBe(false)
    await page.clock.advance(50)
    expect(session.asks).toMatchObject([{ data: 'sure?', deadline: page.clock.now() + 1000 }])
    await page.clock.advance(1000 + 100)
    expect(session.asks).toHaveLength(1)
    await page.clock.advance(1000)
    expect(await result).toMatchObject({ attempts: 3, cause: { scope: 'wait' } })
  })

  test('a `once` is recorded after the timeout, which then fails the step / retry() does not run the effect again', async () => {
    const page = profile()
    let told = 0
    const session = await page.open(impatient({}, (ctx) => ctx.once('tell', () => ++told)))
    session.run().catch(() => {})
    await page.clock.advance(1000)
    expect(await failure(session.retry())).toMatchObject({ cause: { scope: 'wait' } })
    expect(told).toBe(1)
  })

  test('timed out and caught, then a reload at the next ask / the re-run catches the same timeout', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        let how = 'answered'
        await ctx
          .ask(Question(1), { timeout: 100 })
          .catch((error: { code: string; scope: string; name: string }) => {
            how = `${error.name} ${error.code} ${error.scope}`
          })
        await ctx.state.set('how', how)
        const { data } = await ctx.ask(Question(2))
        return Done([how, data])
      },
    )
    void (await page.open(workflow)).run()
    await page.clock.advance(100)
    await page.reload()
    const again = await page.open(workflow)
    await page.settle()
    expect(again.asks.map((it) => it.data)).toEqual([2])
    await again.asks[0]?.reply('yes')
    await page.settle()
    expect(again.result).toEqual(['TimeoutError TIMEOUT wait', 'yes'])
  })
})
