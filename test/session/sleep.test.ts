import { describe, expect, test } from 'vitest'
import { defineEvent, defineWorkflow, type Clock } from '../../src/index'
import { Done, flow, Go, profile, Question, type Profile } from '../support/flows'

const sleeping = (page: Profile, woke: number[], ms = 60_000) =>
  defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.sleep(ms)
    woke.push(page.clock.now())
    return Done('awake')
  })

test('sleep of 60 s, reload at 40 / fires 20 s later, once', async () => {
  const page = profile()
  const woke: number[] = []
  const start = page.clock.now()
  void (await page.open(sleeping(page, woke))).run()
  await page.clock.advance(40_000)
  await page.reload()
  const again = await page.open(sleeping(page, woke))
  expect(again.status).toBe('waiting')
  await page.clock.advance(19_999)
  expect(woke).toEqual([])
  await page.clock.advance(1)
  expect(woke).toEqual([start + 60_000])
  expect(again.result).toBe('awake')
  await page.clock.advance(600_000)
  expect(woke).toHaveLength(1)
})

test('sleep of 60 s, reload at 40, opened an hour later / fires at once, once', async () => {
  const page = profile()
  const woke: number[] = []
  void (await page.open(sleeping(page, woke))).run()
  await page.clock.advance(40_000)
  await page.reload()
  await page.clock.advance(3_600_000)
  const again = await page.open(sleeping(page, woke))
  await page.settle()
  expect(again.result).toBe('awake')
  expect(woke).toHaveLength(1)
})

test('a reload after it woke, before the step ended / does not sleep again', async () => {
  const page = profile()
  let stuck = true
  const workflow = defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.sleep(1000)
    if (stuck) await new Promise(() => {})
    return Done('awake')
  })
  void (await page.open(workflow)).run()
  await page.clock.advance(1000)
  await page.reload()
  stuck = false
  const again = await page.open(workflow)
  await page.settle()
  expect(again.result).toBe('awake')
})

test('ten reloads in one sleep / it ends when it would have ended', async () => {
  const page = profile()
  const woke: number[] = []
  const start = page.clock.now()
  void (await page.open(sleeping(page, woke))).run()
  for (let n = 0; n < 10; n++) {
    await page.clock.advance(5000)
    await page.reload()
    await page.open(sleeping(page, woke))
  }
  await page.clock.advance(10_000)
  expect(woke).toEqual([start + 60_000])
})

test('sleeps in a row, and two in parallel / each takes its own time', async () => {
  const page = profile()
  const start = page.clock.now()
  const workflow = defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
    const times: number[] = []
    await ctx.sleep(100)
    times.push(page.clock.now() - start)
    await Promise.all([ctx.sleep(300), ctx.sleep(50).then(() => times.push(page.clock.now() - start))])
    times.push(page.clock.now() - start)
    return Done(times)
  })
  const result = (await page.open(workflow)).run()
  await page.clock.advance(1000)
  expect(await result).toEqual([100, 150, 400])
})

test.each([0, -5])('sleep(%s) / goes on at once', async (ms) => {
  const page = profile()
  const woke: number[] = []
  const session = await page.open(sleeping(page, woke, ms))
  const result = session.run()
  await page.clock.advance(0)
  expect(await result).toBe('awake')
})

test.each([Number.NaN, Infinity, undefined])('sleep(%s) / an error in the step', async (ms) => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.sleep(ms as number)
    return Done('awake')
  })
  const session = await page.open(workflow)
  const outcome = session.run().then(
    () => 'awake',
    (error: { code?: string }) => error.code,
  )
  await page.clock.advance(1000)
  expect(session.status).toBe('failed')
  expect(await outcome).toBe('STEP_FAILED')
})

test('sleep of 40 days / ends after 40 days, not before', async () => {
  const page = profile()
  const woke: number[] = []
  void (await page.open(sleeping(page, woke, 40 * 86_400_000))).run()
  await page.clock.advance(40 * 86_400_000 - 1)
  expect(woke).toEqual([])
  await page.clock.advance(1)
  expect(woke).toHaveLength(1)
})

test('what a step wrote before its sleep / stays through a crash during it', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.state.set('n', Number(ctx.state.get('n', 0)) + 1)
    await ctx.sleep(1000)
    return Done(ctx.state.get('n'))
  })
  void (await page.open(workflow)).run()
  for (let n = 0; n < 3; n++) {
    await page.settle()
    page.kill()
    expect((await page.open(workflow)).state.get('n')).toBe(1)
  }
  const session = await page.open(workflow)
  await page.clock.advance(1000)
  expect(session.result).toBe(1)
})

describe('the clock is set back by a day between two pages', () => {
  const Inner = defineEvent('inner')
  const Slept = defineEvent('slept')
  const child = defineWorkflow({ name: 'child', version: 1, start: Inner, stop: Slept }).step(
    'sleep',
    { on: Inner, emits: [Slept] },
    async (ctx) => {
      await ctx.sleep(10_000)
      return Slept()
    },
  )
  const late = { on: Go, asks: [Question], emits: [Done], retry: { attempts: 2, delay: 10_000 } }
  const waiting = (how: string) =>
    defineWorkflow({ ...flow }).step('wait', late, async (ctx) => {
      if (how.includes('sleep')) await ctx.sleep(10_000)
      if (how === 'a second sleep') await ctx.sleep(10_000)
      if (how === 'a question') await ctx.ask(Question(1), { timeout: 10_000 }).catch(() => {})
      if (how === 'a retry' && ctx.attempt === 1) throw new Error('once more')
      if (how === 'a sub-flow') await ctx.subflow(child, { capture: {} })
      return Done('over')
    })

  /** Its run has waited for three seconds; then the clock is set back, and another page opens it. */
  const setBack = async (how: string) => {
    const workflow = waiting(how)
    let back = 0
    const clock: Clock = {
      now: () => page.clock.now() - back,
      setTimeout: (fn, ms) => page.clock.setTimeout(fn, ms),
      clearTimeout: (it) => page.clock.clearTimeout(it),
    }
    const page: Profile = profile(undefined, { clock })
    const first = await page.open(workflow)
    void first.run()
    await page.clock.advance(3000)
    first.state.set('typed', true)
    await page.reload()
    back = 86_400_000
    return { page, session: await page.open(workflow) }
  }

  test.each(['a sleep', 'a question', 'a retry', 'a sub-flow'])('%s / takes no longer', async (how) => {
    const { page, session } = await setBack(how)
    await page.clock.advance(6999)
    expect(session.status).toBe('waiting')
    await page.clock.advance(1)
    expect([session.status, session.result]).toEqual(['completed', 'over'])
  })

  test('a sleep that begins after that, and a rewind to it / takes no less time', async () => {
    const { page, session } = await setBack('a second sleep')
    await page.clock.advance(7000)
    session.rewind(session.history().at(-1)?.seq ?? 0)
    session.resume()
    await page.clock.advance(9999)
    expect(session.status).toBe('waiting')
    await page.clock.advance(1)
    expect(session.status).toBe('completed')
  })
})
