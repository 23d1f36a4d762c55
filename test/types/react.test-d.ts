import type { ReactElement, ReactNode } from 'react'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createEngine, createPlainStore, createStore, defineEvent, defineWorkflow, resource } from 'dogear'
import type { DueRetry, Session, StateStore, Status, WorkflowEvent } from 'dogear'
import {
  createWorkflowHooks,
  usePersistence,
  useResource,
  useSessions,
  useWorkflow,
  useWorkflowEvents,
  useWorkflowState,
  WorkflowProvider,
} from 'dogear/react'
import type { Register, Registered, UseWorkflow } from 'dogear/react'

interface Payments {
  quote(address: { street: string; zip: string }): Promise<number>
}

const Begin = defineEvent('begin', z.object({ country: z.string() }))
const Address = defineEvent('address', z.object({ street: z.string(), zip: z.string() }))
const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
const Coupon = defineEvent('coupon', z.object({ code: z.string() }))
const AskCoupon = defineEvent('askCoupon', z.object({ total: z.number() }), { reply: Coupon })
const Priced = defineEvent('priced', z.object({ total: z.number() }))
const Word = defineEvent('word', z.object({ text: z.string() }))
const Done = defineEvent('done', z.object({ orderId: z.string() }))

const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  state: z.object({
    address: z.object({ street: z.string(), zip: z.string() }).optional(),
    note: z.string().default(''),
    items: z.array(z.object({ price: z.number() })).default([]),
  }),
  start: Begin,
  stop: Done,
  resources: { payments: resource<Payments>(), log: resource<(text: string) => void>({ optional: true }) },
})
  .step('address', { on: Begin, asks: [AskAddress], emits: [Priced] }, async (ctx, { data }) => {
    await ctx.ask(AskAddress({ country: data.country }))
    return Priced({ total: 1 })
  })
  .step('pay', { on: Priced, asks: [AskCoupon], emits: [Done] }, async (ctx, { data }) => {
    await ctx.ask(AskCoupon({ total: data.total }))
    return Done({ orderId: '1' })
  })

const bare = defineWorkflow({ name: 'bare', version: 1, start: defineEvent('go'), stop: Done })

const hooks = createWorkflowHooks(checkout)
type Setter<T> = (next: T | ((previous: T) => T)) => void
type Address = { street: string; zip: string }

