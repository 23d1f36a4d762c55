import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, StepFailed, type StepError, type StepFailure } from '../../src/index'
import { asking, Done, failure, flow, gate, Go, Item, profile, unhandled, Worked } from '../support/flows'

class Declined extends Error {
  override readonly name = 'Declined'
  readonly code = 'DECLINED'
  readonly amount = 12
}

const failing = (make: () => unknown) =>
  defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, () => {
    throw make()
  })

describe('a failed run', () => {
  test("rejects with a StepError: step, event, attempts and cause, with the cause's message in its own", async () => {
    const cause = new Declined('no money')
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Item] }, () => Item(7))
      .step('pay', { on: Item, emits: [Done], retry: { attempts: 2 } }, () => {
        throw cause
      })
    const session = await profile().open(workflow)
    const error: StepError = await failure(session.run())
    expect(error.name).toBe('StepError')
    expect(error.code).toBe('STEP_FAILED')
    expect(error.step).toBe('pay')
    expect(error.event).toEqual({ type: 'item', data: 7 })
    expect(error.attempts).toBe(2)
    expect(error.cause).toBe(cause)
    expect(error.message).toContain('no money')
    expect(error.message).toContain('pay')
  })

  test('awaited twice / the same error twice, the same object as session.error, no unhandled rejection', async () => {
    const heard = await unhandled(async () => {
      const session = await profile().open(failing(() => new Error('no')))
      const running = session.run()
      const first = await failure(running)
      const second = await failure(running)
      expect(second).toBe(first)
      expect(session.error).toBe(first)
      expect(session.error).toBe(first)
    })
    expect(heard).toEqual([])
  })

  test('awaited through two calls while it was running / the same promise, the same error', async () => {
    const page = profile()
    const stuck = gate<never>()
    const workflow = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, () => stuck.promise)
    const session = await page.open(workflow)
    const one = session.run()
    const two = session.run()
    expect(two).toBe(one)
    await page.settle()
    expect(session.run()).toBe(one)
    stuck.fail(new Error('no'))
    expect(await failure(one)).toBe(await failure(two))
  })

  test('nobody waits for the run / no unhandled rejection; the session shows the error', async () => {
    const heard = await unhandled(async () => {
      const page = profile()
      const session = await page.open(failing(() => new Error('no')))
      void session.run()
      await page.settle()
      expect(session.status).toBe('failed')
    })
    expect(heard).toEqual([])
  })

  test('a run resumed by a reload fails, and nobody waits / no unhandled rejection', async () => {
    let stuck = true
    const heard = await unhandled(async () => {
      const page = profile()
      const workflow = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async () => {
        if (stuck) await gate().promise
        throw new Error('no')
      })
      void (await page.open(workflow)).run()
      await page.reload()
      stuck = false
      const session = await page.open(workflow)
      await page.settle()
      expect(session.status).toBe('failed')
    })
    expect(heard).toEqual([])
  })

  test('after a reload / the error has the same name, message, step, event, attempts', async () => {
    const page = profile()
    const session = await page.open(failing(() => new Declined('no money')))
    const before: StepError = await failure(session.run())
    await page.reload()
    const again = await page.open(failing(() => new Declined('no money')))
    const after = again.error as StepError
    expect(again.status).toBe('failed')
    expect(after).not.toBe(before)
    expect(again.error).toBe(after)
    expect(after).toMatchObject({ name: 'StepError', code: 'STEP_FAILED', step: 'pay', attempts: 1 })
    expect(after.message).toBe(before.message)
    expect(after.event).toEqual(before.event)
    expect(after.cause).toMatchObject({ name: 'Declined', message: 'no money', code: 'DECLINED' })
    expect(after.cause).toBeInstanceOf(Error)
  })

  test.each([
    ['an object with a message', { code: 4001, message: 'rejected by the user' }, 'rejected by the user'],
    ['an object without a text', Object.create(null), 'an object without a text'],
    ['a symbol', Symbol('odd'), 'Symbol(odd)'],
    ['nothing', undefined, 'undefined'],
  ])('a step throws %s / the run fails with its text, also after a reload', async (_, thrown, words) => {
    const page = profile()
    const workflow = failing(() => thrown)
    const error: StepError = await failure((await page.open(workflow)).run())
    expect(error.message).toBe(`step "pay" failed after 1 attempt: ${words}`)
    expect(error.cause).toBe(thrown)
    await page.reload()
    expect((await page.open(workflow)).error?.message).toBe(error.message)
  })

  test('the state / is as before the step', async () => {
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.state.set('list', [1])
        return Item(1)
      })
      .step('second', { on: Item, emits: [Done] }, async (ctx) => {
        await ctx.state.append('list', 2)
        await ctx.state.set('made.deep.down', true)
        await ctx.state.delete('list.0')
        throw new Error('no')
      })
    const session = await profile().open(workflow)
    await failure(session.run())
    expect(session.state.get()).toEqual({ list: [1] })
  })

  test('other running steps / are aborted and can no longer write', async () => {
    const page = profile()
    const slow = gate()
    const fail = gate<never>()
    let reason: unknown
    const workflow = defineWorkflow({ ...flow })
      .step('fails', { on: Go, emits: [Done] }, () => fail.promise)
      .step('slow', { on: Go, emits: [Done] }, async (ctx) => {
        ctx.signal.addEventListener('abort', () => (reason = ctx.signal.reason))
        await ctx.state.set('slow', 1)
        await slow.promise
        await ctx.state.set('slow', 2)
        return Done('slow')
      })
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.settle()
    fail.fail(new Error('no'))
    await result
    expect(reason).toBeInstanceOf(Error)
    expect(session.state.get()).toEqual({})
    slow.open()
    await page.settle()
    expect(session.state.get()).toEqual({})
    expect(session.status).toBe('failed')
  })

  test('calls that the failed step had not awaited / rejected with a code and advice, and write nothing', async () => {
    const slow = gate()
    let late: Promise<unknown> | undefined
    const workflow = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, (ctx) => {
      late = failure(slow.promise.then(() => ctx.state.set('late', true)))
      throw new Error('no money')
    })
    const session = await profile().open(workflow)
    await failure(session.run())
    slow.open()
    expect(await late).toMatchObject({ code: 'SESSION_STATE', message: expect.stringMatching(/await/) })
    expect(session.state.get()).toEqual({})
  })

  test('a wrong write that nobody awaits / an unhandled rejection that names the path, never silence', async () => {
    const heard = await unhandled(async () => {
      const workflow = defineWorkflow({ ...flow, state: z.object({ count: z.number().default(0) }) }).step(
        'count',
        { on: Go, emits: [Done] },
        async (ctx) => {
          void ctx.state.set('count', 'one' as unknown as number)
          void ctx.state.edit((draft) => void (draft.count = 'two' as unknown as number))
          await ctx.state.set('count', 3)
          return Done(ctx.state.get('count'))
        },
      )
      expect(await (await profile().open(workflow)).run()).toBe(3)
    })
    const wrong = { code: 'STATE_VALIDATION', message: expect.stringContaining('count') }
    expect(heard).toMatchObject([wrong, wrong])
  })

  test('run() after a failure / starts over with the state kept', async () => {
    let broken = true
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Item] }, async (ctx) => {
        await ctx.state.set('count', Number(ctx.state.get('count', 0)) + 1)
        return Item(1)
      })
      .step('second', { on: Item, emits: [Done] }, (ctx) => {
        if (broken) throw new Error('no')
        return Done(ctx.state.get('count'))
      })
    const session = await profile().open(workflow)
    await failure(session.run())
    broken = false
    expect(await session.run()).toBe(2)
    expect(session.error).toBeUndefined()
  })
})

