import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow, resource, type Flow, type Session } from 'dogear'
import { createWorkflowHooks, useFlowState, useWorkflow } from 'dogear/react'

interface Bank {
  pay(total: number, key: string): Promise<string>
}

const Total = defineEvent('total', z.object({ total: z.number(), card: z.string() }))
const Approved = defineEvent('approved', z.object({ by: z.string() }))
const Approve = defineEvent('approve', z.object({ total: z.number() }), { reply: Approved })
const Paid = defineEvent('paid', z.object({ receipt: z.string(), at: z.number() }))
const Nudge = defineEvent('nudge', z.object({ how: z.string() }))

const payment = defineWorkflow({
  name: 'payment',
  version: 1,
  state: z.object({ card: z.string().default(''), tries: z.number().default(0) }),
  flowState: z.object({ payments: z.number().default(0) }),
  start: Total,
  stop: Paid,
  events: [Nudge],
  resources: { bank: resource<Bank>(), log: resource<(text: string) => void>({ optional: true }) },
}).step('pay', { on: Total, asks: [Approve], emits: [Paid] }, () => Paid({ receipt: '', at: 1 }))

const Begin = defineEvent('begin', z.object({ order: z.object({ total: z.number() }), card: z.string() }))
const Done = defineEvent('done', z.unknown())
const shop = defineWorkflow({
  name: 'shop',
  version: 1,
  state: z.object({
    card: z.string().default(''),
    paid: z.object({ receipt: z.string(), at: z.number() }).optional(),
    log: z.array(z.string()).default([]),
  }),
  flowState: z.object({ opened: z.number().default(0), last: z.object({ at: z.number() }).optional() }),
  start: Begin,
  stop: Done,
  resources: { bank: resource<Bank>(), banks: resource<{ dutch: Bank }>() },
})
const on = { on: Begin, workflow: payment, emits: [Done] } as const