describe('hooks of one workflow', () => {
  it('useWorkflowState / the value and the setter of the path, without annotations', () => {
    const [note, setNote] = hooks.useWorkflowState('note')
    expectTypeOf(note).toEqualTypeOf<string>()
    expectTypeOf(setNote).toEqualTypeOf<Setter<string>>()
    setNote((previous) => previous.trim())
    // @ts-expect-error a number is no text
    setNote(1)

    const [price, setPrice] = hooks.useWorkflowState('items.0.price')
    expectTypeOf(price).toEqualTypeOf<number | undefined>()
    setPrice((previous) => (previous ?? 0) + 1)
    // @ts-expect-error what is written is there
    setPrice(undefined)

    expectTypeOf(hooks.useWorkflowState('address')[0]).toEqualTypeOf<Address | undefined>()
    expectTypeOf(hooks.useWorkflowState(['address', 'zip'])[0]).toEqualTypeOf<string | undefined>()
  })

  it('useWorkflowState of a wrong path / an error', () => {
    // @ts-expect-error no such key
    hooks.useWorkflowState('nope')
    // @ts-expect-error no such key below
    hooks.useWorkflowState('address.city')
    // @ts-expect-error nothing is below a text
    hooks.useWorkflowState('note.length')
    // @ts-expect-error the workflow is known already
    hooks.useWorkflowState(checkout, 'note')
  })

  it('select / types the value, and the setter still writes the whole', () => {
    const [count, setItems] = hooks.useWorkflowState('items', { select: (items) => items.length })
    expectTypeOf(count).toEqualTypeOf<number>()
    expectTypeOf(setItems).toEqualTypeOf<Setter<{ price: number }[]>>()

    const [part] = hooks.useWorkflowState('address', {
      select: (address) => ({ zip: address?.zip }),
      compare: (before, after) => before.zip === after.zip,
    })
    expectTypeOf(part).toEqualTypeOf<{ zip: string | undefined }>()

    const [whole] = hooks.useWorkflowState([], { select: (state) => state.note })
    expectTypeOf(whole).toEqualTypeOf<string>()
    const byText = (before: string, after: string): boolean => before === after
    // @ts-expect-error compare compares what select gives
    hooks.useWorkflowState('note', { select: (note) => note.length, compare: byText })
    // @ts-expect-error options are there to select
    hooks.useWorkflowState('note', { compare: () => true })
  })

  it('useWorkflow / status, a union of asks discriminated by type, the result, typed actions', () => {
    const { status, ask, asks, result, error, start, send, cancel, retry, reset, session, persistence } =
      hooks.useWorkflow()
    expectTypeOf(status).toEqualTypeOf<Status>()
    expectTypeOf(result).toEqualTypeOf<{ orderId: string } | undefined>()
    expectTypeOf(error).toEqualTypeOf<Error | undefined>()
    expectTypeOf(session).toEqualTypeOf<Session<typeof checkout>>()
    expectTypeOf(persistence.savedAt).toEqualTypeOf<number | undefined>()
    expectTypeOf(asks[0]).toEqualTypeOf(ask)
    expectTypeOf(() => useWorkflow().retries).returns.toEqualTypeOf<readonly DueRetry[]>()
    expectTypeOf(() => useWorkflow().missingResources).returns.toEqualTypeOf<readonly string[]>()
    if (ask?.type === 'askAddress') {
      expectTypeOf(ask.data).toEqualTypeOf<{ country: string }>()
      expectTypeOf(ask.reply).parameters.toEqualTypeOf<[data: Address]>()
      expectTypeOf(ask.reply({ street: '', zip: '' })).toEqualTypeOf<Promise<boolean>>()
      // @ts-expect-error another ask's reply
      void ask.reply({ code: '' })
    } else if (ask) {
      expectTypeOf(ask.data).toEqualTypeOf<{ total: number }>()
      void ask.reply({ code: '' })
    }
    expectTypeOf(start({ country: 'NL' })).toBeVoid()
    // @ts-expect-error the country is missing
    start({})
    // @ts-expect-error no input
    start()
    expectTypeOf(send(Address({ street: '', zip: '' }))).toEqualTypeOf<Promise<boolean>>()
    // @ts-expect-error an event of another workflow
    void send(Word({ text: '' }))
    expectTypeOf(cancel).toEqualTypeOf<(reason?: string) => void>()
    expectTypeOf(retry).toEqualTypeOf<() => void>()
    expectTypeOf(reset).toEqualTypeOf<() => void>()
  })

  it('an event handler / accepts retry and reset, and refuses start and cancel, which would take the DOM event for data', () => {
    const onClick = (handler: (event: { target: object }) => void): unknown => handler
    const { start, retry, reset, cancel } = hooks.useWorkflow()
    onClick(retry)
    onClick(reset)
    // @ts-expect-error the event is no input
    onClick(start)
    // @ts-expect-error the event is no reason
    onClick(cancel)
  })

  it('a workflow without input / start() takes none', () => {
    expectTypeOf(useWorkflow(bare).start).parameters.toEqualTypeOf<[data?: undefined]>()
  })

  it('useResource / declared resources only; with a fallback, its type too', () => {
    expectTypeOf(hooks.useResource('payments')).toEqualTypeOf<Payments>()
    expectTypeOf(hooks.useResource('log')).toEqualTypeOf<(text: string) => void>()
    expectTypeOf(hooks.useResource('log', null)).toEqualTypeOf<((text: string) => void) | null>()
    // @ts-expect-error not declared
    hooks.useResource('paymnts')
  })

  it('useWorkflowEvents / one type with its data, or every event of the workflow', () => {
    hooks.useWorkflowEvents(Word, (event) =>
      expectTypeOf(event).toEqualTypeOf<WorkflowEvent<'word', { text: string }>>(),
    )
    hooks.useWorkflowEvents((event) => {
      if (event.type === 'askAddress') expectTypeOf(event.data).toEqualTypeOf<{ country: string }>()
      if (event.type === 'done') expectTypeOf(event.data).toEqualTypeOf<{ orderId: string }>()
      if (event.type === 'failed') expectTypeOf(event.data).toEqualTypeOf<unknown>()
      // @ts-expect-error nothing of the workflow has that type
      return event.type === 'nope'
    })
    // @ts-expect-error the type comes first
    hooks.useWorkflowEvents(() => {}, Word)
  })

  it('the provider / takes what its workflow needs, and no workflow', () => {
    const engine = createEngine()
    const payments: Payments = { quote: () => Promise.resolve(1) }
    expectTypeOf(hooks.WorkflowProvider).returns.toExtend<ReactNode>()
    hooks.WorkflowProvider({
      id: 'a',
      engine,
      resources: { payments },
      initialState: { note: 'x' },
      fallback: 'wait',
    })
    hooks.WorkflowProvider({
      errorFallback: (error) => error.message,
      ssr: true,
      suspense: true,
      children: 'x',
    })
    hooks.WorkflowProvider({ id: undefined, engine: undefined, resources: undefined, fallback: undefined })
    // @ts-expect-error no such resource
    hooks.WorkflowProvider({ resources: { payment: payments } })
    // @ts-expect-error not that resource
    hooks.WorkflowProvider({ resources: { payments: 1 } })
    // @ts-expect-error not that state
    hooks.WorkflowProvider({ initialState: { note: 1 } })
    // @ts-expect-error the workflow is known already
    hooks.WorkflowProvider({ workflow: checkout })
  })

  it('the hover of a view / is one line', () => {
    expectTypeOf(hooks.useWorkflow()).toEqualTypeOf<UseWorkflow<typeof checkout>>()
  })
})

