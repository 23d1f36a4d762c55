import { describe, expect, test } from 'vitest'
import { defineWorkflow, OutcomeUnknown } from '../../src/index'
import { Done, flow, gate, Go, profile, thrown, type Profile } from '../support/flows'

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

describe('onUnknownOutcome ask, the page is left in the middle of an effect', () => {
  test.each(['step', 'workflow'] as const)(
    'set on the %s / nothing runs again, the ask says which effect it was',
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
    'answered with the value %j / it is the result, live and after a reload, and the effect never ran again',
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

  test('answered with rerun / it runs once more with the same key; a reload after that does neither again', async () => {
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

  test('run again and cut off again, three times / asked each time, under another id', async () => {
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

  test('the answer is recorded and the page dies before the effect begins / it is not asked again', async () => {
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
    'answered with %j / EventValidationError at the call, it stays open',
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

  test('twenty reloads in front of the question / no crash loop, one question', async () => {
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

  test('an effect that failed, in the same page / is no riddle: the retry runs it again', async () => {
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

  test('two effects at once, both cut off / two questions, each with its own answer', async () => {
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