describe('retry()', () => {
  test('re-runs only the failed step', async () => {
    let broken = true
    const ran: string[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Item] }, () => (ran.push('first'), Item(1)))
      .step('second', { on: Item, emits: [Worked] }, () => {
        ran.push('second')
        if (broken) throw new Error('no')
        return Worked(2)
      })
      .step('third', { on: Worked, emits: [Done] }, () => (ran.push('third'), Done('done')))
    const session = await profile().open(workflow)
    const first = await failure(session.run())
    expect(await failure(session.retry())).not.toBe(first)
    broken = false
    expect(await session.retry()).toBe('done')
    expect(ran).toEqual(['first', 'second', 'second', 'second', 'third'])
    expect(session.error).toBeUndefined()
  })

  test('keeps recorded results and idempotency keys; a failed effect runs again', async () => {
    let broken = true
    const quotes: string[] = []
    const charges: string[] = []
    const workflow = defineWorkflow({ ...flow }).step('pay', { on: Go, emits: [Done] }, async (ctx) => {
      const quote = await ctx.once('quote', (key) => (quotes.push(key), 12))
      return Done(
        await ctx.once('charge', (key) => {
          charges.push(key)
          if (broken) throw new Error('no')
          return quote
        }),
      )
    })
    const session = await profile().open(workflow)
    await failure(session.run())
    broken = false
    expect(await session.retry()).toBe(12)
    expect(quotes).toHaveLength(1)
    expect(charges).toHaveLength(2)
    expect(new Set(charges).size).toBe(1)
  })

  test('after a reload / works the same', async () => {
    const page = profile()
    let broken = true
    const ran: string[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Item] }, () => (ran.push('first'), Item(1)))
      .step('second', { on: Item, emits: [Done] }, () => {
        ran.push('second')
        if (broken) throw new Error('no')
        return Done('done')
      })
    await failure((await page.open(workflow)).run())
    await page.reload()
    broken = false
    const session = await page.open(workflow)
    expect(session.status).toBe('failed')
    expect(await session.retry()).toBe('done')
    expect(ran).toEqual(['first', 'second', 'second'])
  })

  test('attempts / count from one again', async () => {
    const attempts: number[] = []
    const workflow = defineWorkflow({ ...flow }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 2 } },
      (ctx) => {
        attempts.push(ctx.attempt)
        throw new Error('no')
      },
    )
    const session = await profile().open(workflow)
    await failure(session.run())
    const error: StepError = await failure(session.retry())
    expect(attempts).toEqual([1, 2, 1, 2])
    expect(error.attempts).toBe(2)
  })

  test('other work that was running or queued at the failure / goes on as well', async () => {
    const page = profile()
    const fail = gate<never>()
    let broken = true
    const ran: string[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('fails', { on: Go, emits: [Worked] }, async () => {
        ran.push('fails')
        if (broken) await fail.promise
        return Worked(1)
      })
      .step('slow', { on: Go, emits: [Worked] }, async (ctx) => {
        ran.push('slow')
        await ctx.sleep(1000)
        return Worked(2)
      })
      .step('end', { on: Worked, emits: [Done] }, async (ctx, event) => {
        const both = await ctx.collect(event, [Worked, Worked])
        return both && Done(both.map((it) => it.data))
      })
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.settle()
    fail.fail(new Error('no'))
    await result
    broken = false
    const again = session.retry()
    await page.clock.advance(1000)
    expect(await again).toEqual([1, 2])
    expect(ran).toEqual(['fails', 'slow', 'fails', 'slow'])
  })

  test('an ask of another step, gone while the run has failed / is open again', async () => {
    const page = profile()
    let broken = true
    const workflow = asking.step('fails', { on: Go }, async () => {
      await page.settle()
      if (broken) throw new Error('no')
      await gate().promise
    })
    const session = await page.open(workflow)
    await failure(session.run())
    expect(session.asks).toEqual([])
    broken = false
    const again = session.retry()
    await page.settle()
    expect(session.asks).toHaveLength(1)
    await session.asks[0]?.reply('yes')
    expect(await again).toBe('yes')
  })

  test.each(['idle', 'running', 'completed', 'cancelled'] as const)(
    'in a session that is %s / SessionStateError',
    async (status) => {
      const page = profile()
      const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async () => {
        if (status !== 'completed') await gate().promise
        return Done(1)
      })
      const session = await page.open(workflow)
      if (status !== 'idle') session.run().catch(() => {})
      await page.settle()
      if (status === 'cancelled') session.cancel()
      await page.settle()
      expect(session.status).toBe(status)
      expect(await failure(session.retry())).toMatchObject({ code: 'SESSION_STATE' })
      expect(session.status).toBe(status)
    },
  )
})

