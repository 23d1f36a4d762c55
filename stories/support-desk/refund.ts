import { defineEvent, defineWorkflow, resource } from 'dogear'
import { z } from 'zod'

/** What the desk works with: a service that takes its time, and pays once for every key. */
export interface Service {
  think(signal: AbortSignal): Promise<void>
  pay(amount: number, key: string): Promise<unknown>
}

const Claim = defineEvent('claim', z.object({ amount: z.number() }))
const Granted = defineEvent('granted', z.object({ amount: z.number() }))
const Settled = defineEvent('settled', z.object({ text: z.string() }))
const Decision = defineEvent('decision', z.boolean())
const AskRefund = defineEvent('askRefund', z.object({ amount: z.number() }), { reply: Decision })

/** A workflow of its own, for which the desk's document has a node: a person decides, and the money goes out once. */
export const refund = defineWorkflow({
  name: 'refund',
  version: 1,
  start: Claim,
  stop: Settled,
  resources: { service: resource<Service>() },
})
  .step('approve', { on: Claim, asks: [AskRefund], emits: [Granted, Settled] }, async (ctx, { data }) => {
    const { data: granted } = await ctx.ask(AskRefund(data))
    return granted ? Granted(data) : Settled({ text: 'No refund this time.' })
  })
  .step(
    'pay',
    { on: Granted, emits: [Settled], retry: { attempts: 5, delay: 500 } },
    async (ctx, { data: { amount } }) => {
      await ctx.once('pay', (key) => ctx.resources.service.pay(amount, key))
      return Settled({ text: `€ ${amount} are on their way.` })
    },
  )
