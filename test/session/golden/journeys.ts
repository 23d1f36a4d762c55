import { z } from 'zod'
import {
  allOf,
  defineEvent,
  defineWorkflow,
  gather,
  StepFailed,
  type AnyWorkflow,
  type Session,
} from '../../../src/index'
import { Done, flow, Go, Item, Nudge, Question, Worked, type Profile } from '../../support/flows'

const Left = defineEvent('left', z.string())
const Right = defineEvent('right', z.string())
const Part = defineEvent('part', z.string())
const state = z.object({
  typed: z.string().default(''),
  log: z.array(z.string()).default([]),
  text: z.string().default(''),
  parts: z.record(z.string(), z.unknown()).default({}),
})

/** Everything that one step can do: asks, waits, effects, retries, parallel branches. */
const steady = defineWorkflow({ ...flow, state, events: [Nudge] })
  .step(
    'first',
    { on: Go, asks: [Question], emits: [Part], retry: { attempts: 3, delay: 100 } },
    async (ctx) => {
      await ctx.state.append('log', 'first')
      const { data } = await ctx.ask(Question('who'))
      const quote = await ctx.once('quote', () => `quote for ${String(data)}`)
      await ctx.state.set('parts.quote', quote)
      ctx.send(Part('early'))
      await ctx.commit()
      await ctx.state.append('text', 'rolled back, and written again')
      if (ctx.attempt < 3) throw new Error('not yet')
      await ctx.state.edit((draft) => void draft.log.push('edited'))
      return Part(quote)
    },
  )
  .step('parts', { on: Part, asks: [Question], emits: [Done, Part], workers: 1 }, async (ctx, part) => {
    const both = await ctx.collect(part, [Part, Part])
    if (both === undefined) return
    const branch = async (name: string): Promise<string> => {
      const { data } = await ctx.ask(Question(name))
      await ctx.state.set(`parts.${name}`, { asked: true })
      const done = await ctx.once(name, () => `${name} ${String(data)}`)
      await ctx.state.set(`parts.${name}`, { done })
      return done
    }
    const all = await Promise.all([branch('a'), branch('b'), ctx.sleep(50).then(() => 'slept')])
    const { data } = await ctx.waitFor(Nudge, { where: (it) => it.data === 'go on', emit: Part('third') })
    const late = await ctx.ask(Question('never answered'), { timeout: 200 }).then(
      () => 'answered',
      () => 'too late',
    )
    return Done([...both.map((it) => it.data), ...all, data, late])
  })

/** Many steps: fan-outs in each other, both joins, a failure that is recovered. */
const wide = defineWorkflow({ ...flow, state })
  .step('fan', { on: Go, emits: [Item] }, () => [3, 1, 2].map((n) => Item(n)))
  .step('left', { on: Go, emits: [Left] }, async (ctx) => Left(await ctx.once('left', () => 'l')))
  .step('right', { on: Go, emits: [Right], asks: [Question] }, async (ctx) =>
    Right(String((await ctx.ask(Question('right'))).data)),
  )
  .step(
    'work',
    {
      on: Item,
      emits: [Worked],
      asks: [Question],
      workers: 2,
      retry: { attempts: 2, delay: 20 },
      catchError: 'rescue',
    },
    async (ctx, { data }) => {
      await ctx.state.set(`parts.n${data}`, 'begun')
      if (data === 1) await ctx.ask(Question(data))
      if (data === 2) throw new Error('two is out')
      await ctx.sleep(data * 10)
      await ctx.state.set(`parts.n${data}`, 'done')
      return Worked(data)
    },
  )
  .step('rescue', { on: StepFailed, emits: [Worked] }, async (ctx) => {
    await ctx.state.append('log', 'rescued')
    return Worked(-2)
  })
  .step('gathered', { on: gather(Worked), emits: [Part] }, (_, members) =>
    Part(members.map((it) => it.data).join(' ')),
  )
  .step('pair', { on: allOf(Left, Right), emits: [Part] }, (_, [left, right]) => Part(left.data + right.data))
  .step('end', { on: Part, emits: [Done], workers: 1 }, async (ctx, part) => {
    const all = await ctx.collect(part, [Part, Part])
    return all && Done(all.map((it) => it.data).sort())
  })

/** Three pages: the user goes back and forward, and rewinds. */
const wizard = defineWorkflow({ ...flow, state })
  .step('first', { on: Go, asks: [Question], emits: [Item] }, async (ctx) => {
    await ctx.state.set('parts.first', (await ctx.ask(Question('first'))).data)
    return Item(2)
  })
  .step('second', { on: Item, asks: [Question], emits: [Part] }, async (ctx) => {
    const { data } = await ctx.ask(Question('second'))
    await ctx.state.append('log', await ctx.once('second', () => `seen ${String(data)}`))
    return Part('second')
  })
  .step('third', { on: Part, asks: [Question], emits: [Done] }, async (ctx) => {
    const { data } = await ctx.ask(Question('third'))
    return Done([data, ctx.state.get('parts'), ctx.state.get('log')])
  })

export const journeys: Readonly<Record<string, AnyWorkflow>> = { steady, wide, wizard }

/** Once at the last page: back twice, forward, and back to what the first rewind has left. Once a journal. */
async function wander(page: Profile, session: Session<typeof wizard>): Promise<void> {
  if (session.asks[0]?.data !== 'third' || session.history().some((it) => it.type === 'rewound')) return
  session.back()
  await page.settle()
  session.back()
  await page.settle()
  session.forward()
  await page.settle()
  const seq = session.history().find((it) => it.type === 'rewound')?.seq
  if (seq !== undefined) session.rewind(seq)
  session.resume()
  await page.settle()
}

/** Somebody types, and answers everything until the run is over. */
export async function drive(page: Profile, session: Session<AnyWorkflow>): Promise<void> {
  const { state: store } = session as unknown as Session<typeof steady>
  if (session.status === 'idle') session.run().catch(() => {})
  store.set('typed', 'by hand')
  for (let round = 0; round < 40 && session.status !== 'completed'; round++) {
    if (session.workflow === wizard) {
      await wander(page, session as never)
      session.resume()
    }
    for (const ask of session.asks) {
      const question = (ask as { readonly data: unknown }).data
      if (question !== 'never answered')
        await session.reply((ask as { readonly id: string }).id, `re ${String(question)}`)
    }
    if (session.workflow === steady) await (session as never as Session<typeof steady>).send(Nudge('go on'))
    await page.clock.advance(60)
  }
}
