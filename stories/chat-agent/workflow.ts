import { defineEvent, defineWorkflow, resource } from 'dogear'
import { z } from 'zod'

/** What a model has written of a reply, as far as it was asked for. */
export interface Part {
  readonly text: string
  /** How many words of the reply there are with this part. */
  readonly next: number
  /** Nothing comes after it, but the call of a tool perhaps. */
  readonly end: boolean
  readonly call?: { readonly amount: number }
}

/** The model and its tool: a resource, so that neither is ever stored. */
export interface Assistant {
  /** What comes after the first `from` words of the reply to `prompt`. `heard` gets each word with its number, at once. */
  read(
    prompt: string,
    from: number,
    heard: (word: string, number: number) => void,
    signal: AbortSignal,
  ): Promise<Part>
  /** Pays once for every key. */
  refund(amount: number, key: string): Promise<unknown>
}

const Message = z.object({
  id: z.string(),
  from: z.enum(['you', 'assistant', 'tool']),
  text: z.string(),
  /** How many words of a reply are in the text. */
  words: z.number().default(0),
  /** False for a reply that is being written, or was stopped. */
  done: z.boolean(),
})

const Sent = defineEvent('sent', z.object({ id: z.string(), text: z.string().min(1) }))
const Heard = defineEvent('heard', z.object({ prompt: z.string() }))
const Wanted = defineEvent('wanted', z.object({ amount: z.number() }))
const Decision = defineEvent('decision', z.boolean())
export const AskRefund = defineEvent('askRefund', z.object({ amount: z.number() }), { reply: Decision })
const Answered = defineEvent('answered')
/** A word of the reply that is being written, before it is stored. */
export const Word = defineEvent('word', z.object({ word: z.string(), number: z.number() }))

/**
 * A turn of a conversation is a run: it ends with the answer, or with somebody who stops it, and neither is done again
 * after a reload. A reply is read in parts. Each is recorded with the number of its last word, so that a page that was cut
 * off asks for what comes after it.
 */
export const chat = defineWorkflow({
  name: 'chat',
  version: 1,
  state: z.object({ draft: z.string().default(''), messages: z.array(Message).default([]) }),
  start: Sent,
  stop: Answered,
  resources: { assistant: resource<Assistant>() },
})
  .step('hear', { on: Sent, emits: [Heard] }, async (ctx, { data: { id, text } }) => {
    await ctx.state.append('messages', { id, from: 'you', text, words: 0, done: true })
    await ctx.state.set('draft', '')
    return Heard({ prompt: text })
  })
  .step(
    'answer',
    { on: Heard, emits: [Wanted, Answered], retry: { attempts: 3, delay: 500 } },
    async (ctx, { data: { prompt } }) => {
      const at = ctx.state.get('messages').length
      const id = `${ctx.runId}-${at}`
      await ctx.state.append('messages', { id, from: 'assistant', text: '', words: 0, done: false })
      const heard = (word: string, number: number) => ctx.stream(Word({ word, number }))
      let part: Part | undefined
      for (let from = 0; !part?.end; from = part.next) {
        part = await ctx.once(`part ${from}`, () =>
          ctx.resources.assistant.read(prompt, from, heard, ctx.signal),
        )
        await ctx.state.append(['messages', at, 'text'], part.text)
        await ctx.state.set(['messages', at, 'words'], part.next)
        // Whoever stops it here keeps these words.
        await ctx.commit()
      }
      await ctx.state.set(['messages', at, 'done'], true)
      return part.call ? Wanted(part.call) : Answered()
    },
  )
  .step(
    'use tool',
    { on: Wanted, asks: [AskRefund], emits: [Heard], retry: { attempts: 5, delay: 500 } },
    async (ctx, { data: { amount } }) => {
      const { data: allowed } = await ctx.ask(AskRefund({ amount }))
      if (!allowed) return Heard({ prompt: 'The refund was not allowed.' })
      await ctx.once('refund', (key) => ctx.resources.assistant.refund(amount, key))
      const id = `${ctx.runId}-refund`
      await ctx.state.append('messages', {
        id,
        from: 'tool',
        text: `Refunded € ${amount}`,
        words: 0,
        done: true,
      })
      return Heard({ prompt: 'The refund was paid.' })
    },
  )
