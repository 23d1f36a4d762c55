import { defineEvent, resource, workflowFromGraph, type RegisteredNode } from 'dogear'
import { z } from 'zod'
import desk from './desk.json'

const State = z.object({
  /** What is being typed. */
  draft: z.string(),
  kind: z.string(),
  solved: z.boolean(),
  log: z.array(z.object({ from: z.enum(['you', 'desk']), text: z.string() })),
})
type DeskState = z.output<typeof State>

/** What the desk works with: a service that takes its time. */
export interface Service {
  think(signal: AbortSignal): Promise<void>
}
type Node = RegisteredNode<DeskState, { service: Service }>

export const Said = defineEvent('said', z.string().min(1))
export const AskHelp = defineEvent('askHelp', z.string(), { reply: Said })
export const Decided = defineEvent('decided', z.boolean())
export const AskRefund = defineEvent('askRefund', z.object({ amount: z.number() }), { reply: Decided })
export const AskSolved = defineEvent('askSolved', z.string(), { reply: Decided })

const Listen: Node = {
  asks: [AskHelp],
  prepare: async (state, ctx) => {
    const again = state.get('log').length > 0
    const said = await ctx.ask(AskHelp(again ? 'Tell us more.' : 'How can we help?'))
    await state.append('log', { from: 'you', text: said.data as string })
    await state.set('draft', '')
  },
}

const Classify: Node = {
  prepare: (state) => state.get('log').findLast((it) => it.from === 'you')?.text ?? '',
  execute: async (text: string, { config, resources, signal }) => {
    await resources.service.think(signal)
    const { refund } = config as { refund: string[] }
    return refund.some((word) => text.toLowerCase().includes(word)) ? 'refund' : 'question'
  },
  cleanup: (state, _, kind) => state.set('kind', kind as string),
}

/** A person decides; the money goes out once, whatever happens to the page. */
const Refund: Node = {
  asks: [AskRefund],
  prepare: async (_, ctx) => (await ctx.ask(AskRefund({ amount: 25 }))).data,
  execute: async (granted: boolean, { config, resources, signal }) => {
    await resources.service.think(signal)
    return granted ? `€ ${(config as { amount: number }).amount} are on their way.` : 'No refund this time.'
  },
  cleanup: (state, _, text) => state.append('log', { from: 'desk', text: text as string }),
}

const Answer: Node = {
  execute: (_, { resources, signal }) => resources.service.think(signal),
  cleanup: (state) => state.append('log', { from: 'desk', text: 'Have you tried turning it off and on?' }),
}

const Review: Node = {
  asks: [AskSolved],
  prepare: async (state, ctx) =>
    state.set('solved', (await ctx.ask(AskSolved('Did this help?'))).data as boolean),
}

const Close: Node = {
  cleanup: (state) => state.append('log', { from: 'desk', text: 'Thank you. This case is closed.' }),
}

/** The desk is its document: this is only the code that the document names. */
export const supportDesk = workflowFromGraph(desk, {
  nodes: { Listen, Classify, Refund, Answer, Review, Close },
  conditions: {
    isRefund: (state) => state.get('kind') === 'refund',
    isOpen: (state) => !state.get('solved'),
  },
  state: State,
  resources: { service: resource<Service>() },
})
