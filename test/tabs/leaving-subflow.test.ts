import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow } from 'dogear'
import { Answer, Done, flow, Go, Question } from '../support/flows'
import { browser } from '../support/leaving'

const Note = defineEvent('note', z.string())

/** Asks twice, and keeps what it is told meanwhile; a step of it writes without an end. */
const inner = defineWorkflow({
  ...{ ...flow, name: 'inner', events: [Note] },
  state: z.object({
    notes: z.array(z.string()).default([]),
    first: z.unknown().optional(),
    pin: z.string().default(''),
  }),
  private: ['pin'],
})
  .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
    // Written again by each re-run: it must never be stored.
    await ctx.state.set('pin', '1234')
    const first = await ctx.ask(Question('first'))
    await ctx.state.set('first', first.data)
    const second = await ctx.ask(Question('second'))
    return Done([ctx.state.get('first'), second.data, ctx.state.get('notes'), ctx.state.get('pin')])
  })
  .step('note', { on: Note }, (ctx, { data }) => ctx.state.append('notes', data))

const outer = defineWorkflow(flow).subflow('inner', { on: Go, workflow: inner, emits: [Done] })

test('replied, sent and written in the last moment, in a child and beside it / all of it is there; the private field is not in the exit journal', async () => {
  const { tab, clock, box } = browser()
  const first = tab()
  const session = await first.engine.open(outer)
  session.run().catch(() => {})
  await clock.advance(1000)
  await session.flush()
  session.state.set('text', 'ten milliseconds old')
  const [ask] = session.asks
  const taken = [ask?.reply('one') as Promise<boolean>, session.send(Note('by the way'))]
  session.state.append('text', ', and five')
  first.leave()
  expect(await Promise.all(taken)).toEqual([true, true])
  const left = [...box.values()].join()
  for (const text of ['one', 'by the way', 'and five']) expect(left).toContain(text)
  expect(left).not.toContain('1234')

  const again = await tab().engine.open(outer)
  expect(again.state.get('text')).toBe('ten milliseconds old, and five')
  const result = again.run()
  await clock.advance(1000)
  expect(again.asks.map((it) => it.data)).toEqual(['second'])
  expect(box.size).toBe(0)
  await again.send(Answer('two'), { ask: again.asks[0]?.id ?? '' })
  await clock.advance(1000)
  expect(await result).toEqual(['one', 'two', ['by the way'], '1234'])
})

test('left again and again in the middle of a child with nothing stored / it goes on from the last change', async () => {
  const { tab, clock } = browser()
  const first = tab()
  const session = await first.engine.open(outer)
  session.run().catch(() => {})
  await clock.advance(1000)
  await session.flush()
  first.leave()
  for (const note of ['a', 'b', 'c']) {
    const page = tab()
    const next = await page.engine.open(outer)
    const taken = next.send(Note(note))
    page.leave()
    expect(await taken).toBe(true)
  }
  const last = await tab().engine.open(outer)
  const result = last.run()
  await clock.advance(1000)
  for (const answer of ['one', 'two']) {
    await last.asks[0]?.reply(answer)
    await clock.advance(1000)
  }
  expect(await result).toEqual(['one', 'two', ['a', 'b', 'c'], '1234'])
})
