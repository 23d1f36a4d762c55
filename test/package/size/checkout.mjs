/** The checkout of the readme: everything an app of that kind pulls in. */
import { createEngine, defineEvent, defineWorkflow, resource } from '../../../dist/index.js'
import { createWorkflowHooks } from '../../../dist/react.js'

const Begin = defineEvent('begin')
const Address = defineEvent('address')
const AskAddress = defineEvent('askAddress', undefined, { reply: Address })
const Priced = defineEvent('priced')
const Ordered = defineEvent('ordered')

const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  start: Begin,
  stop: Ordered,
  resources: { payments: resource() },
})
  .step('address', { on: Begin, asks: [AskAddress], emits: [Priced] }, async (ctx, begin) => {
    const address = await ctx.ask(AskAddress({ country: begin.data.country }))
    await ctx.state.set('address', address.data)
    return Priced({ total: await ctx.once('quote', () => ctx.resources.payments.quote(address.data)) })
  })
  .step('pay', { on: Priced, emits: [Ordered], retry: { attempts: 3 } }, async (ctx, priced) =>
    Ordered({ orderId: await ctx.once('charge', (key) => ctx.resources.payments.charge(priced.data, key)) }),
  )

export const engine = createEngine()
export const { WorkflowProvider, useWorkflow, useWorkflowState, useResource } = createWorkflowHooks(checkout)