describe('.subflow: literal paths', () => {
  it('right paths / of every scope, into every target, and whole scopes', () => {
    shop.subflow('pay', { on: Begin, workflow: payment, emits: [Done] })
    shop.subflow('pay', {
      ...on,
      capture: {
        input: { total: 'value.order.total', card: 'state.card' },
        state: { card: 'value.card', tries: 'flowState.opened' },
        flowState: { payments: 'flowState.opened' },
        resources: { bank: 'resources.banks.dutch' },
      },
      writeBack: {
        value: { 'any.where': 'result.receipt' },
        state: { paid: 'result', 'paid.at': 'result.at', 'log.0': 'result.receipt' },
        flowState: { opened: 'result.at', 'last.at': 'result.at' },
      },
    })
    shop.subflow('pay', {
      ...on,
      capture: { input: 'value', state: 'state', flowState: 'flowState', resources: 'resources' },
      writeBack: { value: 'result.receipt', state: 'result', flowState: 'result' },
    })
  })

  it('a source that does not exist, or of an unknown scope / an error', () => {
    // @ts-expect-error the event has no such path
    shop.subflow('pay', { ...on, capture: { input: { total: 'value.total' } } })
    // @ts-expect-error there is no such path in the state
    shop.subflow('pay', { ...on, capture: { state: { card: 'state.cart' } } })
    // @ts-expect-error there is no such path in the flow state
    shop.subflow('pay', { ...on, capture: { flowState: { payments: 'flowState.payments' } } })
    // @ts-expect-error there is no such resource
    shop.subflow('pay', { ...on, capture: { resources: { bank: 'resources.safe' } } })
    // @ts-expect-error only a resource can be given as one
    shop.subflow('pay', { ...on, capture: { resources: { bank: 'state.card' } } })
    // @ts-expect-error the child's result is there only at the end
    shop.subflow('pay', { ...on, capture: { input: 'result' } })
    // @ts-expect-error there is no such scope
    shop.subflow('pay', { ...on, capture: { input: 'session' } })
    // @ts-expect-error the result has no such path
    shop.subflow('pay', { ...on, writeBack: { state: { card: 'result.card' } } })
    // @ts-expect-error only the result comes back
    shop.subflow('pay', { ...on, writeBack: { state: { card: 'state.card' } } })
    // @ts-expect-error an empty path
    shop.subflow('pay', { ...on, capture: { input: '' } })
  })

  it('a target that does not exist / an error', () => {
    // @ts-expect-error the input has no such path
    shop.subflow('pay', { ...on, capture: { input: { sum: 'value.order.total' } } })
    // @ts-expect-error there is no such path in the child's state
    shop.subflow('pay', { ...on, capture: { state: { cards: 'value.card' } } })
    // @ts-expect-error there is no such path in the child's flow state
    shop.subflow('pay', { ...on, capture: { flowState: { opened: 'flowState.opened' } } })
    // @ts-expect-error the child declares no such resource
    shop.subflow('pay', { ...on, capture: { resources: { safe: 'resources.bank' } } })
    // @ts-expect-error there is no such target
    shop.subflow('pay', { ...on, capture: { value: 'value' } })
    // @ts-expect-error there is no such path in the state
    shop.subflow('pay', { ...on, writeBack: { state: { pay: 'result' } } })
    // @ts-expect-error there is no such path in the flow state
    shop.subflow('pay', { ...on, writeBack: { flowState: { payments: 'result.at' } } })
    // @ts-expect-error nothing is written back to resources
    shop.subflow('pay', { ...on, writeBack: { resources: { bank: 'result' } } })
  })

  it("the session knows the child's asks and the events it takes", () => {
    const whole = shop.subflow('pay', on)
    const session = {} as Session<typeof whole>
    const [ask] = session.asks
    expectTypeOf(ask?.type).toEqualTypeOf<'approve' | undefined>()
    void ask?.reply({ by: 'Ada' })
    // @ts-expect-error the reply is another
    void ask?.reply({ who: 'Ada' })
    void session.send(Nudge({ how: 'softly' }))
    void session.send(Nudge({ how: 'softly' }), { step: 'pay' })
    // @ts-expect-error there is no such step
    void session.send(Nudge({ how: 'softly' }), { step: 'paid' })
  })

  it('a taken step name, or a value that is no workflow / an error', () => {
    const whole = shop.subflow('pay', on)
    // @ts-expect-error this step name is taken
    whole.subflow('pay', on)
    // @ts-expect-error no workflow
    shop.subflow('pay', { ...on, workflow: Begin })
  })
})

describe('ctx', () => {
  it("ctx.subflow() / gives the child's result, or unknown with writeBack.value; literal paths are checked", () => {
    shop.step('pay', { on: Begin, emits: [Done] }, async (ctx) => {
      const plain = await ctx.subflow(payment, { capture: { input: { total: 'value.order.total' } } })
      expectTypeOf(plain).toEqualTypeOf<{ receipt: string; at: number }>()
      expectTypeOf(await ctx.subflow(payment)).toEqualTypeOf<{ receipt: string; at: number }>()
      const mapped = await ctx.subflow(payment, { writeBack: { value: { 'a.b': 'result.at' } } })
      expectTypeOf(mapped).toEqualTypeOf<unknown>()
      // @ts-expect-error the event has no such path
      void ctx.subflow(payment, { capture: { input: { total: 'value.total' } } })
      // @ts-expect-error the result has no such path
      void ctx.subflow(payment, { writeBack: { state: { card: 'result.card' } } })
      // @ts-expect-error there is no such path in the state
      void ctx.subflow(payment, { writeBack: { state: { pay: 'result' } } })
      // @ts-expect-error no workflow
      void ctx.subflow(Begin)
      return Done(1)
    })
  })

  it('ctx.flowState / its paths and values, and no others', () => {
    shop.step('pay', { on: Begin, emits: [Done] }, async ({ flowState }) => {
      expectTypeOf(flowState.get('opened')).toEqualTypeOf<number>()
      expectTypeOf(flowState.get('last.at')).toEqualTypeOf<number | undefined>()
      expectTypeOf(flowState.set('opened', (it) => it + 1)).toEqualTypeOf<Promise<void>>()
      // @ts-expect-error there is no such path in the flow state
      flowState.get('closed')
      // @ts-expect-error a number
      void flowState.set('opened', 'once')
      // @ts-expect-error a path of the state
      flowState.get('card')
      return Done(1)
    })
  })

  it('resources / declared keys only, with their types', () => {
    shop.step('pay', { on: Begin, emits: [Done] }, async (ctx) => {
      expectTypeOf(ctx.resources.bank).toEqualTypeOf<Bank>()
      expectTypeOf(ctx.requireResource('banks').dutch).toEqualTypeOf<Bank>()
      expectTypeOf(ctx.getResource('bank', null)).toEqualTypeOf<Bank | null>()
      ctx.setResource('bank', ctx.resources.banks.dutch)
      ctx.deleteResource('bank')
      // @ts-expect-error there is no such resource
      ctx.requireResource('safe')
      // @ts-expect-error there is no such resource
      ctx.getResource('safe', null)
      // @ts-expect-error no bank
      ctx.setResource('bank', 1)
      // @ts-expect-error there is no such resource
      ctx.deleteResource('safe')
      return Done(1)
    })
  })
})

