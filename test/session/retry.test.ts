import { describe, expect, test } from 'vitest'
import { defineWorkflow, gather, StepFailed, type Retry, type StepError, TimeoutError } from '../../src/index'
import {
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

/** A step that fails `failures` times, and the times (ms since the first) at which it was tried. */
function failing(
  page: Profile,
  failures: number,
  retry: Retry,
  make: (n: number) => unknown = () => new Error('no'),
) {
  const times: number[] = []
  const attempts: number[] = []
  const start = page.clock.now()
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done], retry }, (ctx) => {
    times.push(page.clock.now() - start)
    attempts.push(ctx.attempt)
    if (times.length <= failures) throw make(times.length)
    return Done(times)
  })
  return { workflow, times, attempts }
}

describe('the policy', () => {
  const cases: [string, Retry, number[]][] = [
    ['attempts alone / at once', { attempts: 3 }, [0, 0, 0]],
    ['delay / the same each time', { attempts: 4, delay: 100 }, [0, 100, 200, 300]],
    ['delay and factor / grows', { attempts: 5, delay: 100, factor: 2 }, [0, 100, 300, 700, 1500]],
    [
      'maxDelay / grows no further',
      { attempts: 5, delay: 100, factor: 3, maxDelay: 250 },
      [0, 100, 350, 600, 850],
    ],
    ['a function / its delays', ({ attempt }) => attempt * 10, [0, 10, 30, 60]],
    ['jitter / between 50 and 100 %', { attempts: 2, delay: 100, jitter: true }, [0, 75]],
  ]
  test.each(cases)('%s', async (_, retry, expected) => {
    const page = profile()
    const { workflow, attempts } = failing(page, expected.length - 1, retry)
    const result = (await page.open(workflow)).run()
    await page.clock.advance(10_000)
    expect(await result).toEqual(expected)
    expect(attempts).toEqual(expected.map((_x, n) => n + 1))
  })

  test('attempts 3, always failing / three executions, then the run fails with the last error', async () => {
    const page = profile()
    const { workflow, times } = failing(page, 99, { attempts: 3, delay: 10 }, (n) => new Error(`no ${n}`))
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.clock.advance(1000)
    const error: StepError = await result
    expect(times).toEqual([0, 10, 20])
    expect(error).toMatchObject({ step: 'work', attempts: 3 })
    expect(error.message).toContain('no 3')
  })

  test('attempts 1, or no policy / no retry', async () => {
    const page = profile()
    const { workflow, times } = failing(page, 99, { attempts: 1 })
    await failure((await page.open(workflow)).run())
    expect(times).toEqual([0])
  })

  test.each([
    ['no', (message: string) => message !== 'no 2'],
    ['nothing', (message: string) => (/1/.exec(message) ?? undefined) as unknown as boolean],
  ])('retryIf says %s / no further attempt', async (_, worth) => {
    const page = profile()
    const retry: Retry = { attempts: 9, retryIf: (error) => worth((error as Error).message) }
    const { workflow, times } = failing(page, 99, retry, (n) => new Error(`no ${n}`))
    const error: StepError = await failure((await page.open(workflow)).run())
    expect(times).toHaveLength(2)
    expect(error.attempts).toBe(2)
  })

  test('a function / gets attempt, elapsed and error, and gives up with undefined', async () => {
    const page = profile()
    const told: unknown[] = []
    const retry: Retry = ({ attempt, elapsed, error }) => {
      told.push([attempt, elapsed, (error as Error).message])
      return attempt < 3 ? 50 : undefined
    }
    const { workflow } = failing(page, 99, retry, (n) => new Error(`no ${n}`))
    const result = failure((await page.open(workflow)).run())
    await page.clock.advance(1000)
    await result
    expect(told).toEqual([
      [1, 0, 'no 1'],
      [2, 50, 'no 2'],
      [3, 100, 'no 3'],
    ])
  })

  test("a policy that throws / the run fails with the step's error, no hang", async () => {
    const page = profile()
    const { workflow } = failing(page, 99, () => {
      throw new Error('bad policy')
    })
    const error: StepError = await failure((await page.open(workflow)).run())
    expect(error.message).toContain('no')
  })

  test.each([
    ['a negative delay', -5],
    ['0', 0],
  ])('a function that returns %s / retries at once', async (_, delay) => {
    const page = profile()
    const { workflow } = failing(page, 2, ({ attempt }) => (attempt < 5 ? delay : undefined))
    expect(await (await page.open(workflow)).run()).toEqual([0, 0, 0])
  })

  test('a function that returns NaN / no hang', async () => {
    const page = profile()
    const { workflow } = failing(page, 99, ({ attempt }) => (attempt < 3 ? Number.NaN : undefined))
    const result = failure((await page.open(workflow)).run())
    await page.clock.advance(60_000)
    expect(((await result) as StepError).code).toBe('STEP_FAILED')
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'no luck'],
    ['a number', 0],
    ['an object', { code: 5 }],
    ['a frozen error', Object.freeze(new Error('frozen'))],
  ])('a step that throws %s / is retried, then fails', async (_, thrown) => {
    const page = profile()
    const { workflow, times } = failing(page, 99, { attempts: 2 }, () => thrown)
    const error: StepError = await failure((await page.open(workflow)).run())
    expect(times).toHaveLength(2)
    expect(error.cause).toBe(thrown)
    expect(error.message).toContain('work')
  })
})

