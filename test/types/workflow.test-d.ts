import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  allOf,
  createEngine,
  defineEvent,
  defineWorkflow,
  gather,
  resource,
  StepFailed,
  type Engine,
  type EventFactory,
  type OpenAsk,
  type ResultOf,
  type Session,
  type ShapeOf,
  type StateOf,
  type StepContext,
  type StepStore,
  type Status,
  type StepFailure,
  type WorkflowEvent,
} from '../../src/index'

interface Payments {
  quote(address: { street: string; zip: string }): Promise<number>
  charge(total: number, key: string): Promise<string>
}

const Begin = defineEvent('begin', z.object({ country: z.string() }))
const Address = defineEvent('address', z.object({ street: z.string(), zip: z.string() }))
const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
const Yes = defineEvent('yes')
const Approve = defineEvent('approve', z.object({ total: z.number() }), { reply: Yes })
const Priced = defineEvent('priced', z.object({ total: z.number() }))
const Ordered = defineEvent('ordered', z.object({ orderId: z.string() }))
const Nudge = defineEvent('nudge', z.string())
const Trimmed = defineEvent(
  'trimmed',
  z.string().transform((text) => text.length),
)
const Filled = defineEvent('filled', z.object({ note: z.string().default('') }))

const State = z.object({
  address: Address.schema.optional(),
  note: z.string().default(''),
  items: z.array(z.object({ sku: z.string(), price: z.number() })).default([]),
})

const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  state: State,
  start: Begin,
  stop: Ordered,
  events: [Nudge],
  resources: {
    payments: resource<Payments>(),
    log: resource<{ info(text: string): void }>({ optional: true }),
    db: resource(() => ({ open: true })),
    carts: resource(({ get }) => [get(resource<string>())]),
  },
})
  .step('address', { on: Begin, asks: [AskAddress, Approve], emits: [Priced] }, async (ctx, begin) => {
    expectTypeOf(begin).toEqualTypeOf<WorkflowEvent<'begin', { country: string }>>()
    expectTypeOf(ctx.event).toEqualTypeOf<WorkflowEvent<'begin', { country: string }>>()
    expectTypeOf(ctx.attempt).toBeNumber()
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
    expectTypeOf(ctx.sessionId).toBeString()

    const address = await ctx.ask(AskAddress({ country: begin.data.country }))
    expectTypeOf(address).toEqualTypeOf<WorkflowEvent<'address', { street: string; zip: string }>>()
    const yes = await ctx.ask(Approve({ total: 1 }), { timeout: 1000 })
    expectTypeOf(yes).toEqualTypeOf<WorkflowEvent<'yes', undefined>>()
    // @ts-expect-error an event that is not in the step's asks
    await ctx.ask(Priced({ total: 1 }))
    // @ts-expect-error an event that has no reply
    await ctx.ask(Nudge('x'))

    expectTypeOf(ctx.state.get('note')).toBeString()
    expectTypeOf(ctx.state.get('address.street')).toEqualTypeOf<string | undefined>()
    expectTypeOf(ctx.state.get('items.0.price')).toEqualTypeOf<number | undefined>()
    expectTypeOf(ctx.state.get('items.0.price', 0)).toEqualTypeOf<number>()
    expectTypeOf(ctx.state.get()).toEqualTypeOf<z.infer<typeof State>>()
    expectTypeOf(ctx.state.set('note', 'x')).toEqualTypeOf<Promise<void>>()
    expectTypeOf(ctx.state.edit((draft) => void draft.items.pop())).toEqualTypeOf<Promise<void>>()
    await ctx.state.set('address', address.data)
    await ctx.state.set('note', (note) => note.trim())
    await ctx.state.append('items', { sku: 'a', price: 1 })
    await ctx.state.delete('address')
    // @ts-expect-error no such path
    ctx.state.get('address.nope')
    // @ts-expect-error no such path
    await ctx.state.set('nope', 1)
    // @ts-expect-error a number is no text
    await ctx.state.set('note', 1)
    // @ts-expect-error an item has a price
    await ctx.state.append('items', { sku: 'a' })
    // @ts-expect-error the schema requires this key
    await ctx.state.delete('note')

    expectTypeOf(ctx.resources.payments).toEqualTypeOf<Payments>()
    expectTypeOf(ctx.resources.log).toEqualTypeOf<{ info(text: string): void } | undefined>()
    expectTypeOf(ctx.resources.db).toEqualTypeOf<{ open: boolean }>()
    expectTypeOf(ctx.resources.carts).toEqualTypeOf<string[]>()
    expectTypeOf(ctx.requireResource('log')).toEqualTypeOf<{ info(text: string): void }>()
    expectTypeOf(ctx.getResource('log', 'none')).toEqualTypeOf<{ info(text: string): void } | string>()
    // @ts-expect-error a resource that is not declared
    void ctx.resources.nope
    // @ts-expect-error a resource that is not declared
    ctx.requireResource('nope')
    // @ts-expect-error not a Payments
    ctx.setResource('payments', 5)

    const total = await ctx.once('quote', (key) => {
      expectTypeOf(key).toBeString()
      return ctx.resources.payments.quote(address.data)
    })
    expectTypeOf(total).toBeNumber()
    expectTypeOf(await ctx.once('sync', () => 'x' as const)).toEqualTypeOf<'x'>()

    const nudge = await ctx.waitFor(Nudge, {
      timeout: 5,
      where: (event) => {
        expectTypeOf(event).toEqualTypeOf<WorkflowEvent<'nudge', string>>()
        return event.data === 'x'
      },
      emit: Priced({ total: 1 }),
    })
    expectTypeOf(nudge).toEqualTypeOf<WorkflowEvent<'nudge', string>>()
    expectTypeOf(ctx.sleep(5)).toEqualTypeOf<Promise<void>>()
    expectTypeOf(ctx.commit()).toEqualTypeOf<Promise<void>>()

    ctx.send(Priced({ total: 1 }))
    // @ts-expect-error an event that is not in emits
    ctx.send(Ordered({ orderId: 'x' }))
    // @ts-expect-error what is no event
    ctx.send(5)

    const batch = await ctx.collect(begin, [Begin, Nudge, Begin])
    expectTypeOf(batch).toEqualTypeOf<
      | readonly [
          WorkflowEvent<'begin', { country: string }>,
          WorkflowEvent<'nudge', string>,
          WorkflowEvent<'begin', { country: string }>,
        ]
      | undefined
    >()
    return Priced({ total })
  })
  .step('pay', { on: [Priced, Nudge], emits: [Ordered] }, (_, event) => {
    expectTypeOf(event).toEqualTypeOf<
      WorkflowEvent<'priced', { total: number }> | WorkflowEvent<'nudge', string>
    >()
    if (event.type === 'nudge') {
      expectTypeOf(event.data).toBeString()
      return undefined
    }
    expectTypeOf(event.data).toEqualTypeOf<{ total: number }>()
    return Ordered({ orderId: String(event.data.total) })
  })

