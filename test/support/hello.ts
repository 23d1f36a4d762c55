import { z } from 'zod'
import { defineEvent, defineWorkflow } from 'dogear'

const Go = defineEvent('go')
const Done = defineEvent('done', z.string())
const Name = defineEvent('name', z.string())
const AskName = defineEvent('askName', z.undefined(), { reply: Name })

/** Asks for a name; its state has a note that anybody may write meanwhile. */
export const hello = defineWorkflow({
  name: 'hello',
  version: 1,
  state: z.object({ note: z.string().default('') }),
  start: Go,
  stop: Done,
}).step('greet', { on: Go, asks: [AskName], emits: [Done] }, async (ctx) => {
  const name = await ctx.ask(AskName(undefined))
  return Done(`hello ${name.data}`)
})