describe('catchError', () => {
  const Order = defineEvent('order', z.object({ sum: z.number() }))

  test('a failed step / its recovery step gets step, event, error and attempts; the run completes', async () => {
    const told: StepFailure[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('first', { on: Go, emits: [Order] }, () => Order({ sum: 3 }))
      .step(
        'pay',
        { on: Order, emits: [Done], catchError: 'rescue', retry: { attempts: 2 } },
        async (ctx) => {
          await ctx.state.set('paid', true)
          throw new Declined('no money')
        },
      )
      .step('rescue', { on: StepFailed, emits: [Done] }, (_, { data }) => {
        told.push(data)
        return Done('rescued')
      })
    const session = await profile().open(workflow)
    expect(await session.run()).toBe('rescued')
    expect(told).toEqual([
      {
        step: 'pay',
        event: { type: 'order', data: { sum: 3 } },
        error: { name: 'Declined', message: 'no money' },
        attempts: 2,
      },
    ])
    expect(session.error).toBeUndefined()
    expect(session.state.get()).toEqual({})
  })

  test("on the workflow / holds for every step; a step's own comes first", async () => {
    const told: string[] = []
    const workflow = (broken: string) =>
      defineWorkflow({ ...flow, catchError: 'all' })
        .step('a', { on: Go, emits: [Item] }, () => {
          if (broken === 'a') throw new Error('a')
          return Item(1)
        })
        .step('b', { on: Item, emits: [Done], catchError: 'only b' }, () => {
          if (broken === 'b') throw new Error('b')
          return Done('fine')
        })
        .step(
          'all',
          { on: StepFailed, emits: [Done] },
          (_, { data }) => (told.push(`all ${data.step}`), Done('all')),
        )
        .step(
          'only b',
          { on: StepFailed, emits: [Done] },
          (_, { data }) => (told.push(`b ${data.step}`), Done('b')),
        )
    expect(await (await profile().open(workflow(''))).run()).toBe('fine')
    expect(await (await profile().open(workflow('a'))).run()).toBe('all')
    expect(await (await profile().open(workflow('b'))).run()).toBe('b')
    expect(told).toEqual(['all a', 'b b'])
  })

  test('the recovery step fails / the run fails with its error, not a loop', async () => {
    const workflow = defineWorkflow({ ...flow, catchError: 'rescue' })
      .step('a', { on: Go, emits: [Done] }, () => {
        throw new Error('a')
      })
      .step('rescue', { on: StepFailed, emits: [Done] }, () => {
        throw new Error('rescue too')
      })
    const error: StepError = await failure((await profile().open(workflow)).run())
    expect(error.step).toBe('rescue')
    expect(error.message).toContain('rescue too')
  })

  test('the recovery sends the work round again / one recovery for each piece of work, then the run fails', async () => {
    let tries = 0
    const workflow = (recoveries: number | undefined) =>
      defineWorkflow({ ...flow })
        .step(
          'work',
          { on: [Go, Item], emits: [Done], catchError: 'rescue', ...(recoveries && { recoveries }) },
          () => {
            tries++
            throw new Error('no')
          },
        )
        .step('rescue', { on: StepFailed, emits: [Item, Done] }, () => Item(1))
    await failure((await profile().open(workflow(undefined))).run())
    expect(tries).toBe(2)
    tries = 0
    await failure((await profile().open(workflow(4))).run())
    expect(tries).toBe(5)
  })

  test('`recoveries` of the workflow / for all steps that set none of their own', async () => {
    const tries = { work: 0, more: 0 }
    const workflow = defineWorkflow({ ...flow, catchError: 'rescue', recoveries: 3 })
      .step('work', { on: Go, emits: [Item] }, () => {
        if (++tries.work < 4) throw new Error('no')
        return Item(1)
      })
      .step('more', { on: Item, emits: [Done], recoveries: 5 }, () => {
        tries.more++
        throw new Error('no')
      })
      .step('rescue', { on: StepFailed, emits: [Go, Item] }, (_ctx, { data }) =>
        data.step === 'work' ? Go() : Item(1),
      )
    await failure((await profile().open(workflow)).run())
    expect(tries).toEqual({ work: 4, more: 3 })
  })

  test('a reload between the failure and the recovery / the recovery runs once', async () => {
    const page = profile()
    const ran: string[] = []
    let stuck = true
    const workflow = defineWorkflow({ ...flow, catchError: 'rescue' })
      .step('work', { on: Go, emits: [Done] }, () => {
        ran.push('work')
        throw new Error('no')
      })
      .step('rescue', { on: StepFailed, emits: [Done] }, async () => {
        ran.push('rescue')
        if (stuck) await gate().promise
        return Done('rescued')
      })
    void (await page.open(workflow)).run()
    await page.reload()
    stuck = false
    const session = await page.open(workflow)
    await page.settle()
    expect(session.result).toBe('rescued')
    expect(ran).toEqual(['work', 'rescue', 'rescue'])
  })

  test('a cancelled run / is not recovered', async () => {
    const page = profile()
    let rescued = 0
    const workflow = defineWorkflow({ ...flow, catchError: 'rescue' })
      .step('work', { on: Go, emits: [Done] }, () => gate<never>().promise)
      .step('rescue', { on: StepFailed, emits: [Done] }, () => (rescued++, Done('rescued')))
    const session = await page.open(workflow)
    const result = failure(session.run())
    await page.settle()
    session.cancel()
    expect(await result).toMatchObject({ code: 'CANCELLED' })
    await page.settle()
    expect(rescued).toBe(0)
  })
})

test('a thrown value that throws when it is read / the run fails with it all the same, also after a reload', async () => {
  const refuse = (): never => {
    throw new Error('do not touch')
  }
  const odd = [
    new Proxy({}, { get: refuse }),
    ...['name', 'message', 'code', 'cause'].map((key) =>
      Object.defineProperty(new Error('odd'), key, { get: refuse }),
    ),
  ]
  for (const error of odd) {
    const page = profile()
    const workflow = failing(() => error)
    const session = await page.open(workflow)
    expect(await failure(session.run())).toMatchObject({ code: 'STEP_FAILED', step: 'pay' })
    await page.reload()
    expect((await page.open(workflow)).error?.message).toBe(session.error?.message)
  }
})

test('an error whose name is no text / its message is kept, and the session opens again', async () => {
  for (const name of [5, undefined]) {
    const page = profile()
    const workflow = failing(() => Object.assign(new Error('no money'), { name }))
    const session = await page.open(workflow)
    await failure(session.run())
    await page.reload()
    expect((await page.open(workflow)).error?.message).toBe('step "pay" failed after 1 attempt: no money')
  }
})