describe('a workflow', () => {
  it('has its state and result', () => {
    expectTypeOf<StateOf<typeof checkout>>().toEqualTypeOf<z.infer<typeof State>>()
    expectTypeOf<ResultOf<typeof checkout>>().toEqualTypeOf<{ orderId: string }>()
  })

  it('a handler may return an emitted event, a list of them, or nothing', () => {
    const base = defineWorkflow({ name: 'x', version: 1, start: Begin, stop: Ordered })
    base.step('one', { on: Begin, emits: [Ordered] }, () => Ordered({ orderId: '' }))
    base.step('list', { on: Begin, emits: [Priced, Ordered] }, () => [
      Priced({ total: 1 }),
      Ordered({ orderId: '' }),
    ])
    base.step('async', { on: Begin, emits: [Ordered] }, async () => [Ordered({ orderId: '' })])
    base.step('nothing', { on: Begin }, () => {})
    base.step('async nothing', { on: Begin }, async () => {})
    base.step('sometimes', { on: Begin, emits: [Ordered] }, (_, { data }) =>
      data.country === 'NL' ? Ordered({ orderId: '' }) : undefined,
    )
    // @ts-expect-error an event that is not in emits
    base.step('other', { on: Begin, emits: [] }, () => Ordered({ orderId: '' }))
    // @ts-expect-error an event that is not in emits, in a list
    base.step('other', { on: Begin, emits: [Priced] }, () => [Priced({ total: 1 }), Ordered({ orderId: '' })])
    // @ts-expect-error what is no event
    base.step('other', { on: Begin, emits: [Ordered] }, () => 5)
    // @ts-expect-error `on` is missing
    base.step('other', { emits: [Ordered] }, () => {})
    // @ts-expect-error an ask needs an event with a reply
    base.step('other', { on: Begin, asks: [Priced] }, () => {})
  })

  it('a taken step name / an error', () => {
    // @ts-expect-error there is a step "pay" already
    checkout.step('pay', { on: Priced, emits: [Ordered] }, () => {})
  })

  it('allOf gives a tuple, gather a list, StepFailed its data', () => {
    const base = defineWorkflow({ name: 'x', version: 1, start: Begin, stop: Ordered })
    base.step('both', { on: allOf(Priced, Nudge) }, (ctx, both) => {
      expectTypeOf(both).toEqualTypeOf<
        readonly [WorkflowEvent<'priced', { total: number }>, WorkflowEvent<'nudge', string>]
      >()
      expectTypeOf(ctx.event).toEqualTypeOf(both)
    })
    base.step('all', { on: gather(Priced) }, (_, all) => {
      expectTypeOf(all).toEqualTypeOf<WorkflowEvent<'priced', { total: number }>[]>()
    })
    base.step('rescue', { on: StepFailed }, (_, failed) => {
      expectTypeOf(failed.data).toEqualTypeOf<StepFailure>()
    })
  })

  it('a state schema that transforms / an error; defaults and coercion are accepted', () => {
    defineWorkflow({
      name: 'x',
      version: 1,
      start: Begin,
      stop: Ordered,
      state: z.object({ n: z.coerce.number() }),
    })
    defineWorkflow({
      name: 'x',
      version: 1,
      start: Begin,
      stop: Ordered,
      // @ts-expect-error what is stored must be valid input again
      state: z.object({ n: z.string().transform((text) => text.length) }),
    })
  })

  it('start and stop must be events', () => {
    // @ts-expect-error a text is no event
    defineWorkflow({ name: 'x', version: 1, start: 'begin', stop: Ordered })
    // @ts-expect-error a number is no version of this kind
    defineWorkflow({ name: 'x', version: '1', start: Begin, stop: Ordered })
    // @ts-expect-error a schema has a `type`, but is no event
    defineWorkflow({ name: 'x', version: 1, start: z.string(), stop: Ordered })
  })

  it('an event already made is no event type', () => {
    const base = defineWorkflow({ name: 'x', version: 1, start: Begin, stop: Ordered })
    const made = Ordered({ orderId: '1' })
    // @ts-expect-error the factory is meant
    base.step('a', { on: made }, () => {})
    // @ts-expect-error the factory is meant
    base.step('b', { on: Begin, emits: [made] }, () => {})
    base.step('c', { on: Begin }, async (ctx) => {
      // @ts-expect-error the factory is meant
      await ctx.waitFor(made)
    })
  })

  it('without a state schema / untyped: any path, unknown values', () => {
    defineWorkflow({ name: 'x', version: 1, start: Begin, stop: Ordered }).step('a', { on: Begin }, (ctx) => {
      expectTypeOf(ctx.state.get('any.path')).toBeUnknown()
      void ctx.state.set('any.path', { at: 'all' })
    })
  })

  it('a handler by itself, or a helper, names what it works with by the workflow', () => {
    const base = defineWorkflow({ name: 'x', version: 1, start: Begin, stop: Ordered, state: State })
    type Context = StepContext<
      ShapeOf<typeof base>,
      ReturnType<typeof Ordered>,
      never,
      ReturnType<typeof Begin>
    >
    const order = async (ctx: Context) => {
      await ctx.state.set('note', ctx.event.data.country)
      // @ts-expect-error no such path
      ctx.state.get('nope')
      return Ordered({ orderId: '' })
    }
    base.step('one', { on: Begin, emits: [Ordered] }, order)
    const note = (state: StepStore<StateOf<typeof base>>): Promise<void> => state.set('note', '')
    base.step('two', { on: Begin, emits: [Ordered] }, async (ctx) => {
      await note(ctx.state)
      return order(ctx)
    })
    // @ts-expect-error it is given another event
    base.step('three', { on: Nudge, emits: [Ordered] }, order)
  })

  it('retry as an object or a function', () => {
    const base = defineWorkflow({ name: 'x', version: 1, start: Begin, stop: Ordered })
    base.step(
      'a',
      { on: Begin, retry: { attempts: 3, delay: 5, factor: 2, maxDelay: 9, jitter: true } },
      () => {},
    )
    base.step(
      'b',
      { on: Begin, retry: ({ attempt, elapsed, error }) => (error ? attempt + elapsed : undefined) },
      () => {},
    )
    // @ts-expect-error attempts is what a policy needs
    base.step('c', { on: Begin, retry: { delay: 5 } }, () => {})
  })
})

