import { describe, expect, test } from 'vitest'
import { defineEvent, defineWorkflow, gather, type AnyWorkflow } from '../../src/index'
import { Done, flow, gate, Go, Item, profile, Question, Worked } from '../support/flows'

const Inner = defineEvent('inner')
const InnerDone = defineEvent('innerDone')

/** A workflow whose second step is called so, and never ends under its old name. */
const plain = (name: string) =>
  defineWorkflow(flow)
    .step('first', { on: Go, emits: [Worked] }, () => Worked(1))
    .step(name, { on: Worked, emits: [Done] }, async () => {
      if (name === 'old') await gate().promise
      return Done('done')
    })
const child = (name: string) =>
  defineWorkflow({ name: 'child', version: 1, start: Inner, stop: InnerDone })
    .step('first', { on: Inner, emits: [Worked] }, () => Worked(1))
    .step(name, { on: Worked, emits: [InnerDone] }, async () => {
      if (name === 'old') await gate().promise
      return InnerDone()
    })
const middle = (name: string) =>
  defineWorkflow({ name: 'middle', version: 1, start: Go, stop: Done }).subflow('inner', {
    ...{ on: Go, workflow: child(name), emits: [Done] },
  })

const flows: Record<string, (name: string) => AnyWorkflow> = {
  'a step of its own': plain,
  'a step of a sub-flow': (name) =>
    defineWorkflow({ ...flow, timeout: 1000 }).subflow('sub', {
      on: Go,
      workflow: child(name),
      emits: [Done],
    }),
  'a step of a sub-flow of a sub-flow': (name) =>
    defineWorkflow(flow).subflow('sub', { on: Go, workflow: middle(name), emits: [Done] }),
  'a step of a sub-flow that its step runs': (name) =>
    defineWorkflow(flow).step('sub', { on: Go, emits: [Done], timeout: 1000 }, async (ctx) =>
      Done((await ctx.subflow(child(name))) ?? null),
    ),
}

describe.each(Object.entries(flows))('%s is gone', (_, made) => {
  test.each(['begun', 'queued'])(
    'its work was %s, and twelve pages go by / the work waits for better code on each, and no timeout runs',
    async (which) => {
      const page = profile()
      const session = await page.open(made('old'))
      if (which === 'queued') session.pause()
      session.run().catch(() => {})
      await page.settle()
      while (which === 'queued' && !JSON.stringify(session.toJSON()).includes('"type":"worked"'))
        await session.step()
      for (let pages = 0; pages < 12; pages++) {
        await page.reload()
        const without = await page.open(made('other'))
        without.resume()
        await page.clock.advance(5000)
        expect([without.status, without.error]).toEqual(['waiting', undefined])
        expect(without.orphans).toMatchObject([{ step: 'old', event: { type: 'worked' } }])
        expect(without.asks).toEqual([])
      }
    },
  )
})

test('a missing step is back after twelve pages / its work is done', async () => {
  const page = profile()
  const open = gate()
  const back = (name: string) =>
    defineWorkflow(flow).step(name, { on: Go, emits: [Done] }, async () => {
      await open.promise
      return Done('done')
    })
  const session = await page.open(back('old'))
  session.run().catch(() => {})
  for (let pages = 0; pages < 12; pages++) {
    await page.reload()
    await page.open(back('other'))
    await page.settle()
  }
  await page.reload()
  open.open()
  const again = await page.open(back('old'))
  await page.settle()
  expect(again.result).toBe('done')
})

describe('a missing gather step', () => {
  const gathering = (name: string) =>
    defineWorkflow({ ...flow, skip: ['deadEnd', 'stop'] })
      .step('fan', { on: Go, emits: [Item] }, () => [Item(1), Item(2), Item(3)])
      .step('work', { on: Item, emits: [Worked], asks: [Question] }, async (ctx, item) => {
        if (item.data === 3) await ctx.ask(Question(3))
        return Worked(item.data)
      })
      .step(name, { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
  const worked = (n: number) => ({ step: 'old', event: { type: 'worked', data: n } })

  test('while it gathers / what it has is an orphan, before and after its scope closes', async () => {
    const page = profile()
    const session = await page.open(gathering('old'))
    session.run().catch(() => {})
    await page.reload()
    const without = await page.open(gathering('other'))
    expect(without.orphans).toEqual([worked(1), worked(2)])
    without.pause()
    await without.asks[0]?.reply(1)
    await without.step()
    await page.settle()
    expect(without.orphans).toEqual([worked(1), worked(2)])
    await page.reload()
    const again = await page.open(gathering('old'))
    expect(again.orphans).toMatchObject([{ step: 'other' }])
    again.resume()
    await page.settle()
    expect(again.result).toEqual([1, 2])
  })
})

test('a missing step with a collect buffer / its kept event is an orphan', async () => {
  const collecting = (name: string) =>
    defineWorkflow({ ...flow, skip: ['deadEnd', 'stop'] })
      .step('first', { on: Go, emits: [Item, Worked], asks: [Question] }, async (ctx) => {
        ctx.send(Item(1))
        await ctx.ask(Question(1))
        return Worked(2)
      })
      .step(name, { on: [Item, Worked], emits: [Done] }, async (ctx, event) => {
        const both = await ctx.collect(event, [Item, Worked], { buffer: 'a/b' })
        return both && Done(both.map((it) => it.data))
      })
  const page = profile()
  const session = await page.open(collecting('o/ld'))
  session.run().catch(() => {})
  await page.reload()
  const without = await page.open(collecting('other'))
  await page.settle()
  expect(without.orphans).toEqual([{ step: 'o/ld', event: { type: 'item', data: 1 } }])
  await page.reload()
  const again = await page.open(collecting('o/ld'))
  await page.settle()
  expect(again.orphans).toEqual([])
  await again.asks[0]?.reply(1)
  await page.settle()
  expect(again.result).toEqual([1, 2])
})
