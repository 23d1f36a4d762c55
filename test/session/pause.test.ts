import { describe, expect, test } from 'vitest'
import { allOf, defineWorkflow, gather } from '../../src/index'
import { Done, failure, flow, gate, Go, Item, Nudge, profile, Question, Worked } from '../support/flows'

/** Asks, then does two more steps. */
function asking(log: unknown[]) {
  return defineWorkflow({ ...flow })
    .step('ask', { on: Go, asks: [Question], emits: [Item] }, async (ctx) => {
      const { data } = await ctx.ask(Question('how many'))
      log.push(`answered ${String(data)}`)
      return Item(Number(data))
    })
    .step('work', { on: Item, emits: [Worked] }, (_, { data }) => (log.push('work'), Worked(data)))
    .step('end', { on: Worked, emits: [Done] }, (_, { data }) => (log.push('end'), Done(data)))
}

/** A step that works until it is let go, and one after it. */
function working(log: unknown[], stop: Promise<unknown>) {
  return defineWorkflow({ ...flow })
    .step('work', { on: Go, emits: [Item] }, async (ctx) => {
      log.push('begun')
      ctx.signal.addEventListener('abort', () => log.push('aborted'))
      await stop
      log.push(await ctx.once('effect', () => 'effect'))
      return Item(1)
    })
    .step('end', { on: Item, emits: [Done] }, () => (log.push('end'), Done(1)))
}

/** The page after one that died while a step was at work; now nothing holds it any more. */
async function cutOff() {
  const page = profile()
  const log: unknown[] = []
  const stop = gate()
  const workflow = working(log, stop.promise)
  void (await page.open(workflow)).run()
  await page.reload()
  stop.open()
  return { page, workflow, log }
}