describe('an event', () => {
  it('takes the input of its schema, holds the output', () => {
    expectTypeOf(Trimmed).parameter(0).toEqualTypeOf<string>()
    expectTypeOf(Trimmed('x').data).toBeNumber()
    expectTypeOf(Filled({}).data).toEqualTypeOf<{ note: string }>()
    expectTypeOf(Yes().data).toEqualTypeOf<undefined>()
    // @ts-expect-error it has no schema, so it takes no data
    Yes(5)
    // @ts-expect-error data is needed
    Priced()
    // @ts-expect-error a text is no number
    Priced({ total: '1' })
    // @ts-expect-error what an event holds is read-only
    Priced({ total: 1 }).data = { total: 2 }
  })

  it('an ask without data / has a reply all the same', () => {
    const AskName = defineEvent('askName', undefined, { reply: Address })
    expectTypeOf(AskName().data).toEqualTypeOf<undefined>()
    expectTypeOf(AskName.reply).toEqualTypeOf(Address)
    defineWorkflow({ name: 'w', version: 1, start: Begin, stop: Address }).step(
      's',
      { on: Begin, asks: [AskName], emits: [Address] },
      async (ctx) => Address((await ctx.ask(AskName())).data),
    )
    // @ts-expect-error it has no schema, so it takes no data
    AskName(5)
    // @ts-expect-error a reply is a type of event
    defineEvent('askName', undefined, { reply: 'address' })
  })

  it('what the child of ctx.subflow asks / is known when the step has it among its asks', () => {
    const child = defineWorkflow({ name: 'child', version: 1, start: Begin, stop: Address }).step(
      'ask',
      { on: Begin, asks: [AskAddress], emits: [Address] },
      async (ctx, { data }) => Address((await ctx.ask(AskAddress(data))).data),
    )
    const parent = defineWorkflow({ name: 'parent', version: 1, start: Begin, stop: Address }).step(
      'call',
      { on: Begin, asks: [AskAddress], emits: [Address] },
      async (ctx) => Address(await ctx.subflow(child)),
    )
    expectTypeOf<Session<typeof parent>['asks'][number]['type']>().toEqualTypeOf<'askAddress'>()
  })

  it('a function of any event type / names only what it needs', () => {
    const all = <Type extends string, Out>(make: EventFactory<Type, Out>): Type => make.type
    expectTypeOf(all(Priced)).toEqualTypeOf<'priced'>()
    expectTypeOf(all(Yes)).toEqualTypeOf<'yes'>()
    const said: EventFactory<'priced', { total: number }> = Priced
    expectTypeOf(said({ total: 1 }).data.total).toBeNumber()
    // @ts-expect-error another event
    void (Nudge satisfies EventFactory<'priced', { total: number }>)
  })

  it('.is narrows', () => {
    const event = Priced({ total: 1 }) as WorkflowEvent
    if (Priced.is(event)) expectTypeOf(event).toExtend<WorkflowEvent<'priced', { total: number }>>()
    const { data } = StepFailed({ step: 'pay', event, error: { name: 'Error', message: 'no' }, attempts: 1 })
    if (Priced.is(data.event)) expectTypeOf(data.event.data.total).toBeNumber()
    expectTypeOf(Priced.type).toEqualTypeOf<'priced'>()
    expectTypeOf(AskAddress.reply).toEqualTypeOf(Address)
    expectTypeOf(AskAddress.schema).toEqualTypeOf<z.ZodObject<{ country: z.ZodString }>>()
  })
})

