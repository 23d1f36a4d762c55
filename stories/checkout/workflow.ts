import { z } from 'zod'
import { defineEvent, defineWorkflow, resource } from 'dogear'
import type { Payments } from './payments'

/*
 * The checkout, from the cart to the receipt. Each page of the wizard is an ask: the flow stops there until somebody
 * answers, and through any number of reloads. What is being typed stands in `draft`, so it survives as well, and is on
 * the page again for whoever goes back and forth. The flow knows nothing of that: `back()` re-opens the ask before.
 */

export const items = [
  { name: 'Field notebook, dotted', price: 1450 },
  { name: 'Pencil, soft', price: 240 },
] as const
export const shops = ['Damrak 12', 'Station Square 3', 'Mill Lane 77'] as const

export const goods = items.reduce((sum, it) => sum + it.price, 0)
const courier = 495
const attempts = 3

const required = (message: string) => z.string().trim().min(1, message)

/** What a page must be given to go on. The messages are shown at the fields. */
const Address = defineEvent(
  'address',
  z.object({
    name: required('Enter your name'),
    email: z.email('Enter an address like ada@example.org'),
    street: required('Enter the street and the number'),
    zip: z
      .string()
      .trim()
      .regex(/^\d{4} ?[A-Za-z]{2}$/, 'Enter four digits and two letters, like 1012 LG'),
    city: required('Enter the city'),
  }),
)
const Delivery = defineEvent(
  'delivery',
  z.discriminatedUnion('method', [
    z.object({ method: z.literal('home'), note: z.string().max(80, 'Keep the note under 80 characters') }),
    z.object({ method: z.literal('pickup') }),
  ]),
)
const Shop = defineEvent(
  'shop',
  z.object({
    shop: z.string().refine((it) => shops.some((shop) => shop === it), 'Choose a shop'),
    collector: required('Enter who will collect it'),
  }),
)
const Approval = defineEvent(
  'approval',
  z.object({
    holder: required('Enter the name on the card'),
    approved: z.boolean().refine((it) => it, 'Tick the box to approve the payment'),
  }),
)

const AskAddress = defineEvent('askAddress', z.object({}), { reply: Address })
const AskDelivery = defineEvent('askDelivery', z.object({ courier: z.number() }), { reply: Delivery })
const AskShop = defineEvent('askShop', z.object({ city: z.string() }), { reply: Shop })
const AskApproval = defineEvent(
  'askApproval',
  z.object({ delivery: z.string(), shipping: z.number(), total: z.number() }),
  { reply: Approval },
)

/** What goes from step to step. */
const Begin = defineEvent('begin')
const ToDelivery = defineEvent('toDelivery', Address.schema)
const ToShop = defineEvent('toShop', z.object({ city: z.string() }))
const ToPayment = defineEvent('toPayment', z.object({ delivery: z.string(), shipping: z.number() }))
const Approved = defineEvent('approved', z.object({ total: z.number() }))
const Ordered = defineEvent('ordered', z.object({ orderId: z.string(), total: z.number() }))

const text = z.string().default('')
const state = z.object({
  /** The fields as they are typed. */
  draft: z
    .object({
      address: z.object({ name: text, email: text, street: text, zip: text, city: text }).prefault({}),
      delivery: z.object({ method: z.enum(['home', 'pickup']).default('home'), note: text }).prefault({}),
      shop: z.object({ shop: text, collector: text }).prefault({}),
      payment: z.object({ holder: text, approved: z.boolean().default(false) }).prefault({}),
    })
    .prefault({}),
  /** The answers, once given. */
  address: Address.schema.optional(),
  delivery: z.object({ to: z.string(), note: z.string() }).optional(),
})

export const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  start: Begin,
  stop: Ordered,
  state,
  resources: { payments: resource<Payments>() },
})
  .step('address', { on: Begin, asks: [AskAddress], emits: [ToDelivery] }, async (ctx) => {
    const { data } = await ctx.ask(AskAddress({}))
    await ctx.state.set('address', data)
    return ToDelivery(data)
  })
  .step(
    'delivery',
    { on: ToDelivery, asks: [AskDelivery], emits: [ToShop, ToPayment] },
    async (ctx, { data: { street, zip, city } }) => {
      const { data } = await ctx.ask(AskDelivery({ courier }))
      if (data.method === 'pickup') return ToShop({ city })
      const to = `By courier to ${street}, ${zip} ${city}`
      await ctx.state.set('delivery', { to, note: data.note })
      return ToPayment({ delivery: to, shipping: courier })
    },
  )
  .step('shop', { on: ToShop, asks: [AskShop], emits: [ToPayment] }, async (ctx, { data: { city } }) => {
    const { data } = await ctx.ask(AskShop({ city }))
    const to = `At our shop, ${data.shop}, for ${data.collector}`
    await ctx.state.set('delivery', { to, note: '' })
    return ToPayment({ delivery: to, shipping: 0 })
  })
  .step(
    'approval',
    { on: ToPayment, asks: [AskApproval], emits: [Approved] },
    async (ctx, { data: { delivery, shipping } }) => {
      const total = goods + shipping
      // A user who comes back with another total must approve again. A reload runs this line again, without any effect.
      await ctx.state.set('draft.payment.approved', false)
      await ctx.ask(AskApproval({ delivery, shipping, total }))
      return Approved({ total })
    },
  )
  .step(
    'charge',
    { on: Approved, emits: [Ordered], retry: { attempts, delay: 500, factor: 2 } },
    async (ctx, { data: { total } }) => {
      ctx.progress(0.75, ctx.attempt === 1 ? 'Paying ...' : `Paying, try ${ctx.attempt} of ${attempts} ...`)
      // The key is the same on every try, and after a reload: the server charges once.
      return Ordered(await ctx.once('charge', (key) => ctx.resources.payments.charge(total, key)))
    },
  )