describe('the backoff', () => {
  test('waiting for a retry / status waiting, and no worker is held', async () => {
    const page = profile()
    const worked: number[] = []
    let broken = true
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, (ctx) => [1, 2, 3].forEach((n) => ctx.send(Item(n))))
      .step(
        'work',
        { on: Item, emits: [Done], workers: 1, retry: { attempts: 2, delay: 1000 } },
        (_, { data }) => {
          if (data === 1 && broken) throw new Error('broken')
          worked.push(data)
          return worked.length === 3 ? Done(worked) : undefined
        },
      )
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect(worked).toEqual([2, 3])
    expect(session.status).toBe('waiting')
    broken = false
    await page.clock.advance(1000)
    expect(await result).toEqual([2, 3, 1])
  })

  test('an effect tries again by itself, at one worker / what is behind it waits, and the order is kept', async () => {
    const page = profile()
    const worked: number[] = []
    let broken = true
    const workflow = defineWorkflow({ ...flow })
      .step('start', { on: Go, emits: [Item] }, () => [1, 2, 3].map((n) => Item(n)))
      .step('work', { on: Item, emits: [Done], workers: 1 }, async (ctx, { data }) => {
        await ctx.once('push', async () => {
          while (broken) await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 1000))
          worked.push(data)
        })
        return data === 3 ? Done(worked) : undefined
      })
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    expect([worked, session.status]).toEqual([[], 'running'])
    broken = false
    await page.clock.advance(1000)
    expect(await result).toEqual([1, 2, 3])
  })

  test('several retries are due at one worker, and the first fails the run / a new run does not try the others', async () => {
    const page = profile()
    let broken = true
    const tried: number[] = []
    const workflow = defineWorkflow(flow)
      .step('start', { on: Go, emits: [Item] }, () => [1, 2, 3].map((n) => Item(n)))
      .step(
        'work',
        { on: Item, emits: [Done], workers: 1, retry: { attempts: 2, delay: 10 } },
        (_, { data }) => {
          tried.push(data)
          if (broken) throw new Error('broken')
          return data === 3 ? Done(tried) : undefined
        },
      )
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.clock.advance(10)
    expect(await result).toMatchObject({ attempts: 2 })
    expect(tried.splice(0)).toEqual([1, 2, 3, 1])
    broken = false
    expect(await session.run()).toEqual([1, 2, 3])
  })

  test('reload in a retry backoff / waits only the rest, keeps the attempt count', async () => {
    const page = profile()
    const { workflow, times, attempts } = failing(page, 2, { attempts: 3, delay: 1000 })
    void (await page.open(workflow)).run()
    await page.clock.advance(400)
    await page.reload()
    await page.clock.advance(100)
    const session = await page.open(workflow)
    expect(session.status).toBe('waiting')
    const result = session.run()
    await page.clock.advance(499)
    expect(times).toEqual([0])
    await page.clock.advance(1)
    expect(times).toEqual([0, 1000])
    await page.clock.advance(1000)
    expect(await result).toEqual([0, 1000, 2000])
    expect(attempts).toEqual([1, 2, 3])
  })

  test('a reload long after the retry was due / retried at once', async () => {
    const page = profile()
    const { workflow, times, attempts } = failing(page, 1, { attempts: 2, delay: 1000 })
    void (await page.open(workflow)).run()
    await page.reload()
    await page.clock.advance(3_600_000)
    const session = await page.open(workflow)
    await page.settle()
    expect(session.result).toEqual([0, 3_600_000])
    expect(times).toHaveLength(2)
    expect(attempts).toEqual([1, 2])
  })

  test('an interrupted attempt / does not count', async () => {
    const page = profile()
    const attempts: number[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        attempts.push(ctx.attempt)
        if (attempts.length <= 3) await gate().promise
        if (ctx.attempt === 1) throw new Error('no')
        return Done('yes')
      },
    )
    for (let pages = 0; pages < 3; pages++) {
      void (await page.open(workflow)).run()
      await page.reload()
    }
    const session = await page.open(workflow)
    await page.settle()
    expect(session.result).toBe('yes')
    expect(attempts).toEqual([1, 1, 1, 1, 2])
  })

  test('a second attempt is interrupted / it is the second again', async () => {
    const page = profile()
    const attempts: number[] = []
    let stuck = true
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      async (ctx) => {
        attempts.push(ctx.attempt)
        if (ctx.attempt === 1) throw new Error('no')
        if (stuck) await gate().promise
        return Done('yes')
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    stuck = false
    const session = await page.open(workflow)
    await page.settle()
    expect(session.result).toBe('yes')
    expect(attempts).toEqual([1, 2, 2])
  })

  test.each([true, false])(
    'ten interruptions in a row without progress / CrashLoopError; autoResume: %s',
    async (autoResume) => {
      const page = profile()
      let tries = 0
      const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async () => {
        tries++
        return gate<never>().promise
      })
      void (await page.open(workflow)).run()
      for (let pages = 0; pages < 9; pages++) {
        await page.reload()
        await page.open(workflow)
      }
      await page.reload()
      const session = await page.open(workflow, { autoResume })
      session.resume()
      await page.settle()
      expect(session.status).toBe('failed')
      expect(session.error).toMatchObject({ code: 'STEP_FAILED', cause: { code: 'CRASH_LOOP' } })
      expect(tries).toBe(10)
    },
  )

  test('ten interruptions of two branches with a recovery / it takes over from both, and the run completes', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow })
      .step('split', { on: Go, emits: [Item] }, () => [Item(1), Item(2), Item(3)])
      .step('work', { on: Item, emits: [Worked], catchError: 'instead' }, async (_, { data }) =>
        data === 2 ? Worked(2) : gate<never>().promise,
      )
      .step('instead', { on: StepFailed, emits: [Worked] }, (_, { data }) => {
        expect(data.error.name).toBe('CrashLoopError')
        return Worked((data.event as { data: number }).data * 10)
      })
      .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    void (await page.open(workflow)).run()
    for (let pages = 0; pages < 10; pages++) {
      await page.reload()
      await page.open(workflow)
      await page.settle()
    }
    const { status, result } = await page.open(workflow)
    expect([status, result]).toEqual(['completed', [10, 2, 30]])
  })

  test('ten interruptions of a second attempt / CrashLoopError; those of its backoff do not count', async () => {
    const page = profile()
    let tries = 0
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 100 } },
      async (ctx) => {
        tries++
        if (ctx.attempt === 1) throw new Error('no')
        return gate<never>().promise
      },
    )
    void (await page.open(workflow)).run()
    for (let pages = 0; pages < 12; pages++) {
      await page.reload()
      expect((await page.open(workflow)).resumed).toMatchObject({ reason: 'return' })
    }
    await page.clock.advance(100)
    for (let pages = 0; pages < 10; pages++) {
      expect(tries).toBe(2 + pages)
      await page.reload()
      await page.open(workflow)
      await page.settle()
    }
    const { status, error } = await page.open(workflow)
    expect([status, tries]).toEqual(['failed', 11])
    expect(error).toMatchObject({ code: 'STEP_FAILED', attempts: 2, cause: { code: 'CRASH_LOOP' } })
  })

  test('paused through twelve pages, then resumed / no crash loop: no page ran it', async () => {
    const page = profile()
    const open = gate()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async () => {
      await open.promise
      return Done(1)
    })
    const first = await page.open(workflow)
    void first.run()
    await page.settle()
    first.pause()
    for (let pages = 0; pages < 12; pages++) {
      await page.reload()
      expect((await page.open(workflow)).status).toBe('paused')
    }
    const session = await page.open(workflow)
    open.open()
    session.resume()
    await page.settle()
    expect([session.status, session.result]).toEqual(['completed', 1])
  })

  test('a sub-flow fails twelve times while another of its steps works / no crash loop', async () => {
    const page = profile()
    const open = gate()
    let failures = 0
    const child = defineWorkflow({ ...flow, name: 'child' })
      .step('work', { on: Go, emits: [Done] }, async () => {
        await open.promise
        return Done(1)
      })
      .step('fails', { on: Go }, () => {
        if (++failures <= 12) throw new Error('no')
      })
    const workflow = defineWorkflow({ ...flow }).subflow('sub', {
      ...{ on: Go, workflow: child, emits: [Done], retry: { attempts: 13, delay: 10 } },
    })
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(200)
    open.open()
    expect(await result).toBe(1)
  })

  test('twenty reloads while an ask is open / no crash loop', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(1))).data),
    )
    void (await page.open(workflow)).run()
    for (let pages = 0; pages < 20; pages++) {
      await page.reload()
      await page.open(workflow)
      await page.settle()
    }
    const session = await page.open(workflow)
    expect(session.status).toBe('waiting')
    await session.asks[0]?.reply('yes')
    expect(await session.run()).toBe('yes')
  })

  test.each(['a step', 'a sub-flow'])(
    'twenty reloads before %s is retried / no crash loop, and the retry comes when it is due',
    async (what) => {
      const page = profile()
      const { workflow, times } = failing(page, 1, { attempts: 2, delay: 60_000 })
      const outer =
        what === 'a step'
          ? workflow
          : defineWorkflow({ ...flow, name: 'outer' }).subflow('sub', { on: Go, workflow, emits: [Done] })
      void (await page.open(outer)).run()
      for (let pages = 0; pages < 20; pages++) {
        await page.clock.advance(1000)
        await page.reload()
        await page.open(outer)
      }
      const session = await page.open(outer)
      await page.clock.advance(39_999)
      expect([session.status, times]).toEqual(['waiting', [0]])
      await page.clock.advance(1)
      expect([session.status, times]).toEqual(['completed', [0, 60_000]])
    },
  )

  test('twenty interruptions, each after a commit / no crash loop', async () => {
    const page = profile()
    let pages = 0
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      for (let n = 0; n < 20; n++) {
        await ctx.once(`part ${n}`, () => n)
        if (n >= pages) await gate().promise
      }
      return Done('all')
    })
    for (; pages < 20; pages++) {
      void (await page.open(workflow)).run()
      await page.reload()
    }
    expect(await (await page.open(workflow)).run()).toBe('all')
  })
})

