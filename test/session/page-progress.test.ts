import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, resource, type AnyWorkflow, type Session } from '../../src/index'
import { Answer, Done, Go, flow, gate, profile } from '../support/flows'

const page = (name: string) => defineEvent(name, z.undefined(), { reply: Answer })
const Name = page('name')
const Company = page('company')
const Address = page('address')
const Approval = page('approval')
const Asked = defineEvent('asked')
const ToShop = defineEvent('toShop')

/** Who is a company has one page more; the approval is another step, the shop another branch. */
const wizard = defineWorkflow({ ...flow })
  .step('who', { on: Go, asks: [Name, Company, Address], emits: [Asked, ToShop] }, async (ctx) => {
    const name = (await ctx.ask(Name())).data
    if (name === 'Acme') await ctx.ask(Company())
    return (await ctx.ask(Address())).data === 'shop' ? ToShop() : Asked()
  })
  .step('approve', { on: Asked, asks: [Approval], emits: [Done] }, async (ctx) => {
    await ctx.ask(Approval())
    return Done(1)
  })
  .step('shop', { on: ToShop, emits: [Done] }, () => Done(2))

const fraction = ({ progress }: Session<AnyWorkflow>) => progress?.fraction

async function begun() {
  const profiled = profile()
  const session = (await profiled.open(wizard)) as unknown as Session<AnyWorkflow>
  const before = session.progress
  session.run().catch(() => {})
  await profiled.settle()
  const answer = async (...values: string[]) => {
    for (const value of values) {
      await session.asks[0]?.reply(value)
      await profiled.settle()
    }
  }
  return { ...profiled, session, before, answer }
}