describe('pause()', () => {
  test('a running step with effects and events to go / it ends, and its events wait', async () => {
    const page = profile()
    const log: unknown[] = []
    const stop = gate()
    const session = await page.open(working(log, stop.promise))
    const result = session.run()
    await page.settle()
    session.pause()
    stop.open()
    await page.clock.advance(1000)
    expect(log).toEqual(['begun', 'effect'])
    session.resume()
    expect(await result).toBe(1)
    expect(log).toEqual(['begun', 'effect', 'end'])
  })

  test('workers are free and events are queued / no step starts', async () => {
    const page = profile()
    const stops = [gate(), gate(), gate()]
    const begun: number[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('fan', { on: Go, emits: [Item] }, () => [0, 1, 2].map((n) => Item(n)))
      .step('work', { on: Item, emits: [Worked], workers: 1 }, async (_, { data }) => {
        begun.push(data)
        await stops[data]?.promise
        return Worked(data)
      })
      .step('end', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    session.pause()
    for (const stop of stops) stop.open()
    await page.clock.advance(1000)
    expect(begun).toEqual([0])
    session.resume()
    expect(await result).toEqual([0, 1, 2])
  })

  test('an answer and an event sent while paused / both are taken, nothing is lost', async () => {
    const page = profile()
    const log: unknown[] = []
    const workflow = defineWorkflow({ ...flow, events: [Nudge] })
      .step('ask', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
        Done((await ctx.ask(Question(1))).data),
      )
      .step('nudged', { on: Nudge }, (_, { data }) => void log.push(data))
    const session = await page.open(workflow)
    const result = session.run()
    await page.settle()
    session.pause()
    expect(await session.send(Nudge('hey'))).toBe(true)
    await page.clock.advance(1000)
    expect(log).toEqual([])
    session.resume()
    await page.settle()
    expect(log).toEqual(['hey'])
    session.pause()
    expect(await session.asks[0]?.reply('me')).toBe(true)
    session.resume()
    expect(await result).toBe('me')
  })

  test('answered while paused, then a reload / the answer is there at the resume', async () => {
    const page = profile()
    const log: unknown[] = []
    const session = await page.open(asking(log))
    session.run().catch(() => {})
    await page.settle()
    session.pause()
    expect(await session.asks[0]?.reply(3)).toBe(true)
    await page.reload()
    log.length = 0
    const again = await page.open(asking(log))
    expect(again.status).toBe('paused')
    expect(again.asks).toEqual([])
    again.resume()
    await page.settle()
    expect(again.result).toBe(3)
    expect(log.slice(-2)).toEqual(['work', 'end'])
  })

  test('pause() and resume() twice / as once; resume() when not paused / nothing happens', async () => {
    const page = profile()
    const session = await page.open(asking([]))
    session.resume()
    expect(session.status).toBe('idle')
    session.run().catch(() => {})
    await page.settle()
    session.resume()
    session.pause()
    session.pause()
    expect(session.status).toBe('paused')
    const before = session.history().length
    session.pause()
    expect(session.history()).toHaveLength(before)
    session.resume()
    session.resume()
    expect(session.status).toBe('waiting')
  })

  test('cancel() of a paused run / it is cancelled, and the next resume() starts nothing of it', async () => {
    const page = profile()
    const log: unknown[] = []
    const session = await page.open(working(log, Promise.resolve()))
    session.pause()
    const result = failure(session.run())
    await page.settle()
    session.cancel('enough')
    expect(await result).toMatchObject({ code: 'CANCELLED' })
    expect(session.status).toBe('cancelled')
    session.resume()
    await page.clock.advance(1000)
    expect(log).toEqual([])
    expect(session.status).toBe('cancelled')
  })

  test('close() of a paused run / SessionClosedError; the session is paused at the next open', async () => {
    const page = profile()
    const log: unknown[] = []
    const session = await page.open(working(log, Promise.resolve()))
    session.pause()
    const result = failure(session.run())
    await page.settle()
    await session.close()
    expect(await result).toMatchObject({ code: 'SESSION_CLOSED' })
    const again = await page.open(working(log, Promise.resolve()))
    await page.clock.advance(1000)
    expect(again.status).toBe('paused')
    expect(log).toEqual([])
    again.resume()
    await page.settle()
    expect(again.result).toBe(1)
  })

  test("while paused / the run's timeout does not count", async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, timeout: 1000 }).step(
      'work',
      { on: Go, emits: [Done] },
      async (ctx) => Done(await ctx.once('slow', () => slow.promise)),
    )
    const slow = gate<number>()
    const session = await page.open(workflow)
    const result = session.run()
    await page.clock.advance(600)
    session.pause()
    await page.clock.advance(60_000)
    session.resume()
    await page.clock.advance(300)
    expect(session.status).toBe('running')
    slow.open(7)
    expect(await result).toBe(7)
  })

  test('while loading / the stored run is held', async () => {
    const { page, workflow } = await cutOff()
    const session = page.engine.session(workflow)
    session.pause()
    await session.ready
    await page.clock.advance(1000)
    expect(session.status).toBe('paused')
    session.resume()
    await page.settle()
    expect(session.status).toBe('completed')
  })
})

describe('autoResume: false', () => {
  test('run() / carries on with the interrupted run and ignores the input', async () => {
    const { page, workflow, log } = await cutOff()
    const again = await page.open(workflow, { autoResume: false })
    await page.clock.advance(1000)
    expect(log).toEqual(['begun'])
    expect(await again.run()).toBe(1)
    expect(log).toEqual(['begun', 'begun', 'effect', 'end'])
  })

  test('a fresh session / run() starts it as usual', async () => {
    const session = await profile().open(working([], Promise.resolve()), { autoResume: false })
    expect(session.status).toBe('idle')
    expect(await session.run()).toBe(1)
  })

  test('a sleep has run out / it goes on only after resume()', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('sleep', { on: Go, emits: [Done] }, async (ctx) => {
      await ctx.sleep(100)
      return Done('woke')
    })
    void (await page.open(workflow)).run()
    await page.reload()
    const again = await page.open(workflow, { autoResume: false })
    await page.clock.advance(5000)
    expect(again.status).toBe('paused')
    again.resume()
    await page.settle()
    expect(again.result).toBe('woke')
  })
})

