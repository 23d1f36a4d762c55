import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow, memoryStorage } from '../../src/index'
import { virtualClock, virtualTabs } from '../../src/testing'
import { Answer, Done, flow, Go, Nudge, profile, Question } from '../support/flows'

const Step = defineEvent('step', z.unknown())

/** Two questions in two steps, an effect and a write to its flow state before each. */
const wizard = defineWorkflow({
  ...flow,
  name: 'wizard',
  flowState: z.object({ asked: z.number().default(0) }),
  state: z.object({ answers: z.array(z.unknown()).default([]) }),
})
  .step('first', { on: Go, asks: [Question], emits: [Step] }, async (ctx) => {
    await ctx.once('effect', () => 1)
    await ctx.flowState.set('asked', (it) => it + 1)
    const { data } = await ctx.ask(Question('first'))
    await ctx.state.append('answers', data)
    return Step()
  })
  .step('second', { on: Step, asks: [Question], emits: [Done] }, async (ctx) => {
    await ctx.flowState.set('asked', (it) => it + 1)
    const { data } = await ctx.ask(Question('second'))
    return Done([...ctx.state.get('answers'), data, ctx.flowState.get('asked')])
  })

const workflow = defineWorkflow({
  ...flow,
  history: 100,
  state: z.object({ before: z.unknown().optional() }),
}).step('sub', { on: Go, asks: [Question], emits: [Done] }, async (ctx) => {
  const { data } = await ctx.ask(Question('before'))
  await ctx.state.set('before', data)
  return Done(await ctx.subflow(wizard))
})

/** The session is at the second question of the child. */
async function inTheChild() {
  const page = profile()
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.settle()
  for (const answer of ['a', 'b']) {
    await session.asks[0]?.reply(answer)
    await page.settle()
  }
  expect(session.asks.map((it) => it.data)).toEqual(['second'])
  return { page, session }
}

/** What a record of a sub-flow says. */
const kindIn = (record: object) => (record as { record?: { kind: string } }).record?.kind

