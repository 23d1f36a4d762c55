import { describe, expect, test } from 'vitest'
import { defineWorkflow, OutcomeUnknown, type AnyWorkflow } from '../../src/index'
import { Done, flow, gate, Go, Item, profile, thrown, Worked, type Profile } from '../support/flows'

/** A step with one charge, which the page is left in the middle of as often as `cuts` says. */
function charging(cuts: number, policy: 'step' | 'workflow' = 'step') {
  const keys: string[] = []
  const workflow = defineWorkflow({
    ...flow,
    ...(policy === 'workflow' && { onUnknownOutcome: 'ask' as const }),
  }).step(
    'pay',
    { on: Go, emits: [Done], asks: [OutcomeUnknown], retry: { attempts: 2, delay: 10 } },
    async (ctx) => {
      await ctx.state.set('before', true)
      const paid = await ctx.once(
        'charge',
        async (key) => {
          keys.push(key)
          if (keys.length <= cuts) await gate().promise
          return 'charged'
        },
        policy === 'step' ? { onUnknownOutcome: 'ask' } : {},
      )
      await ctx.state.set('paid', paid)
      await ctx.sleep(1000)
      return Done(paid)
    },
  )
  return { keys, workflow }
}

async function cut(page: Profile, workflow: ReturnType<typeof charging>['workflow']): Promise<void> {
  void (await page.open(workflow)).run()
  await page.reload()
}

describe('onUnknownOutcome ask, and the page is left in the middle of an effect', () => {
  test.each(['step', 'workflow'] as const)(
    'set on the %s / the effect does not run again, and the ask names it',
    async (policy) => {
      const page = profile()
      const { keys, workflow } = charging(1, policy)
      await cut(page, workflow)
      const session = await page.open(workflow)
      await page.settle()
      expect(keys).toHaveLength(1)
      expect(session.status).toBe('waiting')
      expect(session.asks).toMatchObject([
        {
          type: 'outcomeUnknown',
          replyType: 'outcomeKnown',
          step: 'pay',
          data: { step: 'pay', key: 'charge', idempotencyKey: keys[0] },
        },
      ])
    },
  )

  test.each([['a text'], [''], [0], [false], [null], [{ deep: [1] }]])(
    'answered with the value %j / it is the result, live and after a reload, and the effect does not run again',
    async (value) => {
      for (const late of [false, true]) {
        const page = profile()
        const { keys, workflow } = charging(1)
        await cut(page, workflow)
        const session = await page.open(workflow)
        await page.settle()
        expect(await session.asks[0]?.reply({ value })).toBe(true)
        if (!late) await page.settle()
        await page.reload()
        const again = await page.open(workflow)
        await page.clock.advance(2000)
        expect(again.asks).toEqual([])
        expect(again.result).toEqual(value)
        expect(again.state.get('paid')).toEqual(value)
        expect(keys).toHaveLength(1)
      }
    },
  )

  test('answered with rerun / the effect runs once more with the same key; a reload after that neither runs nor asks', async () => {
    const page = profile()
    const { keys, workflow } = charging(1)
    await cut(page, workflow)
    const session = await page.open(workflow)
    await page.settle()
    expect(await session.asks[0]?.reply({ rerun: true })).toBe(true)
    await page.settle()
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
    expect(session.asks).toEqual([])
    await page.reload()
    const again = await page.open(workflow)
    await page.clock.advance(2000)
    expect(again.result).toBe('charged')
    expect(keys).toHaveLength(2)
  })

  test('run again and cut off again, three times / asked each time, with another id', async () => {
    const page = profile()
    const { keys, workflow } = charging(3)
    await cut(page, workflow)
    const ids: (string | undefined)[] = []
    for (let time = 0; time < 3; time++) {
      const session = await page.open(workflow)
      await page.settle()
      expect(session.asks).toHaveLength(1)
      ids.push(session.asks[0]?.id)
      // Looked at once more before it is answered: the same question.
      await page.reload()
      const again = await page.open(workflow)
      await page.settle()
      expect(again.asks[0]?.id).toBe(ids.at(-1))
      await again.asks[0]?.reply({ rerun: true })
      await page.settle()
      expect(keys).toHaveLength(time + 2)
      if (time < 2) await page.reload()
      else await page.clock.advance(2000)
      if (time === 2) expect(again.result).toBe('charged')
    }
    expect(new Set(ids).size).toBe(3)
    expect(new Set(keys).size).toBe(1)
  })

  test('the answer is stored and the page dies before the effect begins / the run still completes', async () => {
    const page = profile()
    const { keys, workflow } = charging(1)
    await cut(page, workflow)
    const session = await page.open(workflow)
    await page.settle()
    void session.asks[0]?.reply({ rerun: true })
    // The answer lands; what follows from it does not.
    await session.flush()
    page.kill()
    const again = await page.open(workflow)
    await page.clock.advance(2000)
    const asked = again.asks.length
    if (asked > 0) await again.asks[0]?.reply({ rerun: true })
    await page.clock.advance(2000)
    expect(again.result).toBe('charged')
    expect(keys.length).toBeLessThanOrEqual(3)
  })

  test.each([[undefined], [null], [5], ['rerun'], [{}], [{ rerun: false }], [{ rerun: 1 }]])(
    'answered with %j / EventValidationError at the call, and the ask stays open',
    async (answer) => {
      const page = profile()
      const { workflow } = charging(1)
      await cut(page, workflow)
      const session = await page.open(workflow)
      await page.settle()
      const id = session.asks[0]?.id ?? ''
      expect(thrown(() => session.reply(id, answer))).toMatchObject({ code: 'EVENT_VALIDATION' })
      expect(session.asks).toHaveLength(1)
    },
  )

  test('twenty reloads while it is asked / no crash loop, one ask', async () => {
    const page = profile()
    const { keys, workflow } = charging(1)
    await cut(page, workflow)
    for (let time = 0; time < 20; time++) {
      const session = await page.open(workflow)
      await page.settle()
      expect(session.status).toBe('waiting')
      expect(session.asks).toHaveLength(1)
      await page.reload()
    }
    expect(keys).toHaveLength(1)
  })

  test('an effect that failed, in the same page / has no unknown outcome: the retry runs it again', async () => {
    const page = profile()
    let calls = 0
    const workflow = defineWorkflow({ ...flow, onUnknownOutcome: 'ask' }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts: 3, delay: 10 } },
      async (ctx) =>
        Done(
          await ctx.once('charge', () => {
            if (++calls < 3) throw new Error('no')
            return calls
          }),
        ),
    )
    const session = await page.open(workflow)
    void session.run()
    await page.clock.advance(100)
    expect(session.result).toBe(3)
  })

  test('two parallel effects, both cut off / two asks, each with its own answer', async () => {
    const page = profile()
    let cuts = 2
    const workflow = defineWorkflow({ ...flow, onUnknownOutcome: 'ask' }).step(
      'pay',
      { on: Go, emits: [Done], asks: [OutcomeUnknown] },
      async (ctx) => {
        const pay = (key: string): Promise<unknown> =>
          ctx.once(key, (): unknown => (cuts-- > 0 ? gate().promise : 'ran again'))
        return Done(await Promise.all([pay('a'), pay('b')]))
      },
    )
    void (await page.open(workflow)).run()
    await page.reload()
    const session = await page.open(workflow)
    await page.settle()
    expect(session.asks.map((it) => it.data.key)).toEqual(['a', 'b'])
    await session.asks[1]?.reply({ value: 'b was fine' })
    await session.asks[0]?.reply({ rerun: true })
    await page.settle()
    expect(session.result).toEqual(['ran again', 'b was fine'])
  })
})