describe('step()', () => {
  test('before run() / false, and the coming run waits for the next step()', async () => {
    const page = profile()
    const log: unknown[] = []
    const session = await page.open(asking(log))
    expect(await session.step()).toBe(false)
    const result = session.run()
    await page.settle()
    expect(session.status).toBe('paused')
    expect(session.asks).toEqual([])
    expect(await session.step()).toBe(true)
    expect(session.asks).toHaveLength(1)
    await session.asks[0]?.reply(2)
    await page.settle()
    expect(log).toEqual(['answered 2'])
    expect(await session.step()).toBe(true)
    expect(await session.step()).toBe(false)
    expect(log).toEqual(['answered 2', 'work', 'end'])
    expect(await result).toBe(2)
    expect(await session.step()).toBe(false)
  })

  test('several events are queued in a sub-flow / each call starts one of them', async () => {
    const page = profile()
    const ran: number[] = []
    const child = defineWorkflow({ ...flow, name: 'child' })
      .step('split', { on: Go, emits: [Item] }, () => [1, 2].map((it) => Item(it)))
      .step('work', { on: Item, emits: [Done] }, (_, { data }) => {
        ran.push(data)
        return data === 2 ? Done(data) : undefined
      })
    const session = await page.open(
      defineWorkflow(flow).subflow('sub', { on: Go, workflow: child, emits: [Done] }),
    )
    session.pause()
    const result = session.run()
    await session.step()
    await session.step()
    expect(ran).toEqual([])
    await session.step()
    expect(ran).toEqual([1])
    await session.step()
    expect(ran).toEqual([1, 2])
    await page.settle()
    expect(await result).toBe(2)
  })

  test('a step that asks / true while the ask is open, however often it is called', async () => {
    const page = profile()
    const session = await page.open(asking([]))
    session.pause()
    session.run().catch(() => {})
    expect([await session.step(), await session.step(), await session.step()]).toEqual([true, true, true])
    expect(session.asks).toHaveLength(1)
  })

  test('called in a loop / comes to the end of a sub-flow, and does not spin', async () => {
    const page = profile()
    const child = defineWorkflow({ ...flow, name: 'child' }).step('end', { on: Go, emits: [Done] }, () =>
      Done('end'),
    )
    const session = await page.open(
      defineWorkflow(flow).subflow('sub', { on: Go, workflow: child, emits: [Done] }),
    )
    session.pause()
    const result = session.run()
    // A loop without an end would not fail this test, but hang it.
    for (let more = true, left = 100; more && left > 0; left--) more = await session.step()
    expect(session.status).toBe('completed')
    expect(await result).toBe('end')
  })

  test('the step of a sub-flow hangs / the timeout of the step around it counts that, and nothing in between', async () => {
    const page = profile()
    let begun = 0
    const child = defineWorkflow({ ...flow, name: 'child' }).step('hang', { on: Go, emits: [Done] }, () => {
      begun++
      return new Promise<never>(() => {})
    })
    const session = await page.open(
      defineWorkflow(flow).subflow('sub', { on: Go, workflow: child, emits: [Done], timeout: 1000 }),
    )
    session.pause()
    const result = failure(session.run())
    await session.step()
    await page.clock.advance(60_000)
    const step = session.step()
    await page.clock.advance(999)
    expect([begun, session.status]).toEqual([1, 'paused'])
    await page.clock.advance(1)
    expect(session.status).toBe('failed')
    expect(await step).toBe(false)
    expect(await result).toMatchObject({ cause: { name: 'TimeoutError' } })
  })

  test('during a run / pauses it', async () => {
    const page = profile()
    const log: unknown[] = []
    const session = await page.open(asking(log))
    session.run().catch(() => {})
    await page.settle()
    expect(await session.step()).toBe(true)
    expect(session.status).toBe('paused')
    session.resume()
    await session.asks[0]?.reply(1)
    await page.settle()
    expect(session.result).toBe(1)
  })

  test('a fan-out / one branch for each call, in order; then resume() does the rest', async () => {
    const page = profile()
    const begun: number[] = []
    const workflow = defineWorkflow({ ...flow })
      .step('fan', { on: Go, emits: [Item] }, () => [1, 2, 3].map((n) => Item(n)))
      .step('work', { on: Item, emits: [Worked] }, (_, { data }) => (begun.push(data), Worked(data)))
      .step('end', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.length))
    const session = await page.open(workflow)
    session.pause()
    const result = session.run()
    await session.step()
    expect(begun).toEqual([])
    await session.step()
    expect(begun).toEqual([1])
    await session.step()
    expect(begun).toEqual([1, 2])
    session.resume()
    expect(await result).toBe(3)
  })

  test('a failing step / the run fails, and nothing is left to do; retry() waits for the next step() too', async () => {
    const page = profile()
    let fails = true
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => {
      if (fails) throw new Error('no')
      return Done(1)
    })
    const session = await page.open(workflow)
    session.pause()
    const result = failure(session.run())
    expect(await session.step()).toBe(false)
    expect(await result).toMatchObject({ code: 'STEP_FAILED' })
    expect(session.status).toBe('failed')
    fails = false
    const second = session.retry()
    await page.clock.advance(1000)
    expect(session.status).toBe('paused')
    expect(await session.step()).toBe(false)
    expect(await second).toBe(1)
  })

  test('nothing is left, and no stop event / stalled, and false', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow, skip: ['deadEnd'] }).step(
      'work',
      { on: Go, emits: [Done] },
      () => {},
    )
    const session = await page.open(workflow)
    session.pause()
    const result = failure(session.run())
    expect(await session.step()).toBe(false)
    expect(session.status).toBe('stalled')
    expect(await result).toMatchObject({ code: 'STALLED' })
  })

  test('the last events of an allOf have come / true, and the next call starts it', async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow })
      .step('left', { on: Go, emits: [Item] }, () => Item(1))
      .step('right', { on: Go, emits: [Worked] }, () => Worked(2))
      .step('both', { on: allOf(Item, Worked), emits: [Done] }, (_, [left, right]) =>
        Done([left.data, right.data]),
      )
    const session = await page.open(workflow)
    session.pause()
    const result = session.run()
    expect([await session.step(), await session.step(), await session.step()]).toEqual([true, true, false])
    expect(await result).toEqual([1, 2])
  })

  test('nothing is left in a sub-flow, and no stop event / the step that runs it fails', async () => {
    const page = profile()
    const child = defineWorkflow({ ...flow, name: 'child', skip: ['deadEnd'] }).step(
      'work',
      { on: Go, emits: [Done] },
      () => {},
    )
    const session = await page.open(
      defineWorkflow(flow).subflow('sub', { on: Go, workflow: child, emits: [Done] }),
    )
    session.pause()
    const result = failure(session.run())
    for (let more = true, left = 100; more && left > 0; left--) more = await session.step()
    expect(session.status).toBe('failed')
    expect(await result).toMatchObject({ code: 'STEP_FAILED', cause: { code: 'STALLED' } })
  })

  test('after a reload / goes on where it was', async () => {
    const page = profile()
    const log: unknown[] = []
    const session = await page.open(working(log, Promise.resolve()))
    session.pause()
    session.run().catch(() => {})
    expect(await session.step()).toBe(true)
    await page.reload()
    const again = await page.open(working(log, Promise.resolve()))
    expect(again.status).toBe('paused')
    expect(await again.step()).toBe(false)
    expect(again.result).toBe(1)
    expect(log.filter((it) => it === 'effect')).toHaveLength(1)
  })

  test('the session is closed meanwhile, or was before / SessionClosedError, no hang', async () => {
    const page = profile()
    const session = await page.open(working([], gate<never>().promise))
    session.pause()
    session.run().catch(() => {})
    const step = session.step().catch((error: unknown) => error)
    await page.settle()
    await session.close()
    await step
    expect(await failure(session.step())).toMatchObject({ code: 'SESSION_CLOSED' })
  })
})
