import { defineEvent, resource, workflowFromGraph, type RegisteredNode } from 'dogear'
import { z } from 'zod'
import desk from './desk.json'
import { refund, type Service } from './refund'

const State = z.object({
  /** What is being typed. */
  draft: z.string(),
  kind: z.string(),
  /** What a refund is, in euros. */
  amount: z.number().default(25),
  solved: z.boolean(),
  log: z.array(z.object({ from: z.enum(['you', 'desk']), text: z.string() })),
})
type DeskState = z.output<typeof State>

type Node = RegisteredNode<DeskState, { service: Service }>

export const Said = defineEvent('said', z.string().min(1))
export const AskHelp = defineEvent('askHelp', z.string(), { reply: Said })
const Decided = defineEvent('decided', z.boolean())
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

/** Says what came of the refund: the node before it is a workflow, and gives its result. */
const Tell: Node = {
  prepare: (_, ctx) => ctx.event.data,
  cleanup: (state, text) => state.append('log', { from: 'desk', text: text as string }),
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
  nodes: {
    ...{ Listen, Classify, Tell, Answer, Review, Close },
    Refund: {
      workflow: refund,
      capture: { input: { amount: 'state.amount' }, resources: 'resources' },
      writeBack: { value: 'result.text' },
    },
  },
  conditions: {
    isRefund: (state) => state.get('kind') === 'refund',
    isOpen: (state) => !state.get('solved'),
  },
  state: State,
  resources: { service: resource<Service>() },
})