describe("a step's timeout", () => {
  test('an attempt takes too long / TimeoutError, signal aborted, writes rolled back, retried by the policy', async () => {
    const page = profile()
    const aborted: unknown[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], timeout: 100, retry: { attempts: 3, delay: 50 } },
      async (ctx) => {
        ctx.signal.addEventListener('abort', () => aborted.push(ctx.attempt))
        await ctx.state.set('attempt', ctx.attempt)
        if (ctx.attempt < 3) await gate().promise
        return Done(ctx.attempt)
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(99)
    expect(session.state.get('attempt')).toBe(1)
    await page.clock.advance(1)
    expect(session.state.get()).toEqual({})
    await page.clock.advance(1000)
    expect(await result).toBe(3)
    expect(aborted).toEqual([1, 2])
    expect(session.state.get()).toEqual({ attempt: 3 })
  })

  test('without a policy / the run fails with a TimeoutError of scope step', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], timeout: 100 },
      () => gate<never>().promise,
    )
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.clock.advance(100)
    const error: StepError = await result
    expect(error.cause as TimeoutError).toMatchObject({ code: 'TIMEOUT', scope: 'step', limit: 100 })
    expect(error.message).toContain('work')
    await page.reload()
    expect((await page.open(workflow)).error).toMatchObject({ name: 'StepError', step: 'work' })
  })

  test('time in asks, waits and sleeps / does not count', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, events: [Nudge] }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done], timeout: 100 },
      async (ctx) => {
        const work = () => new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 30))
        await work()
        await ctx.sleep(1000)
        await work()
        await ctx.ask(Question(1))
        await work()
        await ctx.waitFor(Nudge)
        return Done('in time')
      },
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(5000)
    await session.asks[0]?.reply(1)
    await page.clock.advance(5000)
    await session.send(Nudge(1))
    expect(await result).toBe('in time')
  })

  test('work before and after a sleep / counts together', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'work',
      { on: Go, emits: [Done], timeout: 100 },
      async (ctx) => {
        const work = () => new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 60))
        await work()
        await ctx.sleep(1000)
        await work()
        return Done('too late')
      },
    )
    const result = failure((await page.open(workflow)).run())
    await page.clock.advance(5000)
    expect(((await result) as StepError).cause).toMatchObject({ code: 'TIMEOUT', scope: 'step' })
  })
})

