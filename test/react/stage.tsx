import { act, configure, render } from '@testing-library/react'
import { Component, type ReactNode } from 'react'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  resource,
  type Engine,
  type EngineOptions,
} from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { virtualClock, type VirtualClock } from 'dogear/testing'

// One second is short where others use the processor as well.
configure({ asyncUtilTimeout: 20_000 })

/** What a shop's checkout needs in these tests: one question, one streamed word, one failure on demand. */
export interface Shop {
  price(street: string): Promise<number>
}

export const Begin = defineEvent('begin', z.object({ country: z.string() }))
export const Address = defineEvent('address', z.object({ street: z.string() }))
export const AskAddress = defineEvent('askAddress', z.object({ country: z.string() }), { reply: Address })
export const Word = defineEvent('word', z.object({ text: z.string() }))
export const Nudge = defineEvent('nudge', z.object({ by: z.number() }))
export const Done = defineEvent('done', z.object({ total: z.number() }))

/** The ids of sessions whose first step has begun, once for each time. */
export const begun: string[] = []

export const checkout = defineWorkflow({
  name: 'checkout',
  version: 1,
  state: z.object({
    note: z.string().default(''),
    count: z.number().default(0),
    user: z.object({ name: z.string(), age: z.number() }).default({ name: 'Ada', age: 36 }),
    items: z.array(z.object({ price: z.number() })).default([]),
  }),
  start: Begin,
  stop: Done,
  events: [Nudge],
  resources: { shop: resource<Shop>(), log: resource<(text: string) => void>({ optional: true }) },
})
  .step('address', { on: Begin, asks: [AskAddress], emits: [Done] }, async (ctx, { data }) => {
    begun.push(ctx.sessionId)
    ctx.stream(Word({ text: `hello ${data.country}` }))
    const address = await ctx.ask(AskAddress({ country: data.country }))
    await ctx.state.set('note', address.data.street)
    return Done({ total: await ctx.resources.shop.price(address.data.street) })
  })
  .step('nudge', { on: Nudge }, async (ctx, { data }) => {
    await ctx.state.set('count', (before) => before + data.by)
  })

/** Another workflow, to stand inside the first one or around it. */
export const signUp = defineWorkflow({
  name: 'signUp',
  version: 1,
  state: z.object({ email: z.string().default('nobody') }),
  start: Begin,
  stop: Done,
}).step('end', { on: Begin, emits: [Done] }, () => Done({ total: 0 }))

export const hooks = createWorkflowHooks(checkout)
export const signUpHooks = createWorkflowHooks(signUp)

export const shop: Shop = { price: (street) => Promise.resolve(street.length) }

export interface Stage {
  readonly clock: VirtualClock
  readonly engine: Engine
  /** Lets everything that is ready happen, and time pass. */
  readonly settle: (ms?: number) => Promise<void>
}

export function stage(options: EngineOptions = {}): Stage {
  const clock = virtualClock()
  const engine = createEngine({ storage: memoryStorage(), clock, ...options })
  return { clock, engine, settle: (ms = 0) => act(() => clock.advance(ms)) }
}

/** What the page shows. */
export function text(): string {
  return (document.body.textContent ?? '').trim()
}

interface BoundaryProps {
  readonly children?: ReactNode
}

/** Shows what was thrown below it. */
export class Boundary extends Component<BoundaryProps, { error?: Error }> {
  override state: { error?: Error } = {}
  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error }
  }
  override render(): ReactNode {
    const { error } = this.state
    return error ? `${error.name}: ${error.message}` : this.props.children
  }
}

/** React reports what a boundary has caught on the console; here that is expected. */
export async function quietly(work: () => Promise<void> | void): Promise<void> {
  const { error } = console
  const swallow = (event: Event): void => event.preventDefault()
  console.error = () => {}
  window.addEventListener('error', swallow)
  try {
    await work()
  } finally {
    console.error = error
    window.removeEventListener('error', swallow)
  }
}

/** What an error boundary around that page catches. */
export async function caught(page: ReactNode): Promise<string> {
  await quietly(() => void render(<Boundary>{page}</Boundary>))
  return text()
}

/** What a component throws that calls a hook like that. */
export function thrownBy(use: () => unknown): Promise<string> {
  function Caller(): null {
    use()
    return null
  }
  return caught(<Caller />)
}
