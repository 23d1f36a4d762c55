import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  defineEvent,
  defineWorkflow,
  gather,
  StepFailed,
  TimeoutError,
  type Session,
  type AnyWorkflow,
} from '../../src/index'
import { Done, failure, flow, gate, Go, Item, Nudge, profile, Question, Worked } from '../support/flows'

/*
 * What the engine promises, line by line: in each test the parts of one promise meet. Every part by itself, with its odd
 * cases, is in the files of this folder that are named after it.
 */

/** Every order of a list. */
function orders<T>(list: readonly T[]): T[][] {
  if (list.length === 0) return [[]]
  return list.flatMap((it, at) => orders(list.toSpliced(at, 1)).map((rest) => [it, ...rest]))
}

const types = (session: Pick<Session<AnyWorkflow>, 'history'>) => session.history().map((it) => it.type)

describe('durable steps: several recorded calls at once, cut off anywhere, with other writers', () => {
  test.each(orders(['effect', 'reply', 'event']).map((it) => [it.join(', '), it]))(
    'they end in the order %s, with a reload after each / each happens once, and the step takes the same way',
    async (_, order) => {
      const page = profile()
      const keys = new Set<string>()
      const answer = gate<string>()
      const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
        'work',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          await ctx.state.append('log', { entry: 'begun' })
          const all = await Promise.all([
            ctx.once('effect', (key) => (keys.add(key), answer.promise)),
            ctx.ask(Question('?')).then((it) => it.data),
            ctx.waitFor(Nudge).then((it) => it.data),
          ])
          await ctx.state.append('log', { entry: 'ended' })
          await ctx.commit()
          return Done(all)
        },
      )
      let session = await page.open(workflow)
      session.run().catch(() => {})
      for (const next of order) {
        await page.settle()
        if (next === 'effect') answer.open('paid')
        if (next === 'reply') await session.asks[0]?.reply('yes')
        if (next === 'event') expect(await session.send(Nudge('now'))).toBe(true)
        await page.reload()
        session = await page.open(workflow)
      }
      await page.settle()
      expect(session.result).toEqual(['paid', 'yes', 'now'])
      expect(session.state.get('log')).toEqual([{ entry: 'begun' }, { entry: 'ended' }])
      expect(keys.size).toBe(1)
    },
  )

  test("the user writes above, below and beside a step's writes, then the step runs again / the user's writes stand", async () => {
    const page = profile()
    const workflow = defineWorkflow(flow).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => {
        await ctx.state.set('form.name', '')
        await ctx.state.set('form.address', { city: 'Delft' })
        await ctx.state.append('list', 'step')
        await ctx.ask(Question('?'))
        await ctx.state.set('form.done', true)
        return Done(ctx.state.get())
      },
    )
    let session = await page.open(workflow)
    session.run().catch(() => {})
    await page.settle()
    session.state.set('form.name', 'Ada')
    session.state.set('form.address.city', 'Gouda')
    session.state.append('list', ' and person')
    for (let reloads = 0; reloads < 3; reloads++) {
      await page.reload()
      session = await page.open(workflow)
      await page.settle()
    }
    session.state.set('form.name', 'Ada L')
    await session.asks[0]?.reply('go')
    await page.settle()
    expect(session.result).toEqual({
      form: { name: 'Ada L', address: { city: 'Gouda' }, done: true },
      list: 'step and person',
    })
  })
})