describe('a running child', () => {
  test('imported elsewhere / its ask is open there, and the run goes on', async () => {
    const { session } = await inTheChild()
    for (const json of [session.toJSON(), JSON.parse(JSON.stringify(session.toJSON()))]) {
      const clock = virtualClock()
      const engine = createEngine({ storage: memoryStorage(), clock })
      const other = await engine.import(workflow, json, { id: 'other' })
      await clock.advance(0)
      expect(other.asks.map((it) => it.data)).toEqual(['second'])
      await other.asks[0]?.reply('c')
      expect(await other.run()).toEqual(['b', 'c', 2])
    }
  })

  test('damaged in an imported file / refused, naming the place', async () => {
    const { session } = await inTheChild()
    const text = JSON.stringify(session.toJSON())
    const damaged = JSON.parse(text) as { execs: { points: { child?: { nextExec: unknown } }[] }[] }
    for (const point of damaged.execs[0]?.points ?? []) if (point.child) point.child.nextExec = 'x'
    const engine = createEngine({ storage: memoryStorage(), clock: virtualClock() })
    await expect(engine.import(workflow, damaged)).rejects.toThrow(/child\.nextExec/)
  })

  test('fork() / both go on, each on its own', async () => {
    const { page, session } = await inTheChild()
    const fork = await session.fork()
    await page.settle()
    expect(fork.asks.map((it) => it.data)).toEqual(['second'])
    await fork.asks[0]?.reply('forked')
    expect(await fork.run()).toEqual(['b', 'forked', 2])
    expect(session.asks).toHaveLength(1)
    await session.asks[0]?.reply('own')
    expect(await session.run()).toEqual(['b', 'own', 2])
  })

  test('rewind() to before its first answer / it is as it was then, and asks again', async () => {
    const { page, session } = await inTheChild()
    const answered = session.history().filter((it) => it.type === 'child')
    const asked = answered.find((it) => JSON.stringify(it).includes('"ask"')) ?? answered[0]
    session.rewind(asked?.seq as number)
    session.resume()
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['first'])
    await session.asks[0]?.reply('x')
    await page.settle()
    await session.asks[0]?.reply('y')
    expect(await session.run()).toEqual(['x', 'y', 2])
  })

  test('its records in the history / have no seq of their own', async () => {
    const { session } = await inTheChild()
    const inner = session.history().flatMap((it) => (it.type === 'child' ? [it['record'] as object] : []))
    expect(inner.map((it) => (it as { readonly kind: string }).kind)).toContain('taken')
    for (const record of inner) expect(Object.keys(record)).not.toEqual(expect.arrayContaining(['seq']))
  })

  test('fork() at every record of the run / the same end each time', async () => {
    const { page, session } = await inTheChild()
    await session.asks[0]?.reply('c')
    await page.settle()
    expect(session.status).toBe('completed')
    for (const { seq } of session.history().slice(1)) {
      const fork = await session.fork(seq)
      for (let turn = 0; turn < 4; turn++) {
        await page.settle()
        await fork.asks[0]?.reply(turn)
      }
      await page.settle()
      expect([seq, fork.status, fork.error]).toEqual([seq, 'completed', undefined])
    }
  })

  test("back() / leads to the parent's page before the child, and the child begins anew", async () => {
    const { page, session } = await inTheChild()
    session.back()
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['before'])
    for (const answer of ['p', 'q']) {
      await session.asks[0]?.reply(answer)
      await page.settle()
    }
    expect(session.asks.map((it) => it.data)).toEqual(['second'])
    await session.asks[0]?.reply('r')
    expect(await session.run()).toEqual(['q', 'r', 2])
  })

  test("back() and forward(), and the child's ask equals the page / only the page gets its answer again", async () => {
    const inner = defineWorkflow({ ...flow, name: 'inner' }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question('same'))).data),
    )
    const outer = defineWorkflow({ ...flow, history: 100 })
      .step('ask', { on: Go, asks: [Question], emits: [Step] }, async (ctx) => {
        await ctx.ask(Question('same'))
        return Step()
      })
      .subflow('inner', { on: Step, workflow: inner, emits: [Done] })
    const page = profile()
    const session = await page.open(outer)
    session.run().catch(() => {})
    await page.settle()
    await session.asks[0]?.reply('page')
    await page.settle()
    expect(session.forward()).toBe(false)
    expect(session.back()).toBe(true)
    await page.settle()
    expect(session.forward()).toBe(true)
    await page.settle()
    expect(session.asks.map((it) => it.step)).toEqual(['ask'])
    expect(session.forward()).toBe(false)
    expect(session.asks).toHaveLength(1)
    await session.asks[0]?.reply('child')
    expect(await session.run()).toBe('child')
  })

  test('forward() beside a child that asks the same / only the page gets its answer again', async () => {
    const inner = defineWorkflow({ ...flow, name: 'inner' }).step(
      'ask',
      { on: Go, asks: [Question], emits: [Done] },
      async (ctx) => Done((await ctx.ask(Question('same'))).data),
    )
    const outer = defineWorkflow({ ...flow, history: 100 })
      .subflow('inner', { on: Go, workflow: inner, emits: [Done] })
      .step('ask', { on: Go, asks: [Question], emits: [Step] }, async (ctx) => {
        await ctx.ask(Question('same'))
        return Step()
      })
      .step('after', { on: Step, asks: [Question], emits: [Done] }, async (ctx) =>
        Done((await ctx.ask(Question('after'))).data),
      )
    const page = profile()
    const session = await page.open(outer)
    session.run().catch(() => {})
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['same', 'same'])
    // The child's ask has the longer id.
    const [own] = session.asks.map((it) => it.id).toSorted((a, b) => a.length - b.length)
    await session.reply(own!, 'page')
    await page.settle()
    expect(session.back()).toBe(true)
    await page.settle()
    expect(session.forward()).toBe(true)
    await page.settle()
    expect(session.asks.map((it) => it.data)).toEqual(['same', 'after'])
    await session.asks[0]?.reply('child')
    expect(await session.run()).toBe('child')
  })

  test('rewind() while it sleeps with 20 s to go / it has 20 s to go', async () => {
    const sleeper = defineWorkflow({ ...flow, name: 'sleeper' }).step(
      'sleep',
      { on: Go, emits: [Done] },
      async (ctx) => {
        await ctx.sleep(60_000)
        return Done('slept')
      },
    )
    const outer = defineWorkflow({ ...flow, history: 100 }).subflow('inner', {
      on: Go,
      workflow: sleeper,
      emits: [Done],
    })
    const page = profile()
    const session = await page.open(outer)
    session.run().catch(() => {})
    await page.clock.advance(40_000)
    session.state.set('note', 'at 40 s')
    const { seq } = session.history().at(-1) ?? { seq: 0 }
    await page.clock.advance(15_000)
    session.state.set('note', 'at 55 s')
    session.rewind(seq)
    session.resume()
    await page.clock.advance(19_000)
    expect(session.status).toBe('waiting')
    await page.clock.advance(1000)
    expect(session.result).toBe('slept')
  })

  test.each(['a reply to another of its asks', 'an event for it'])(
    'rewind() to between its stop event and its end, and then %s / it has ended, and so does the run',
    async (what) => {
      const page = profile()
      const child = defineWorkflow({ ...flow, name: 'child', events: [Nudge] })
        .step('ask', { on: Go, asks: [Question] }, async (ctx) => void (await ctx.ask(Question(1))))
        .step('wait', { on: Go }, async (ctx) => void (await ctx.waitFor(Nudge)))
        .step('end', { on: Go, emits: [Done] }, async (ctx) => Done(await ctx.sleep(10)))
      const parent = defineWorkflow({ ...flow }).subflow('sub', { on: Go, workflow: child, emits: [Done] })
      const session = await page.open(parent)
      const result = session.run()
      await page.clock.advance(10)
      await result
      const { seq = NaN } = session.history().find((it) => kindIn(it) === 'ended') ?? {}
      session.rewind(seq)
      expect([session.status, session.asks.length]).toEqual(['paused', 1])
      const [ask] = session.asks as readonly { reply(): Promise<boolean> }[]
      const done = ask && what !== 'an event for it' ? ask.reply() : session.send(Nudge(1))
      expect(await done).toBe(false)
      expect(session.history().map(kindIn).slice(-2)).toEqual([undefined, 'finished'])
      session.resume()
      await page.settle()
      expect(session.status).toBe('completed')
    },
  )

  test('a follower / shows its ask, answers it, and goes on when the leader is gone', async () => {
    const clock = virtualClock()
    const tabs = virtualTabs()
    const options = { clock, storage: memoryStorage(), ...tabs }
    const one = await createEngine(options).open(workflow)
    const two = await createEngine(options).open(workflow)
    await clock.advance(1000)
    one.run().catch(() => {})
    await clock.advance(1000)
    for (const answer of ['a', 'b']) {
      await two.asks[0]?.reply(answer)
      await clock.advance(1000)
    }
    expect(two.asks.map((it) => it.data)).toEqual(['second'])
    await one.close()
    await clock.advance(1000)
    expect(two.role).toBe('leader')
    await two.asks[0]?.reply('c')
    expect(await two.run()).toEqual(['b', 'c', 2])
  })

  test('an event sent to its ask / is the reply', async () => {
    const { session } = await inTheChild()
    const ask = session.asks[0]?.id as string
    expect(await session.send(Answer('sent'), { ask })).toBe(true)
    expect(await session.run()).toEqual(['b', 'sent', 2])
  })
})