describe('onUnknownOutcome fail', () => {
  const retry = { attempts: 3, delay: 10 }
  const charging = (effect: (key: string) => unknown) =>
    defineWorkflow({ name: 'child', version: 1, start: Item, stop: Worked, onUnknownOutcome: 'fail' }).step(
      'pay',
      { on: Item, emits: [Worked], retry },
      async (ctx) => Worked(Number(await ctx.once('charge', effect))),
    )
  const middle = (effect: (key: string) => unknown) =>
    defineWorkflow({ name: 'middle', version: 1, start: Item, stop: Worked }).subflow('sub', {
      ...{ on: Item, workflow: charging(effect), emits: [Worked] },
    })
  const flows: Readonly<Record<string, (effect: (key: string) => unknown) => AnyWorkflow>> = {
    'a step that throws another error because of it': (effect) =>
      defineWorkflow({ ...flow, onUnknownOutcome: 'fail' }).step(
        'pay',
        { on: Go, emits: [Done], retry },
        async (ctx) => {
          try {
            return Done(await ctx.once('charge', effect))
          } catch (cause) {
            throw new Error('it could not be paid', { cause })
          }
        },
      ),
    'a sub-flow': (effect) =>
      defineWorkflow(flow).step('sub', { on: Go, emits: [Done], retry }, async (ctx) =>
        Done(await ctx.subflow(charging(effect), { capture: { input: 'state.amount' } })),
      ),
    'a sub-flow of a sub-flow': (effect) =>
      defineWorkflow(flow).step('sub', { on: Go, emits: [Done], retry }, async (ctx) =>
        Done(await ctx.subflow(middle(effect), { capture: { input: 'state.amount' } })),
      ),
  }

  test.each(Object.keys(flows).flatMap((which) => [false, true].map((late) => ({ which, late }))))(
    'in $which, reloaded before the retry: $late / only retry() runs the effect again, with the same key; cut off again, it fails again',
    async ({ which, late }) => {
      const page = profile()
      const keys: string[] = []
      const workflow = flows[which]?.((key) => {
        keys.push(key)
        return keys.length < 3 ? gate().promise : 7
      }) as AnyWorkflow
      const first = await page.open(workflow, { initialState: { amount: 7 } })
      first.run().catch(() => {})
      for (const times of [1, 2]) {
        await page.reload()
        let session = await page.open(workflow)
        await page.clock.advance(1000)
        expect(session.status).toBe('failed')
        expect(keys).toHaveLength(times)
        if (late) {
          await page.reload()
          session = await page.open(workflow)
        }
        session.retry().catch(() => {})
        await page.settle()
        if (times === 2) expect(session.result).toBe(7)
      }
      expect(keys).toEqual([keys[0], keys[0], keys[0]])
    },
  )
})