describe('waiting: ask, waitFor with where, timeout and emit, sleep; deadlines that survive the page', () => {
  test('one step uses them all, with a reload in the middle of each / each ends when it would have, once', async () => {
    const page = profile()
    const log: unknown[] = []
    const Ping = defineEvent('ping', z.string())
    const begun = page.clock.now()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('work', { on: Go, asks: [Question], emits: [Done, Ping] }, async (ctx) => {
        const reply = await ctx.ask(Question('?'), { timeout: 1000 })
        const wanted = await ctx.waitFor(Nudge, {
          where: ({ data }) => data === 'wanted',
          emit: Ping('waiting'),
          timeout: 1000,
        })
        await ctx.sleep(60_000)
        const late: unknown = await ctx
          .waitFor(Nudge, { timeout: 200 })
          .catch((error: unknown) => error instanceof TimeoutError && error.scope)
        return Done([reply.data, wanted.data, late])
      })
      .step('ping', { on: Ping }, (_, { data }) => void log.push(data))
    let session = await page.open(workflow)
    const again = async (): Promise<void> => {
      await page.reload()
      session = await page.open(workflow)
      await page.settle()
    }
    session.run().catch(() => {})
    await page.clock.advance(400)
    await again()
    expect(session.asks[0]?.deadline).toBe(begun + 1000)
    await session.asks[0]?.reply('r')
    await again()
    expect(await session.send(Nudge('other'))).toBe(false)
    expect(await session.send(Nudge('wanted'))).toBe(true)
    await page.clock.advance(40_000)
    await again()
    await page.clock.advance(20_000)
    await again()
    expect(session.status).toBe('waiting')
    await page.clock.advance(200)
    expect(session.result).toEqual(['r', 'wanted', 'wait'])
    expect(log).toEqual(['waiting'])
  })

  test('a reply that is refused, then one given twice / the ask stays open; then one waiter gets one answer', async () => {
    const page = profile()
    const Number = defineEvent('number', z.number())
    const HowMany = defineEvent('howMany', z.string(), { reply: Number })
    const workflow = defineWorkflow(flow).step(
      'work',
      { on: Go, asks: [HowMany], emits: [Done] },
      async (ctx) =>
        Done((await Promise.all([ctx.ask(HowMany('a')), ctx.ask(HowMany('b'))])).map((it) => it.data)),
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    const [a] = session.asks
    expect(() => a?.reply('seven' as never)).toThrow(/number/)
    expect(session.asks).toHaveLength(2)
    expect(await Promise.all([a?.reply(1), a?.reply(2)])).toEqual([true, false])
    expect(await session.send(Number(3))).toBe(true)
    expect(await result).toEqual([1, 3])
  })
})

describe('routing: exact types, targets, collect, allOf, fan-out, gather, workers, FIFO', () => {
  const Order = defineEvent('order', z.number())
  const Line = defineEvent('line', z.tuple([z.number(), z.number()]))
  const Priced = defineEvent('priced', z.tuple([z.number(), z.number()]))
  const Total = defineEvent('total', z.number())
  const Left = defineEvent('left', z.unknown())
  const Right = defineEvent('right', z.unknown())
  const Both = defineEvent('both', z.unknown())

  const shop = (log: string[]) =>
    defineWorkflow({ ...flow, events: [Nudge] })
      .step('split', { on: Go, emits: [Order] }, () => [1, 2, 3].map((it) => Order(it)))
      .step('lines', { on: Order, emits: [Line] }, (_, { data }) =>
        Array.from({ length: data - 1 }, (__, line) => Line([data, line])),
      )
      .step(
        'price',
        { on: Line, emits: [Priced], workers: 1, catchError: 'guess' },
        async (ctx, { data: [order, line] }) => {
          log.push(`price ${order}.${line}`)
          await ctx.sleep(10)
          if (line === 1) throw new Error('no price')
          return Priced([order, 10])
        },
      )
      .step('guess', { on: StepFailed, emits: [Priced] }, (_, { data }) =>
        Priced([(data.event as { data: [number, number] }).data[0], 1]),
      )
      .step('total', { on: gather(Priced), emits: [Total] }, (_, prices) =>
        Total(prices.reduce((sum, { data: [, price] }) => sum + price, 0)),
      )
      .step('sum', { on: gather(Total), emits: [Left] }, (_, totals) => Left(totals.map((it) => it.data)))
      .step('collector', { on: Nudge, emits: [Right] }, async (ctx, event) => {
        const all = await ctx.collect(event, [Nudge, Nudge])
        return all && Right(all.map((it) => it.data))
      })
      .step('bystander', { on: Nudge }, (_, { data }) => void log.push(`bystander ${String(data)}`))
      .step('both', { on: allOf(Right, Left), emits: [Both] }, (_, [right, left]) =>
        Both([right.data, left.data]),
      )
      .step('end', { on: Both, emits: [Done] }, (_, { data }) => Done(data))

  test.each([0, 1, 2, 3])('all of it in one run, with %i reloads / the same end', async (reloads) => {
    const page = profile()
    const log: string[] = []
    let session = await page.open(shop(log))
    session.run().catch(() => {})
    await page.settle()
    expect(await session.send(Nudge('first'), { step: 'collector' })).toBe(true)
    for (let n = 0; n < reloads; n++) {
      await page.clock.advance(10)
      await page.reload()
      session = await page.open(shop(log))
    }
    await session.send(Nudge('second'))
    await page.clock.advance(100)
    expect(session.result).toEqual([
      ['first', 'second'],
      [0, 10, 11],
    ])
    // One worker, first in first out; what was cut off came first again.
    expect([...new Set(log)].filter((it) => it.startsWith('price'))).toEqual([
      'price 2.0',
      'price 3.0',
      'price 3.1',
    ])
    expect(log.filter((it) => it.startsWith('bystander'))).toEqual(['bystander second'])
  })

  test('an event that nobody takes / stalled, with its type; a cycle without an end / StepLimitError at the limit', async () => {
    const page = profile()
    const idle = defineWorkflow({ ...flow, skip: ['unconsumed', 'deadEnd', 'stop'] }).step(
      'lose',
      { on: Go, emits: [Worked, Done] },
      () => Worked(1),
    )
    const stalled = await page.open(idle, { id: 'stalled' })
    expect(await failure(stalled.run())).toMatchObject({ code: 'STALLED', unconsumed: ['worked'] })
    const endless = defineWorkflow({ ...flow, maxSteps: 20 })
      .step('there', { on: [Go, Worked], emits: [Item, Done] }, () => Item(1))
      .step('back', { on: Item, emits: [Worked] }, () => Worked(1))
    const round = await page.open(endless, { id: 'round' })
    expect(await failure(round.run())).toMatchObject({ code: 'STEP_LIMIT', limit: 20 })
  })
})

describe('failure: retries that survive the page, recovery, timeouts, cancel', () => {
  test('a retry policy with reloads in its backoff, then recovery / the recovery step gets step, event, error and attempts', async () => {
    const page = profile()
    const tries: [attempt: number, at: number][] = []
    const begun = page.clock.now()
    const workflow = defineWorkflow(flow)
      .step(
        'work',
        { on: Go, emits: [Done], retry: { attempts: 3, delay: 1000, factor: 3 }, catchError: 'recover' },
        async (ctx) => {
          tries.push([ctx.attempt, page.clock.now() - begun])
          await ctx.state.set('half', ctx.attempt)
          throw new RangeError('the server is down')
        },
      )
      .step('recover', { on: StepFailed, emits: [Done] }, (ctx, { data }) => Done([data, ctx.state.get()]))
    let session = await page.open(workflow)
    session.run().catch(() => {})
    for (const ms of [600, 600, 1000, 2000]) {
      await page.clock.advance(ms)
      await page.reload()
      session = await page.open(workflow)
      await page.settle()
    }
    expect(tries).toEqual([
      [1, 0],
      [2, 1000],
      [3, 4000],
    ])
    const told = {
      ...{ step: 'work', event: { type: 'go' }, attempts: 3 },
      error: { name: 'RangeError', message: 'the server is down' },
    }
    expect(session.result).toEqual([told, {}])
  })

  test('the user takes an hour, the work too long / only work counts; the error says which limit; retry() runs only that step', async () => {
    const page = profile()
    const ran: string[] = []
    let slow = true
    const workflow = defineWorkflow({ ...flow, timeout: 5000 })
      .step('ask', { on: Go, asks: [Question], emits: [Worked] }, async (ctx) => {
        ran.push('ask')
        await ctx.ask(Question('?'))
        return Worked(1)
      })
      .step('work', { on: Worked, emits: [Done], timeout: 100 }, async (ctx) => {
        ran.push('work')
        if (slow) await new Promise((_, fail) => ctx.signal.addEventListener('abort', fail))
        return Done('in time')
      })
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.clock.advance(3_600_000)
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply('at last')
    await page.clock.advance(100)
    expect(await result).toMatchObject({
      code: 'STEP_FAILED',
      step: 'work',
      cause: { scope: 'step', limit: 100 },
    })
    slow = false
    expect(await session.retry()).toBe('in time')
    expect(ran).toEqual(['ask', 'work', 'work'])
  })

  test('cancel() with an effect in flight / the signal is aborted, its late result is dropped, and no reload resumes it', async () => {
    const page = profile()
    const late = gate<string>()
    let signal: AbortSignal | undefined
    const workflow = defineWorkflow(flow).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      signal = ctx.signal
      await ctx.state.set('half', true)
      const value = await ctx.once('effect', () => late.promise)
      await ctx.state.set('whole', value)
      return Done(value)
    })
    let session = await page.open(workflow)
    const result = failure(session.run())
    await page.settle()
    session.cancel('changed my mind')
    expect(await result).toMatchObject({ code: 'CANCELLED', reason: 'changed my mind' })
    expect(signal?.aborted).toBe(true)
    const before = types(session)
    late.open('too late')
    await page.settle()
    expect(types(session)).toEqual(before)
    await page.reload()
    session = await page.open(workflow)
    await page.settle()
    expect([session.status, session.state.get('whole')]).toEqual(['cancelled', undefined])
  })
})

