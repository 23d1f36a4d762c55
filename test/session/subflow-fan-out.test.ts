import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, gather, resource } from '../../src/index'
import { Answer, Done, failure, flow, Go, Item, profile, Question, Worked } from '../support/flows'

const Given = defineEvent('given', z.number())

/** Asks for its number, and adds what it is told. */
const child = defineWorkflow({
  ...{ name: 'child', version: 1, start: Given, stop: Worked },
  flowState: z.object({ runs: z.number().default(0) }),
}).step('ask', { on: Given, asks: [Question], emits: [Worked] }, async (ctx, { data }) => {
  await ctx.flowState.set('runs', (runs) => runs + 1)
  const { data: more } = await ctx.ask(Question(data))
  return Worked(data + (more as number) + ctx.flowState.get('runs') * 1000)
})

const fanned = defineWorkflow(flow)
  .step('split', { on: Go, emits: [Item] }, () => [1, 2, 3].map((it) => Item(it)))
  .subflow('each', { on: Item, workflow: child, emits: [Worked] })
  .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))

describe('sub-flows in the branches of a fan-out', () => {
  test('three asks, answered in another order, with a reload between / gathered in emission order, with separate flow states', async () => {
    const page = profile()
    const first = await page.open(fanned)
    first.run().catch(() => {})
    await page.settle()
    expect(first.asks.map((it) => it.data)).toEqual([1, 2, 3])
    expect(await first.asks[2]?.reply(30)).toBe(true)
    await page.reload()
    const second = await page.open(fanned)
    const result = second.run()
    await page.settle()
    expect(second.asks.map((it) => it.data)).toEqual([1, 2])
    const [one, two] = second.asks
    expect(await second.send(Answer(20), { ask: two?.id ?? '' })).toBe(true)
    expect(await second.reply(one?.id ?? '', 10)).toBe(true)
    expect(await two?.reply(0)).toBe(false)
    expect(await result).toEqual([1011, 1022, 1033])
    expect(page.engine.flow(child).state.get('runs')).toBe(0)
  })

  test('one of them fails / the run fails; retry() goes on with that one only, and asks nothing again', async () => {
    let broken = true
    const brittle = defineWorkflow({ name: 'brittle', version: 1, start: Given, stop: Worked }).step(
      'work',
      { on: Given, asks: [Question], emits: [Worked] },
      async (ctx, { data }) => {
        const { data: more } = await ctx.ask(Question(data))
        if (data === 2 && broken) throw new Error('two')
        return Worked(data + (more as number))
      },
    )
    const workflow = defineWorkflow({ ...flow, state: z.object({ last: z.number().default(0) }) })
      .step('split', { on: Go, emits: [Item] }, () => [1, 2, 3].map((it) => Item(it)))
      .subflow('each', {
        on: Item,
        workflow: brittle,
        emits: [Worked],
        writeBack: { state: { last: 'result' } },
      })
      .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    const page = profile()
    const session = await page.open(workflow)
    const run = session.run()
    run.catch(() => {})
    await page.settle()
    await session.asks[0]?.reply(10)
    await page.settle()
    await session.asks[0]?.reply(20)
    expect(((await failure(run)) as Error).message).toContain('two')
    // Only the first child had ended and written back.
    expect(session.state.get('last')).toBe(11)
    broken = false
    const again = session.retry()
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual([3])
    await session.asks[0]?.reply(30)
    expect(await again).toEqual([11, 22, 33])
  })
})

describe("a child's resource layers", () => {
  test("a captured resource goes before its own workflow's; what it sets is seen nowhere else", async () => {
    const tool = (name: string) => ({ name })
    const inner = defineWorkflow({
      ...{ name: 'inner', version: 1, start: Go, stop: Done },
      resources: { tool: resource<{ name: string }>() },
    }).step('use', { on: Go, emits: [Done] }, (ctx) => {
      const before = ctx.resources.tool.name
      ctx.setResource('tool', tool('set in the child'))
      const after = ctx.requireResource('tool').name
      ctx.deleteResource('tool')
      return Done([before, after, ctx.getResource('tool', undefined)?.name])
    })
    const outer = defineWorkflow({ ...flow, resources: { tool: resource<{ name: string }>() } }).step(
      'both',
      { on: Go, emits: [Done] },
      async (ctx) =>
        Done([
          await ctx.subflow(inner, { capture: { resources: { tool: 'resources.tool' } } }),
          await ctx.subflow(inner),
          ctx.resources.tool.name,
        ]),
    )
    const page = profile()
    page.engine.flow(inner).setResources({ tool: tool('of inner') })
    const session = await page.open(outer, { resources: { tool: tool('of outer') } })
    expect(await session.run()).toEqual([
      ['of outer', 'set in the child', 'of inner'],
      ['of inner', 'set in the child', 'of inner'],
      'of outer',
    ])
  })

  test('a reload with a resource missing in the child / listeners are told that it is missing, and that it is there', async () => {
    const inner = defineWorkflow({ ...flow, name: 'inner' }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question(1))).data),
    )
    const tool = { name: 'tool' }
    const child = defineWorkflow({ ...flow, name: 'child', resources: { tool: resource<object>() } }).subflow(
      'ask',
      { on: Go, workflow: inner, emits: [Done] },
    )
    const outer = defineWorkflow({ ...flow, name: 'outer' }).subflow('child', {
      ...{ on: Go, workflow: child, emits: [Done] },
    })
    const page = profile()
    page.engine.flow(child).setResources({ tool })
    void (await page.open(outer)).run()
    await page.reload()
    const session = await page.open(outer)
    const told: unknown[] = []
    session.subscribe(() => told.push([session.status, session.missingResources]))
    await page.settle()
    expect(told).toEqual([['paused', ['tool']]])
    page.engine.flow(child).setResources({ tool })
    await page.settle()
    expect(told.at(-1)).toEqual(['waiting', []])
  })
})