describe('progress of a wizard', () => {
  test.each(['once', 'ask'] as const)(
    'hundreds of points recorded by %s / progress does not look through them',
    async (kind) => {
      const page = profile()
      const walked = [10, 80].map(async (count) => {
        const session = (await page.open(
          defineWorkflow(flow).step('work', { on: Go, asks: [Name], emits: [Done] }, async (ctx) => {
            for (let at = 0; at < count; at++)
              await (kind === 'ask' ? ctx.ask(Name()) : ctx.once(`part ${at}`, () => at))
            await ctx.sleep(1000)
            return Done(1)
          }),
          { id: `of-${count}` },
        )) as unknown as Session<AnyWorkflow>
        session.run().catch(() => {})
        await page.settle()
        for (; session.asks[0]; await page.settle()) await session.asks[0].reply('yes')
        const spy = vi.spyOn(Object.getPrototypeOf(new Map().values()), 'next')
        expect(fraction(session)).toBe(kind === 'ask' ? 1 : 0)
        const { length } = spy.mock.calls
        spy.mockRestore()
        return length
      })
      const [few, many] = await Promise.all(walked)
      expect(few).toBeGreaterThan(0)
      expect(many).toBe(few)
    },
  )

  test('is answered / reachable on this branch: a page that was passed over does not count', async () => {
    const { session, before, answer } = await begun()
    expect(before).toBeUndefined()
    expect(fraction(session)).toBe(0)
    await answer('Ada')
    expect(session.asks[0]?.type).toBe('address')
    expect(fraction(session)).toBeCloseTo(1 / 3)
    await answer('street')
    expect(fraction(session)).toBeCloseTo(2 / 3)
    await answer('yes')
    expect([session.status, fraction(session)]).toEqual(['completed', 1])
  })

  test("a longer branch / its page counts, and another step's page only while it can be reached", async () => {
    const { session, answer } = await begun()
    await answer('Acme')
    expect(fraction(session)).toBe(1 / 4)
    await answer('nr. 1')
    expect(fraction(session)).toBe(2 / 4)
    await answer('shop')
    expect([session.status, fraction(session)]).toEqual(['completed', 1])
  })

  test('back, forward, a reload / the progress of that page', async () => {
    const { session, answer, settle } = await begun()
    await answer('Ada')
    session.back()
    await settle()
    expect(fraction(session)).toBe(0)
    session.forward()
    await settle()
    expect(fraction(session)).toBeCloseTo(1 / 3)
    expect(session.progress).toBe(session.progress)
  })

  test('an ask of a sub-flow / counts among those to come', async () => {
    const profiled = profile()
    const child = defineWorkflow({ ...flow, name: 'child' }).step(
      'ask',
      { on: Go, asks: [Approval], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Approval())).data),
    )
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Name], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Name())
        return Done(await ctx.subflow(child))
      },
    )
    const session = (await profiled.open(workflow)) as unknown as Session<AnyWorkflow>
    session.run().catch(() => {})
    await profiled.settle()
    await session.asks[0]?.reply('Ada')
    await profiled.settle()
    expect([session.asks[0]?.type, fraction(session)]).toEqual(['approval', 1 / 2])
  })

  test('a sub-flow that asks / is one page from the beginning: progress never falls', async () => {
    const profiled = profile()
    const inner = defineWorkflow({ ...flow, name: 'inner' }).step(
      'ask',
      { on: Go, asks: [Approval, Company], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Approval())
        await ctx.ask(Company())
        await ctx.sleep(1000)
        return Done(1)
      },
    )
    const outer = defineWorkflow({ ...flow, name: 'outer' }).subflow('in', {
      on: Go,
      workflow: inner,
      emits: [Done],
    })
    const silent = defineWorkflow({ ...flow, name: 'silent' }).step('work', { on: Go, emits: [Done] }, () =>
      Done(1),
    )
    const workflow = defineWorkflow({ ...flow })
      .step('ask', { on: Go, asks: [Name], emits: [Asked] }, async (ctx) => {
        await ctx.ask(Name())
        return Asked()
      })
      .subflow('child', { on: Asked, workflow: outer, emits: [Answer] })
      .step('then', { on: Answer, emits: [ToShop] }, () => ToShop())
      .subflow('quiet', { on: ToShop, workflow: silent, emits: [Done] })
    const session = (await profiled.open(workflow)) as unknown as Session<AnyWorkflow>
    session.run().catch(() => {})
    await profiled.settle()
    const seen = [fraction(session)]
    for (const value of ['Ada', 'yes', 'Acme']) {
      await session.asks[0]?.reply(value)
      await profiled.settle()
      seen.push(fraction(session))
    }
    await profiled.clock.advance(1000)
    expect([...seen, session.status, fraction(session)]).toEqual([0, 0.5, 0.5, 0.5, 'completed', 1])
  })

  test("an ask in a node's cleanup / the one in its prepare counts as answered", async () => {
    const profiled = profile()
    const workflow = defineWorkflow({ ...flow }).node(
      'ask',
      { on: Go, asks: [Name, Company, Address], emits: [Done] },
      {
        prepare: async (_, ctx) => (await ctx.ask(Name())).data,
        execute: (name) => name,
        cleanup: async (_state, _prepared, _result, ctx) => Done((await ctx.ask(Address())).data),
      },
    )
    const session = (await profiled.open(workflow)) as unknown as Session<AnyWorkflow>
    session.run().catch(() => {})
    await profiled.settle()
    const seen = [fraction(session)]
    for (const value of ['Ada', 'street']) {
      await session.asks[0]?.reply(value)
      await profiled.settle()
      seen.push(fraction(session))
    }
    expect(seen).toEqual([0, 1 / 2, 1])
  })

  test('ctx.progress() in a step / comes first; reset() / no progress', async () => {
    const profiled = profile()
    const workflow = defineWorkflow({ ...flow }).step(
      'ask',
      { on: Go, asks: [Name], emits: [Done] },
      async (ctx) => {
        await ctx.ask(Name())
        ctx.progress(0.9, 'paying')
        return Done((await ctx.ask(Name())).data)
      },
    )
    const session = (await profiled.open(workflow)) as unknown as Session<AnyWorkflow>
    session.run().catch(() => {})
    await profiled.settle()
    await session.asks[0]?.reply('Ada')
    await profiled.settle()
    expect(session.progress).toEqual({ fraction: 0.9, label: 'paying' })
    session.reset()
    await profiled.settle()
    expect(session.progress).toBeUndefined()
  })

  test("a cancelled step goes on / its progress and resources are nobody's any more", async () => {
    const profiled = profile()
    const slow = gate()
    const resources = {
      kept: resource<number>({ optional: true }),
      late: resource<number>({ optional: true }),
    }
    const workflow = defineWorkflow({ ...flow, resources }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await slow.promise
        ctx.progress(0.5)
        ctx.setResource('late', 1)
        ctx.deleteResource('kept')
        return Done(1)
      },
    )
    const session = await profiled.open(workflow, { resources: { kept: 1 } })
    session.run().catch(() => {})
    await profiled.settle()
    session.cancel()
    slow.open()
    await profiled.settle()
    expect(session.progress).toBeUndefined()
    expect(session.resources).toEqual({ kept: 1 })
  })

  test('a flow without pages / no progress; a failed flow / none either', async () => {
    const profiled = profile()
    const session = await profiled.open(
      defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1)),
    )
    await session.run()
    expect(session.progress).toBeUndefined()
    const failing = (await profiled.open(
      defineWorkflow({ ...flow, name: 'failing' }).step(
        'ask',
        { on: Go, asks: [Name], emits: [Done] },
        async (ctx) => {
          await ctx.ask(Name())
          throw new Error('no')
        },
      ),
    )) as unknown as Session<AnyWorkflow>
    failing.run().catch(() => {})
    await profiled.settle()
    await failing.asks[0]?.reply('Ada')
    await profiled.settle()
    expect([failing.status, failing.progress]).toEqual(['failed', undefined])
  })
})
