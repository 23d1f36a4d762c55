import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow } from '../../src/index'
import { leftOf } from '../support/garbage'
import { Done, flow, gate, Go, profile, Question } from '../support/flows'

const ROUNDS = 20

describe('an effect that never settles', () => {
  const Begin = defineEvent('begin', z.object({ round: z.number() }))
  const inputs: WeakRef<object>[] = []
  const stuck = defineWorkflow({ ...flow, start: Begin, history: 10 }).step(
    'stuck',
    { on: Begin, emits: [Done], timeout: 1000 },
    async (ctx, { data }) => {
      inputs.push(new WeakRef(data))
      return Done(await ctx.once('stuck', () => gate().promise))
    },
  )

  test.each(['cancelled', 'failed'])(
    'its run is %s, and others follow / nothing of it is kept',
    async (how) => {
      inputs.length = 0
      const { open, clock } = profile()
      const session = await open(stuck)
      for (let round = 0; round < ROUNDS; round++) {
        session.run({ round }).catch(() => {})
        await clock.advance(500)
        if (how === 'cancelled') session.cancel()
        await clock.advance(1000)
        expect(session.status).toBe(how)
      }
      expect(inputs).toHaveLength(ROUNDS)
      // The history holds the last ones.
      expect(await leftOf(inputs)).toBeLessThan(ROUNDS / 2)
    },
  )
})

describe('a step that goes on', () => {
  const ended: WeakRef<object>[] = []
  const endless = (round: (ctx: AnyContext) => Promise<object>) =>
    defineWorkflow({ ...flow }).step('endless', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
      for (let n = 0; n < ROUNDS; n++) ended.push(new WeakRef(await round(ctx)))
      return Done((await ctx.ask(Question(1))).data)
    })
  type AnyContext = { readonly state: { subscribe(path: string, listener: () => void): () => void } }

  test('it ends its subscriptions / nothing is kept of them', async () => {
    ended.length = 0
    const { open, settle } = profile()
    const session = await open(
      endless(async ({ state }) => {
        const end = state.subscribe('text', () => {})
        end()
        return end
      }),
    )
    session.run().catch(() => {})
    await settle()
    expect([session.status, ended.length]).toEqual(['waiting', ROUNDS])
    expect(await leftOf(ended)).toBeLessThan(3)
  })
})
