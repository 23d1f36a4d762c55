import { expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow, memoryStorage, resource } from '../../src/index'

interface Payments {
  quote(address: { street: string; zip: string }): Promise<number>
  charge(total: number, key: string): Promise<string>
}
const Begin = defineEvent('begin', z.object({ country: z.string() }))
const Address = defineEvent('address', z.object({ street: z.string(), zip: z.string() }))
const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
const Priced = defineEvent('priced', z.object({ total: z.number() }))
const Ordered = defineEvent('ordered', z.object({ orderId: z.string() }))

const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  state: z.object({ address: Address.schema.optional(), note: z.string().default('') }),
  start: Begin,
  stop: Ordered,
  resources: { payments: resource<Payments>() },
})
  .step('address', { on: Begin, asks: [AskAddress], emits: [Priced] }, async (ctx, begin) => {
    const address = await ctx.ask(AskAddress({ country: begin.data.country }))
    await ctx.state.set('address', address.data)
    return Priced({ total: await ctx.once('quote', () => ctx.resources.payments.quote(address.data)) })
  })
  .step('pay', { on: Priced, emits: [Ordered], retry: { attempts: 3, delay: 0 } }, async (ctx, priced) =>
    Ordered({
      orderId: await ctx.once('charge', (key) => ctx.resources.payments.charge(priced.data.total, key)),
    }),
  )

test('a checkout: asked, answered, priced, charged once', async () => {
  const keys: string[] = []
  const payments: Payments = {
    quote: async () => 12,
    charge: async (_total, key) => {
      keys.push(key)
      return 'order-1'
    },
  }
  const storage = memoryStorage()
  const engine = createEngine({ storage })
  const session = await engine.open(checkout, { id: 'cart', resources: { payments } })
  expect(session.status).toBe('idle')
  const result = session.run({ country: 'NL' })
  await Promise.resolve()
  expect(session.status).toBe('waiting')
  session.state.set('note', 'ring')
  await session.flush()
  await session.close()
  await expect(result).rejects.toThrow('closed')

  const again = await createEngine({ storage }).open(checkout, { id: 'cart', resources: { payments } })
  expect(again.status).toBe('waiting')
  expect(again.asks.map((it) => it.data)).toEqual([{ country: 'NL' }])
  expect(again.state.get('note')).toBe('ring')
  expect(await again.asks[0]!.reply({ street: 'Damrak', zip: '1012' })).toBe(true)
  expect(await again.run({ country: 'BE' })).toEqual({ orderId: 'order-1' })
  expect(again.status).toBe('completed')
  expect(again.state.get()).toEqual({ address: { street: 'Damrak', zip: '1012' }, note: 'ring' })
  expect(keys).toHaveLength(1)
})