test.each((['ask', 'fail'] as const).flatMap((policy) => [1, 3].map((attempts) => ({ policy, attempts }))))(
  'an effect that failed, reloaded before the retry, $policy, $attempts attempts / has no unknown outcome: it runs again with the same key',
  async ({ policy, attempts }) => {
    const page = profile()
    const keys: string[] = []
    const workflow = defineWorkflow({ ...flow, onUnknownOutcome: policy }).step(
      'pay',
      { on: Go, emits: [Done], retry: { attempts, delay: 1000 } },
      async (ctx) => {
        await ctx.state.set('before', true)
        return Done(
          await ctx.once('charge', (key) => {
            if (keys.push(key) === 1) throw new Error('no')
            return 'charged'
          }),
        )
      },
    )
    const first = await page.open(workflow)
    first.run().catch(() => {})
    await page.reload()
    const session = await page.open(workflow)
    await page.clock.advance(100)
    if (attempts === 1) session.retry().catch(() => {})
    await page.clock.advance(2000)
    expect(session.asks).toEqual([])
    expect(session.result).toBe('charged')
    expect(keys).toEqual([keys[0], keys[0]])
  },
)

test.each((['ask', 'fail'] as const).flatMap((policy) => [false, true].map((late) => ({ policy, late }))))(
  'an effect that failed and is cut off in the retry, $policy, reloaded in between: $late / has an unknown outcome',
  async ({ policy, late }) => {
    const page = profile()
    const keys: string[] = []
    const workflow = defineWorkflow({ ...flow, onUnknownOutcome: policy }).step(
      'pay',
      { on: Go, emits: [Done], asks: [OutcomeUnknown], retry: { attempts: 3, delay: 1000 } },
      async (ctx) =>
        Done(
          await ctx.once('charge', (key): unknown => {
            if (keys.push(key) === 1) throw new Error('no')
            return keys.length === 2 ? gate().promise : 'charged'
          }),
        ),
    )
    let session = await page.open(workflow)
    session.run().catch(() => {})
    if (late) {
      await page.reload()
      session = await page.open(workflow)
    }
    await page.clock.advance(1000)
    expect(keys).toHaveLength(2)
    await page.reload()
    session = await page.open(workflow)
    await page.clock.advance(5000)
    expect(keys).toHaveLength(2)
    expect(session.status).toBe(policy === 'ask' ? 'waiting' : 'failed')
    if (policy === 'ask') await session.asks[0]?.reply({ rerun: true })
    else session.retry().catch(() => {})
    await page.settle()
    expect([session.result, new Set(keys).size]).toEqual(['charged', 1])
  },
)

test('two parallel effects, both cut off, with fail / one retry() runs both again', async () => {
  const page = profile()
  let cuts = 2
  const workflow = defineWorkflow({ ...flow, onUnknownOutcome: 'fail' }).step(
    'pay',
    { on: Go, emits: [Done] },
    async (ctx) => {
      const pay = (key: string): Promise<unknown> =>
        ctx.once(key, (): unknown => (cuts-- > 0 ? gate().promise : key))
      return Done(await Promise.all([pay('a'), pay('b')]))
    },
  )
  ;(await page.open(workflow)).run().catch(() => {})
  await page.reload()
  const session = await page.open(workflow)
  await page.settle()
  expect(session.status).toBe('failed')
  session.retry().catch(() => {})
  await page.settle()
  expect(session.result).toEqual(['a', 'b'])
})