describe('runs: pause, stepwise, history, back and forward, rewind, fork; looking destroys nothing', () => {
  const wizard = defineWorkflow({ ...flow, history: 50 }).step(
    'pages',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => {
      const answers: unknown[] = []
      for (const page of ['a', 'b', 'c']) {
        const { data } = await ctx.ask(Question(page))
        answers.push(data)
        await ctx.state.set(`answers.${page}`, data)
      }
      return Done(answers)
    },
  )

  test('each moment of a finished run, by fork, by rewind and after a reload / its ask is open again, and the run goes on', async () => {
    const page = profile()
    let session = await page.open(wizard)
    session.run().catch(() => {})
    for (const answer of [1, 2, 3]) {
      await page.settle()
      await session.asks[0]?.reply(answer)
    }
    await page.settle()
    const moments = session.history().filter((it) => it.type === 'opened')
    const json = JSON.stringify(session.toJSON())
    for (const [n, { seq }] of moments.entries()) {
      const other = await session.fork(seq, `fork-${n}`)
      expect(other.parent).toEqual({ id: 'flow', seq })
      await page.settle()
      expect(other.asks.map((it) => it.data)).toEqual(['abc'.charAt(n)])
    }
    expect(JSON.stringify(session.toJSON())).toBe(json)
    for (const { seq } of moments.toReversed()) session.rewind(seq)
    await page.reload()
    session = await page.open(wizard)
    expect([session.status, session.asks.map((it) => it.data)]).toEqual(['paused', ['a']])
    expect(session.history().filter((it) => moments.some(({ seq }) => seq === it.seq))).toHaveLength(3)
    session.rewind(moments[2]?.seq ?? NaN)
    session.resume()
    await page.settle()
    expect(await session.asks[0]?.reply(33)).toBe(true)
    await page.settle()
    expect(session.result).toEqual([1, 2, 33])
  })

  test('back twice, a word typed after each, forward twice / the last word and both answers are there', async () => {
    const page = profile()
    const session = await page.open(wizard)
    const result = session.run()
    for (const answer of [1, 2]) {
      await page.settle()
      await session.asks[0]?.reply(answer)
    }
    await page.settle()
    for (const way of ['back', 'back', 'forward', 'forward'] as const) {
      expect(session[way]()).toBe(true)
      await page.settle()
      session.state.set('typed', way)
    }
    await session.asks[0]?.reply(3)
    expect(await result).toEqual([1, 2, 3])
    expect(session.state.get()).toEqual({ answers: { a: 1, b: 2, c: 3 }, typed: 'forward' })
  })

  test('paused before the run, then step by step / one execution each; false when nothing is left', async () => {
    const page = profile()
    const ran: string[] = []
    const workflow = defineWorkflow(flow)
      .step('one', { on: Go, emits: [Worked] }, () => (ran.push('one'), Worked(1)))
      .step('two', { on: Worked, emits: [Done] }, () => (ran.push('two'), Done('end')))
    const session = await page.open(workflow)
    session.pause()
    const result = session.run()
    await page.settle()
    expect([session.status, ran]).toEqual(['paused', []])
    expect([await session.step(), [...ran]]).toEqual([true, ['one']])
    expect([await session.step(), [...ran]]).toEqual([false, ['one', 'two']])
    expect(await result).toBe('end')
  })

  test('thousands of edits / the history keeps the pages and at most twice its limit, also in storage', async () => {
    const page = profile()
    let session = await page.open(wizard)
    session.run().catch(() => {})
    await page.settle()
    for (let n = 0; n < 5000; n++) {
      session.state.set(`field${n % 9}`, n)
      if (n % 500 === 0) await session.flush()
    }
    await page.reload()
    session = await page.open(wizard)
    expect(session.history().length).toBeLessThanOrEqual(101)
    expect(types(session)).toContain('opened')
  })
})