describe('untyped hooks', () => {
  const session = createEngine().session(checkout)

  it('with a workflow or a session / typed', () => {
    expectTypeOf(useWorkflow(checkout)).toEqualTypeOf<UseWorkflow<typeof checkout>>()
    expectTypeOf(useWorkflow(session)).toEqualTypeOf<UseWorkflow<typeof checkout>>()
    expectTypeOf(useWorkflow(checkout, { id: 'a' }).result).toEqualTypeOf<{ orderId: string } | undefined>()
    expectTypeOf(useWorkflowState(checkout, 'note')[0]).toEqualTypeOf<string>()
    expectTypeOf(useWorkflowState(session, 'note')[1]).toEqualTypeOf<Setter<string>>()
    expectTypeOf(useWorkflowState(session, 'items', { select: (it) => it.length })[0]).toEqualTypeOf<number>()
    expectTypeOf(
      useWorkflowState(checkout, 'items', { select: (it) => it.length })[0],
    ).toEqualTypeOf<number>()
    usePersistence(checkout)
    usePersistence(session)
    useSessions(checkout, { prefix: 'chat-', status: 'waiting' })
    // @ts-expect-error such a list would be empty for ever
    useSessions(checkout, { status: 'wating' })
    // @ts-expect-error no such path
    useWorkflowState(checkout, 'nope')
    // @ts-expect-error no such path
    useWorkflowState(session, 'nope')
    // @ts-expect-error no such resource
    useWorkflow(checkout, { resources: { paymnts: 1 } })
    // @ts-expect-error the path comes second
    useWorkflowState('note', checkout)
    // @ts-expect-error an id is an option
    useWorkflow('cart-42')
  })

  it('with a store / typed by its schema or by what one says, or unknown', () => {
    const store = createStore({ schema: z.object({ count: z.number() }), initial: { count: 1 } })
    const [count, setCount] = useWorkflowState(store, 'count')
    expectTypeOf(count).toEqualTypeOf<number>()
    setCount((before) => before + 1)
    expectTypeOf(useWorkflowState(store, 'count', { select: String })[0]).toEqualTypeOf<string>()
    // @ts-expect-error no such path
    useWorkflowState(store, 'nope')
    expectTypeOf(useWorkflowState(createStore({}), 'any.thing')[0]).toEqualTypeOf<unknown>()
    interface Cart {
      items: { price: number }[]
    }
    const said = createStore<Cart>({ initial: { items: [] } })
    expectTypeOf(useWorkflowState(said, 'items.0.price')[0]).toEqualTypeOf<number | undefined>()
    said.append('items', { price: 3 })
    // @ts-expect-error no such path
    useWorkflowState(said, 'nope')
    // @ts-expect-error not the state that was said
    createStore<Cart>({ initial: { items: [1] } })
    const schema = z.object({ count: z.number(), note: z.string().default('') })
    createStore({ schema, initial: { count: 1 } })
    createStore({ schema, initial: undefined })
    // @ts-expect-error not what the schema takes
    createStore({ schema, initial: { count: '1' } })
    // @ts-expect-error nor is this
    createStore({ schema, initial: { count: 1, note: null } })
    expectTypeOf(createStore()).toEqualTypeOf<StateStore<Record<string, unknown>>>()
    expectTypeOf(createStore({ schema: undefined, initial: { a: [] } })).toEqualTypeOf(createStore())
  })

  it('with a plain store / typed by its first state, and without drafts', () => {
    const store = createPlainStore({ initial: { count: 1 } })
    expectTypeOf(useWorkflowState(store, 'count')[0]).toEqualTypeOf<number>()
    // @ts-expect-error no such path
    useWorkflowState(store, 'nope')
    // @ts-expect-error it has no drafts
    void store.edit
  })

  it('without either / unknown, unless the app has registered its workflow', () => {
    expectTypeOf(useWorkflowState('anything')[0]).toEqualTypeOf<unknown>()
    expectTypeOf(useWorkflow().result).toEqualTypeOf<unknown>()
    expectTypeOf(useResource('anything')).toEqualTypeOf<unknown>()
    useWorkflow().start({ any: 'thing' })
    useWorkflowEvents(Word, ({ data }) => expectTypeOf(data).toEqualTypeOf<{ text: string }>())
    expectTypeOf<keyof Register>().toEqualTypeOf<never>()
    expectTypeOf<Registered['name']>().toEqualTypeOf<string>()
  })

  it('the provider / takes a workflow and what that needs', () => {
    const element: ReactElement | null = WorkflowProvider({ workflow: checkout, resources: {} })
    expectTypeOf(element).toExtend<ReactNode>()
    // @ts-expect-error the workflow is missing
    WorkflowProvider({ id: 'a' })
    // @ts-expect-error no such resource
    WorkflowProvider({ workflow: checkout, resources: { payment: 1 } })
  })
})