describe("a run's timeout", () => {
  test('something happens before the first run / nothing is wrong', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 100 }).step('work', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const session = await page.open(workflow)
    session.setResources({ any: 1 })
    expect(await session.run()).toBe(1)
    expect(page.errors).toEqual([])
  })

  test('too much work / the run fails with a TimeoutError of scope run', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 100 }).step(
      'work',
      { on: Go, emits: [Done] },
      () => gate<never>().promise,
    )
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.clock.advance(99)
    expect(session.status).toBe('running')
    await page.clock.advance(1)
    expect(session.status).toBe('failed')
    const error: TimeoutError = await result
    expect(error).toMatchObject({ code: 'TIMEOUT', scope: 'run', limit: 100 })
    await page.reload()
    const again = (await page.open(workflow)).error
    expect(again).toBeInstanceOf(TimeoutError)
    expect(again).toMatchObject({ scope: 'run', limit: 100, message: error.message })
  })

  test('retry() of a run that took too long / it goes on with a new time, in this page and the next', async () => {
    const page = profile()
    const work = (ms: number) => new Promise<void>((resolve) => void page.clock.setTimeout(resolve, ms))
    const begun: string[] = []
    const once = (name: string) => async () => {
      begun.push(name)
      await work(60)
    }
    const workflow = defineWorkflow({ ...flow, timeout: 100 }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        for (const name of ['a', 'b', 'c', 'd']) await ctx.once(name, once(name))
        return Done(begun)
      },
    )
    const session = await page.open(workflow)
    const first = failure(session.run())
    await page.clock.advance(100)
    expect(await first).toMatchObject({ code: 'TIMEOUT', scope: 'run' })
    const second = failure(session.retry())
    expect([session.status, session.error]).toEqual(['running', undefined])
    // 20 ms of `b`, which the retry joins, 60 of `c`, 20 of `d`.
    await page.clock.advance(99)
    expect(session.status).toBe('running')
    await page.clock.advance(1)
    expect(await second).toMatchObject({ code: 'TIMEOUT', scope: 'run' })
    page.kill()
    const again = await page.open(workflow)
    const third = again.retry()
    await page.clock.advance(60)
    expect(await third).toEqual(['a', 'b', 'c', 'd', 'd'])
  })

  test.each(['in this page', 'after a reload'])(
    'back, %s / the run has the time that it had then',
    async (where) => {
      const page = profile()
      const workflow = defineWorkflow({ ...flow, timeout: 100 }).step(
        'work',
        { on: Go, asks: [Question], emits: [Done] },
        async (ctx) => {
          await ctx.ask(Question(1))
          await ctx.once(
            'work',
            () => new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 60)),
          )
          return Done((await ctx.ask(Question(2))).data)
        },
      )
      const first = await page.open(workflow)
      first.run().catch(() => {})
      await page.settle()
      await first.asks[0]?.reply('yes')
      await page.clock.advance(60)
      expect(first.asks[0]?.data).toBe(2)
      first.back()
      await page.settle()
      if (where === 'after a reload') await page.reload()
      const session = where === 'after a reload' ? await page.open(workflow) : first
      const result = session.run()
      await page.settle()
      await session.asks[0]?.reply('yes')
      await page.clock.advance(60)
      await session.asks[0]?.reply('done')
      expect(await result).toBe('done')
    },
  )

  test('a long wait for a reply / does not count', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 100 }).step(
      'work',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(1))).data),
    )
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(10_000)
    await session.asks[0]?.reply('late')
    expect(await result).toBe('late')
  })

  test.for([
    ['closed in a wait', 'close'],
    ['killed in a wait', 'kill'],
    ['killed in the next step, and again', 'kill twice'],
  ])('60 ms of work, %s, and 60 more on the next page / fails after 40 of those', async ([, how]) => {
    const page = profile()
    const work = (ms: number) => new Promise<void>((resolve) => void page.clock.setTimeout(resolve, ms))
    const workflow = defineWorkflow({ ...flow, timeout: 100 })
      .step('first', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.once('work', () => work(60))
        if (how !== 'kill twice') await ctx.sleep(1000)
        return Item(1)
      })
      .step('second', { on: Item, emits: [Done] }, async () => {
        await work(60)
        return Done('too late')
      })
    const session = await page.open(workflow)
    session.run().catch(() => {})
    await page.clock.advance(61)
    if (how === 'close') await session.close()
    else page.kill()
    if (how === 'kill twice') {
      await page.open(workflow)
      await page.settle()
      page.kill()
    }
    await page.clock.advance(900)
    const again = await page.open(workflow)
    const result = failure(again.run())
    await page.clock.advance(39 + (how === 'kill twice' ? 0 : 39))
    expect(again.status).toBe(how === 'kill twice' ? 'running' : 'waiting')
    await page.clock.advance(100)
    expect(await result).toMatchObject({ code: 'TIMEOUT', scope: 'run', limit: 100 })
  })

  test('the next run / has its whole time', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 100 }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 60))
        await ctx.sleep(10)
        return Done(1)
      },
    )
    const session = await page.open(workflow)
    for (const _ of [1, 2, 3]) {
      const result = session.run()
      await page.clock.advance(70)
      expect(await result).toBe(1)
    }
    const text = JSON.stringify(session.toJSON())
    expect(text).toContain('"worked":60')
  })
})