describe('toJSON(): at any moment, with steps in flight, without disturbing them', () => {
  test('taken at every change / strict JSON, and each copy goes on to the same end', async () => {
    const page = profile()
    const workflow = defineWorkflow(flow)
      .step('split', { on: Go, emits: [Item] }, () => [1, 2, 3].map((it) => Item(it)))
      .step('work', { on: Item, asks: [Question], emits: [Worked], workers: 2 }, async (ctx, { data }) => {
        await ctx.state.append('log', { data })
        const effect = await ctx.once('effect', async () => data * 10)
        const { data: reply } = await ctx.ask(Question(data))
        return Worked(effect + Number(reply))
      })
      .step('sum', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    const saves: string[] = []
    const save = (): void => void saves.push(JSON.stringify(session.toJSON()))
    const session = await page.open(workflow)
    session.subscribe(save)
    session.state.subscribe('', save)
    session.run().catch(() => {})
    const finish = async (it: typeof session): Promise<unknown> => {
      for (let n = 0; n < 5 && it.status !== 'completed'; n++) {
        for (const ask of it.asks) await ask.reply(ask.data)
        await page.clock.advance(10)
      }
      return it.result
    }
    expect(await finish(session)).toEqual([11, 22, 33])
    expect(saves.length).toBeGreaterThan(10)
    for (const [n, text] of [...new Set(saves)].entries()) {
      const json: unknown = JSON.parse(text)
      const copy = await page.engine.import(workflow, json, { id: `copy-${n}` })
      // An import interrupts steps in flight, which is recorded. A session at rest comes back as it was.
      if (copy.status !== 'running') {
        const twice = await page.engine.import(workflow, copy.toJSON(), { id: `twice-${n}` })
        for (const it of [copy, twice]) expect({ ...(it.toJSON() as object), id: 'flow' }).toEqual(json)
      }
      if (copy.status === 'idle') continue
      await page.settle()
      expect([n, await finish(copy)]).toEqual([n, [11, 22, 33]])
      expect(copy.state.get('log')).toHaveLength(3)
    }
  })

  test.each([
    ['foreign', { workflow: 'another' }, 'WRONG_WORKFLOW'],
    ['newer', { format: 99 }, 'NEWER_FORMAT'],
    ['of a newer version', { version: 2 }, 'NEWER_VERSION'],
    ['damaged', { execs: 'gone' }, 'UNREADABLE_RECORD'],
    ['empty', undefined, 'UNREADABLE_RECORD'],
  ])('%s input / its own typed error, and nothing is stored', async (_, change, code) => {
    const page = profile()
    const workflow = defineWorkflow(flow).step('work', { on: Go, emits: [Done] }, () => Done())
    const session = await page.open(workflow)
    session.state.set('a', 1)
    const json = change && { ...(session.toJSON() as object), ...change }
    expect(await failure(page.engine.import(workflow, json ?? {}, { id: 'copy' }))).toMatchObject({ code })
    expect(await page.storage.read('copy')).toBeUndefined()
  })
})

describe('events(): many consumers, each from its own start to the end of the run', () => {
  const Token = defineEvent('token', z.string())

  test.each([
    ['completed', 'done', 'reply'],
    ['failed', 'failed', new Error('no')],
    ['cancelled', 'cancelled', undefined],
    ['timed out', 'failed', 3000],
  ])('%s / every consumer sees what came since it began, and that end', async (_, end, how) => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 2000, events: [] })
      .step('work', { on: Go, asks: [Question], emits: [Done, Token] }, async (ctx) => {
        ctx.stream(Token('a'))
        const { data } = await ctx.ask(Question('?'))
        ctx.stream(Token('b'))
        if (data === 'fail') throw new Error('no')
        if (data === 'hang') await gate<never>().promise
        return Done('end')
      })
      .step('reader', { on: Token }, () => {})
    const session = await page.open(workflow)
    const seen: Record<string, string[]> = {}
    const all: Promise<void>[] = []
    const follow = (name: string, leaveAt?: string): void => {
      const list: string[] = (seen[name] = [])
      const events = session.events()
      all.push(
        (async () => {
          for await (const { type } of events) {
            list.push(type)
            if (type === leaveAt) break
          }
        })(),
      )
    }
    follow('first')
    follow('leaver', 'question')
    session.run().catch(() => {})
    await page.settle()
    follow('late')
    if (how === undefined) session.cancel()
    else await session.asks[0]?.reply(how === 'reply' ? how : typeof how === 'number' ? 'hang' : 'fail')
    if (typeof how === 'number') await page.clock.advance(how)
    await Promise.all(all)
    const rest = how === undefined ? [end] : ['token', end]
    expect(seen).toEqual({
      first: ['token', 'question', ...rest],
      leaver: ['token', 'question'],
      late: rest,
    })
  })
})

