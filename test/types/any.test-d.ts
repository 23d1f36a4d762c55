import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createEngine, createStore, defineEvent, defineWorkflow, resource } from 'dogear'
import type { AnySession, AnyStore, AnyWorkflow, Engine, Session, StateStore, Status } from 'dogear'
import {
  createWorkflowHooks,
  useFlowState,
  usePersistence,
  useWorkflow,
  useWorkflowState,
} from 'dogear/react'
import { useWorkflowUrl, type UseWorkflow } from 'dogear/react'

const Go = defineEvent('go')
const Begin = defineEvent('begin', z.object({ country: z.string() }))
const Address = defineEvent('address', z.object({ street: z.string() }))
const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
const AskSure = defineEvent('askSure', undefined, { reply: Go })
const Done = defineEvent('done', z.object({ id: z.string() }))

const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  start: Begin,
  stop: Done,
  state: z.object({
    note: z.string().default(''),
    lines: z.array(z.object({ price: z.number() })).default([]),
    byId: z.record(z.string(), z.object({ done: z.boolean() })).default({}),
  }),
  flowState: z.object({ opened: z.number().default(0) }),
  resources: { bank: resource<{ pay(): void }>() },
}).step('ask', { on: Begin, asks: [AskAddress, AskSure], emits: [Done] }, () => Done({ id: '' }))
const chat = defineWorkflow({
  name: 'chat',
  version: 1,
  start: Go,
  stop: Done,
  state: z.object({ messages: z.array(z.string()).default([]) }),
}).step('talk', { on: Go, emits: [Done] }, () => Done({ id: '' }))
const untyped = defineWorkflow({ name: 'untyped', version: 1, start: Go, stop: Done })

declare const cart: Session<typeof checkout>
declare const talk: Session<typeof chat>
declare const any: AnySession

describe('a session of any workflow', () => {
  it('takes sessions of all of them, also side by side', () => {
    const saved = (session: AnySession): Status => session.status
    saved(cart)
    saved(talk)
    saved({} as Session<typeof untyped>)
    saved({} as Session<AnyWorkflow>)
    const open = new Map<string, AnySession>([['a', cart]])
    open.set('b', talk)
    expectTypeOf([cart, talk] satisfies AnySession[]).items.toExtend<AnySession>()
    saved(useWorkflow(checkout).session)
    saved(createWorkflowHooks(chat).useWorkflow().session)
    void (async (engine: Engine, workflow: AnyWorkflow) => saved(await engine.open(workflow)))
    // @ts-expect-error an engine is none
    saved(createEngine())
  })

  it('reads unknown values; what it is given is checked when it runs', () => {
    expectTypeOf(any.state.get('any.path')).toEqualTypeOf<unknown>()
    expectTypeOf(any.state.get()).toEqualTypeOf<unknown>()
    expectTypeOf(any.result).toEqualTypeOf<unknown>()
    any.state.set('count', (before) => Number(before) + 1)
    any.state.append(['list'], { any: 'thing' })
    any.state.edit((draft) => expectTypeOf(draft).toEqualTypeOf<unknown>())
    expectTypeOf(any.flowState).toEqualTypeOf<AnyStore>()
    expectTypeOf(any.run({ any: 'thing' })).toEqualTypeOf<Promise<unknown>>()
    for (const ask of any.asks) expectTypeOf(ask.reply({ any: 'thing' })).toEqualTypeOf<Promise<boolean>>()
    void any.send(Go())
    any.setResources({ any: 'thing' })
    any.deleteResource('any')
    expectTypeOf(any.fork()).toEqualTypeOf<Promise<AnySession>>()
    // @ts-expect-error what is no event
    void any.send('go')
    // @ts-expect-error a number is no path
    any.state.get(1)
  })

  it('is taken by the hooks', () => {
    expectTypeOf(useWorkflow(any)).toEqualTypeOf<UseWorkflow<AnyWorkflow>>()
    expectTypeOf(useWorkflowState(any, 'any.path')[0]).toEqualTypeOf<unknown>()
    expectTypeOf(useWorkflowState(any, 'list', { select: String })[0]).toEqualTypeOf<string>()
    expectTypeOf(useFlowState(any, 'opened')[0]).toEqualTypeOf<unknown>()
    usePersistence(any)
    useWorkflowUrl(any)
  })

  it('is no session of one workflow', () => {
    // @ts-expect-error its state is unknown
    void (any satisfies Session<typeof checkout>)
  })
})

describe('a store of any state', () => {
  it('takes every store, and is taken by the hooks', () => {
    const title = (store: AnyStore): unknown => store.get('title')
    title(cart.state)
    title(createEngine().flow(checkout).state)
    title(createStore({ schema: z.object({ title: z.string() }) }))
    title(createStore())
    title({} as StateStore<unknown>)
    expectTypeOf(useWorkflowState({} as AnyStore, 'title')[0]).toEqualTypeOf<unknown>()
  })

  it('a function that only reads / takes stores that hold more than it names', () => {
    const first = (store: Pick<StateStore<{ lines: { price: number }[] }>, 'get'>): number | undefined =>
      store.get('lines.0.price')
    first(cart.state)
    // @ts-expect-error there are no lines
    first(talk.state)
  })
})