describe('outside a step', () => {
  it('a factory / may stand wherever resources are given, and makes what is declared', () => {
    const bank = resource(() => ({ pay: () => Promise.resolve('') }))
    const session = createEngine().session(shop, { resources: { bank, banks: { dutch: {} as Bank } } })
    session.setResources({ bank })
    createEngine().flow(shop).setResources({ bank })
    createWorkflowHooks(shop).WorkflowProvider({ resources: { bank } })
    useWorkflow(payment, { id: 'a', resources: { bank, log: resource(() => () => {}) } })
    // @ts-expect-error what it makes is no bank
    session.setResources({ bank: resource(() => 1) })
    // @ts-expect-error nor is this
    session.setResources({ bank: {} })
    // @ts-expect-error a function is no factory by itself
    session.setResources({ bank: () => ({ pay: () => Promise.resolve('') }) })
  })

  it('useFlowState / the value and the setter of the path', () => {
    const hooks = createWorkflowHooks(shop)
    const [opened, setOpened] = hooks.useFlowState('opened')
    expectTypeOf(opened).toEqualTypeOf<number>()
    setOpened((it) => it + 1)
    // @ts-expect-error a number
    setOpened('once')
    expectTypeOf(hooks.useFlowState('last.at')[0]).toEqualTypeOf<number | undefined>()
    expectTypeOf(hooks.useFlowState('last', { select: (it) => it?.at ?? null })[0]).toEqualTypeOf<
      number | null
    >()
    expectTypeOf(useFlowState(shop, 'opened')[0]).toEqualTypeOf<number>()
    expectTypeOf(useFlowState({} as Session<typeof shop>, 'opened')[0]).toEqualTypeOf<number>()
    // @ts-expect-error there is no such path in the flow state
    hooks.useFlowState('card')
    // @ts-expect-error there is no such path in the flow state
    useFlowState(shop, 'closed')
  })

  it('engine.flow and session.flowState / the same store, typed; resources by their keys', () => {
    const flow = createEngine().flow(shop)
    expectTypeOf(flow).toEqualTypeOf<Flow<typeof shop>>()
    expectTypeOf(flow.ready).toEqualTypeOf<Promise<void>>()
    expectTypeOf(flow.state.get('opened')).toEqualTypeOf<number>()
    flow.state.set('opened', 1)
    flow.setResources({ bank: {} as Bank })
    flow.deleteResource('bank')
    const session = {} as Session<typeof shop>
    expectTypeOf(session.flowState).toEqualTypeOf<typeof flow.state>()
    expectTypeOf(session.resources.bank).toEqualTypeOf<Bank>()
    session.setResources({ banks: { dutch: {} as Bank } })
    // @ts-expect-error there is no such path in the flow state
    flow.state.get('closed')
    // @ts-expect-error there is no such resource
    flow.setResources({ safe: 1 })
    // @ts-expect-error there is no such resource
    flow.deleteResource('safe')
    // @ts-expect-error no bank
    session.setResources({ bank: 1 })
  })
})
