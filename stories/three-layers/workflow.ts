import { defineEvent, defineWorkflow, resource } from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { z } from 'zod'

/** A machine in the room. Like every client it cannot be stored, only its name `printer` can. */
export class Printer {
  readonly model: string
  constructor(model: string) {
    this.model = model
  }
  print(text: string): string {
    return `${text.length} letters, on the ${this.model}`
  }
}

const Begin = defineEvent('begin')
const Agreed = defineEvent('agreed')
const AskToPost = defineEvent('askToPost', z.object({}), { reply: Agreed })
const Posted = defineEvent('posted', z.object({ print: z.string() }))

/** One letter: its text is its own, the sender and the count are those of all letters, the printer is given. */
export const letter = defineWorkflow({
  name: 'three-layers',
  version: 1,
  state: z.object({ text: z.string().default('') }),
  flowState: z.object({ sender: z.string().default(''), posted: z.number().default(0) }),
  start: Begin,
  stop: Posted,
  resources: { printer: resource<Printer>() },
}).step('post', { on: Begin, asks: [AskToPost], emits: [Posted] }, async (ctx) => {
  await ctx.ask(AskToPost({}))
  const print = await ctx.once('print', () => ctx.resources.printer.print(ctx.state.get('text')))
  await ctx.flowState.set('posted', (posted) => posted + 1)
  return Posted({ print })
})

export const { WorkflowProvider, useWorkflow, useWorkflowState, useFlowState, useResource } =
  createWorkflowHooks(letter)
