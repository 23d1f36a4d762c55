import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow } from '../../src/index'
import { leftOf } from '../support/garbage'
import { Done, flow, gate, profile } from '../support/flows'

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
