import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, gather, type AnyWorkflow, type Session } from '../../src/index'
import { Scheduler } from '../../src/session/scheduler'
import {
  Done,
  failure,
  flow,
  Go,
  Item,
  Nudge,
  profile,
  Question,
  Worked,
  type Profile,
} from '../support/flows'

const Given = defineEvent('given', z.number())

/** Waits for a reply, then for an event. */
const child = defineWorkflow({
  ...{ name: 'child', version: 1, start: Given, stop: Worked, events: [Nudge] },
}).step('ask', { on: Given, asks: [Question], emits: [Worked] }, async (ctx, { data }) => {
  await ctx.ask(Question(data))
  await ctx.waitFor(Nudge)
  return Worked(data)
})

/** So many of them at once. */
const fanned = (count: number, workflow: AnyWorkflow = child): AnyWorkflow =>
  defineWorkflow(flow)
    .step('split', { on: Go, emits: [Item] }, () => Array.from({ length: count }, (_, at) => Item(at)))
    .subflow('each', { on: Item, workflow, emits: [Worked], workers: count })
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.length))

async function opened(
  page: Profile,
  count: number,
  of: (count: number) => AnyWorkflow = fanned,
): Promise<Session<AnyWorkflow>> {
  const session = await page.open(of(count), { id: `of-${count}` })
  void session.run()
  await page.settle()
  expect(session.asks).toHaveLength(count)
  return session
}

/** How often it is called for something that happens while 10 sub-flows are open, and while 80 are. */
async function calls(
  of: object,
  method: string,
  act: (session: Session<AnyWorkflow>, settle: () => Promise<void>) => unknown,
  workflow: (count: number) => AnyWorkflow = fanned,
): Promise<number[]> {
  const page = profile()
  const counts: number[] = []
  for (const count of [10, 80]) {
    const session = await opened(page, count, workflow)
    const spy = vi.spyOn(of as Record<string, () => void>, method)
    await act(session, () => page.settle())
    await page.settle()
    counts.push(spy.mock.calls.length)
    spy.mockRestore()
  }
  return counts
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('many sub-flows at once', () => {
  test("one child's ask is answered, or it takes an event / no other child runs", async () => {
    const [few, many] = await calls(Scheduler.prototype, 'run', async (session, settle) => {
      expect(await session.asks[0]?.reply(1)).toBe(true)
      await settle()
      expect(await session.send(Nudge(1))).toBe(true)
    })
    expect(few).toBeGreaterThan(0)
    expect(many).toBe(few)
  })

  test('an event that only the last of them takes / the others do not run', async () => {
    const picky = defineWorkflow({
      ...{ name: 'child', version: 1, start: Given, stop: Worked, events: [Nudge] },
    }).step('wait', { on: Given, asks: [Question], emits: [Worked] }, async (ctx, { data }) => {
      await Promise.race([ctx.ask(Question(data)), ctx.waitFor(Nudge, { where: (it) => it.data === data })])
      return Worked(data)
    })
    const [few, many] = await calls(
      Scheduler.prototype,
      'run',
      async (session) => {
        expect(await session.send(Nudge(session.asks.length - 1))).toBe(true)
        expect(await session.send(Nudge('nobody'))).toBe(false)
      },
      (count) => fanned(count, picky),
    )
    expect(few).toBeGreaterThan(0)
    expect(many).toBe(few)
  })

  test('an ask is answered, and `asks` is read / the others stay the same objects', async () => {
    const [few = 0, many] = await calls(Map.prototype, 'set', async (session) => {
      const [first, ...others] = session.asks
      expect(await first?.reply(1)).toBe(true)
      expect(session.asks).toEqual(others)
      for (const [at, ask] of session.asks.entries()) expect(ask).toBe(others[at])
    })
    expect(few).toBeGreaterThan(0)
    // There are 70 more of them. The test's runner uses maps too, now and then.
    expect(many).toBeLessThan(few + 35)
  })

  test('the session is paused and resumed / each child is told once', async () => {
    const [few = 0, many] = await calls(Scheduler.prototype, 'run', (session) => {
      session.pause()
      session.resume()
    })
    expect(many).toBeLessThanOrEqual(few * 8)
  })

  test('the status is read / each child is looked at once', async () => {
    const [few = 0, many] = await calls(Map.prototype, 'values', (session) => session.status)
    expect(few).toBeGreaterThan(10)
    expect(many).toBeLessThan(few * 9)
  })

  test('all asks are answered in another order, and each child gets an event / all of them end', async () => {
    const page = profile()
    const session = await opened(page, 40)
    const { asks } = session
    for (let at = 0; at < 40; at++) expect(await asks[(at * 7) % 40]?.reply(at)).toBe(true)
    for (let at = 0; at < 40; at++) expect(await session.send(Nudge(at))).toBe(true)
    await page.settle()
    expect([session.status, session.result]).toEqual(['completed', 40])
  })
})

describe('a sub-flow that retries a step', () => {
  test('its second attempt hangs / it counts in the timeout of the step around it', async () => {
    const page = profile()
    let attempts = 0
    const brittle = defineWorkflow({ ...flow, name: 'brittle' }).step(
      'work',
      { on: Go, emits: [Done], retry: { attempts: 2, delay: 60_000 } },
      () => {
        if (++attempts === 1) throw new Error('not yet')
        return new Promise<never>(() => {})
      },
    )
    const session = await page.open(
      defineWorkflow(flow).subflow('sub', { on: Go, workflow: brittle, emits: [Done], timeout: 1000 }),
    )
    const result = failure(session.run())
    await page.clock.advance(60_000)
    expect([attempts, session.status]).toEqual([2, 'running'])
    await page.clock.advance(1001)
    expect(await result).toMatchObject({ cause: { name: 'TimeoutError' } })
  })
})