describe('speed: a flat cost for each event, and memory bounded by compaction', () => {
  test('a hundred thousand events / the last costs what the first did; neither the session nor its storage grows', async () => {
    const page = profile()
    const total = 100_000
    const spent: number[] = []
    let last = process.cpuUsage()
    const workflow = defineWorkflow({ ...flow, maxSteps: total * 2 })
      .step('begin', { on: Go, emits: [Item] }, () => Item(0))
      .step('count', { on: Item, emits: [Item, Done] }, async (ctx, { data }) => {
        if (data % 10_000 === 0) {
          const { user, system } = process.cpuUsage(last)
          spent.push(user + system)
          last = process.cpuUsage()
          await ctx.state.set('count', data)
        }
        return data === total ? Done(data) : Item(data + 1)
      })
    const session = await page.open(workflow)
    expect(await session.run()).toBe(total)
    await session.flush()
    await page.clock.advance(60_000)
    // The first round compiles the code, so that it is no measure.
    const [, early = NaN, ...later] = spent.slice(1)
    expect(Math.min(...later.slice(-3))).toBeLessThan(early * 3)
    expect(session.history().length).toBeLessThanOrEqual(1001)
    const stored = await page.storage.read('flow')
    expect(JSON.stringify(stored).length).toBeLessThan(2_000_000)
  }, 3_600_000)
})