describe('a session', () => {
  const session = {} as Session<typeof checkout>
  const engine = {} as Engine

  it('open() / takes resources and initial state by their types, all optional', () => {
    expectTypeOf(engine.open(checkout)).toEqualTypeOf<Promise<Session<typeof checkout>>>()
    void engine.open(checkout, {
      id: 'cart',
      resources: { payments: {} as Payments },
      initialState: { note: 'x' },
    })
    void createEngine({ clock: {} as never }).open(checkout, { autoResume: false })
    // @ts-expect-error not a Payments
    void engine.open(checkout, { resources: { payments: 5 } })
    // @ts-expect-error a resource that is not declared
    void engine.open(checkout, { resources: { nope: 5 } })
    // @ts-expect-error a number is no text
    void engine.open(checkout, { initialState: { note: 5 } })
  })

  it('run() takes the input of the start event and gives the data of the stop event', () => {
    expectTypeOf(session.run({ country: 'NL' })).toEqualTypeOf<Promise<{ orderId: string }>>()
    expectTypeOf(session.result).toEqualTypeOf<{ orderId: string } | undefined>()
    expectTypeOf(session.retry()).toEqualTypeOf<Promise<{ orderId: string }>>()
    // @ts-expect-error the start event needs data
    void session.run()
    // @ts-expect-error the start event needs a country
    void session.run({})
    const plain = defineWorkflow({ name: 'x', version: 1, start: Yes, stop: Yes })
    void ({} as Session<typeof plain>).run()
    const trimmed = defineWorkflow({ name: 'x', version: 1, start: Trimmed, stop: Trimmed })
    void ({} as Session<typeof trimmed>).run('text')
    expectTypeOf<ResultOf<typeof trimmed>>().toBeNumber()
  })

  it("asks / a union discriminated by type; reply() takes the reply's data", () => {
    expectTypeOf(session.asks).toEqualTypeOf<
      readonly (
        | OpenAsk<'askAddress', { country: string }, { street: string; zip: string }>
        | OpenAsk<'approve', { total: number }, undefined>
      )[]
    >()
    const [ask] = session.asks
    if (ask?.type === 'askAddress') {
      expectTypeOf(ask.data).toEqualTypeOf<{ country: string }>()
      expectTypeOf(ask.reply({ street: '', zip: '' })).toEqualTypeOf<Promise<boolean>>()
      // @ts-expect-error an address has a zip
      void ask.reply({ street: '' })
    }
    if (ask?.type === 'approve') {
      expectTypeOf(ask.data.total).toBeNumber()
      // Its reply has no data.
      expectTypeOf(ask.reply()).toEqualTypeOf<Promise<boolean>>()
      // @ts-expect-error so it takes none
      void ask.reply(true)
    }
    // @ts-expect-error there is no such ask
    if (ask?.type === 'nope') void 0
  })

  it('send() / only events that the workflow knows, only its steps', () => {
    expectTypeOf(session.send(Nudge('x'))).toEqualTypeOf<Promise<boolean>>()
    void session.send(Address({ street: '', zip: '' }))
    void session.send(Priced({ total: 1 }), { step: 'pay' })
    void session.send(Yes(), { ask: 'id' })
    // @ts-expect-error an event that the workflow does not know
    void session.send(Filled({}))
    // @ts-expect-error a step that the workflow does not have
    void session.send(Nudge('x'), { step: 'nope' })
    // @ts-expect-error what is no event
    void session.send('nudge')
  })

  it('state / typed by path; writes return nothing', () => {
    expectTypeOf(session.state.get('note')).toBeString()
    expectTypeOf(session.state.set('note', 'x')).toBeVoid()
    expectTypeOf(session.state.edit((draft) => void (draft.note = 'x'))).toBeVoid()
    expectTypeOf(session.state.edit(async (draft) => void (draft.note = 'x'))).toEqualTypeOf<Promise<void>>()
    // @ts-expect-error no such path
    session.state.get('nope')
  })

  it('the other members', () => {
    expectTypeOf(session.status).toEqualTypeOf<Status>()
    expectTypeOf(session.resources.payments).toEqualTypeOf<Payments>()
    expectTypeOf(session.error).toEqualTypeOf<Error | undefined>()
    session.setResources({ payments: {} as Payments })
    // @ts-expect-error a resource that is not declared
    session.setResources({ nope: 1 })
    // @ts-expect-error a resource that is not declared
    session.deleteResource('nope')
    // @ts-expect-error what a session shows is read-only
    session.status = 'idle'
  })

  it('of one workflow / is not a session of another', () => {
    const other = defineWorkflow({ name: 'other', version: 1, start: Yes, stop: Ordered })
    const wants = (it: Session<typeof other>): string => it.id
    // @ts-expect-error another state, other events
    void wants(session)
  })

  it('of any workflow / can be passed to code that takes one', () => {
    const watch = (it: Pick<Session<typeof checkout>, 'status' | 'persistence' | 'subscribe'>): Status =>
      it.status
    expectTypeOf(watch(session)).toEqualTypeOf<Status>()
  })
})
