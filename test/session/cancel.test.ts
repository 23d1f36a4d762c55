import { expect, test } from 'vitest'
import { defineWorkflow, type CancelledError } from '../../src/index'
import { asking, Done, failure, flow, gate, Go, Item, profile, Question, unhandled } from '../support/flows'

test('cancel() / the signal is aborted, and the run rejects with CancelledError and the reason', async () => {
  const page = profile()
  let signal: AbortSignal | undefined
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, (ctx) => {
    signal = ctx.signal
    return gate<never>().promise
  })
  const session = await page.open(workflow)
  const result = failure(session.run())
  await page.settle()
  session.cancel('changed my mind')
  await page.settle()
  const error: CancelledError = await result
  expect(error).toMatchObject({ code: 'CANCELLED', reason: 'changed my mind' })
  expect(session.error).toBe(error)
  expect(session.status).toBe('cancelled')
  expect(signal?.aborted).toBe(true)
  expect(signal?.reason).toBeInstanceOf(Error)
})

test('a second run is cancelled for the same reason / its error is another one', async () => {
  const page = profile()
  const session = await page.open(asking)
  const cancelled = async () => {
    const result = failure(session.run())
    await page.settle()
    session.cancel('changed my mind')
    return result
  }
  const first = await cancelled()
  const second = await cancelled()
  expect(second).not.toBe(first)
  expect(session.error).toBe(second)
})

test('cancel() / uncommitted writes of the step are taken out, committed ones stay', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.state.set('committed', true)
    await ctx.commit()
    await ctx.state.set('uncommitted', true)
    return gate<never>().promise
  })
  const session = await page.open(workflow)
  const result = failure(session.run())
  await page.settle()
  session.state.set('typed', 'by the user')
  session.cancel()
  await result
  expect(session.state.get()).toEqual({ committed: true, typed: 'by the user' })
})

test('cancel() / late results are ignored', async () => {
  const page = profile()
  const effect = gate<number>()
  const late: unknown[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('work', { on: Go, emits: [Item, Done] }, async (ctx) => {
      try {
        await ctx.once('effect', () => effect.promise)
        late.push('effect')
      } catch {
        late.push('caught')
      }
      await ctx.state.set('late', true)
      return Item(1)
    })
    .step('next', { on: Item, emits: [Done] }, () => (late.push('next'), Done(1)))
  const session = await page.open(workflow)
  const result = failure(session.run())
  await page.settle()
  session.cancel()
  await result
  effect.open(5)
  await page.settle()
  expect(session.status).toBe('cancelled')
  expect(session.state.get()).toEqual({})
  expect(late).not.toContain('next')
  expect(late).not.toContain('effect')
})

test('cancel(), then a reload / does not restart it', async () => {
  const page = profile()
  let ran = 0
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => {
    ran++
    return gate<never>().promise
  })
  const session = await page.open(workflow)
  const result = failure(session.run())
  await page.settle()
  session.cancel('enough')
  await result
  await page.reload()
  const again = await page.open(workflow)
  await page.settle()
  expect(again.status).toBe('cancelled')
  expect(again.error).toMatchObject({ code: 'CANCELLED', reason: 'enough' })
  expect(ran).toBe(1)
})

test('cancel(), then the page dies at once / the session is cancelled all the same', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow }).step(
    'work',
    { on: Go, emits: [Done] },
    () => gate<never>().promise,
  )
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.settle()
  session.cancel()
  await page.settle()
  page.kill()
  expect((await page.open(workflow)).status).toBe('cancelled')
})

test('a later run / starts over with the state kept', async () => {
  const page = profile()
  let stuck = true
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
    await ctx.state.set('runs', Number(ctx.state.get('runs', 0)) + 1)
    await ctx.commit()
    if (stuck) await gate().promise
    return Done(ctx.state.get('runs'))
  })
  const session = await page.open(workflow)
  const result = failure(session.run())
  await page.settle()
  session.cancel()
  await result
  stuck = false
  expect(await session.run()).toBe(2)
  expect(session.error).toBeUndefined()
})

test('cancel() while an ask is open / the ask is gone, and a reply is told so', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow }).step(
    'work',
    { on: Go, asks: [Question], emits: [Done] },
    async (ctx) => Done((await ctx.ask(Question(1))).data),
  )
  const session = await page.open(workflow)
  const result = failure(session.run())
  await page.settle()
  const [ask] = session.asks
  session.cancel()
  await result
  expect(session.asks).toEqual([])
  expect(await ask?.reply('late')).toBe(false)
  expect(session.status).toBe('cancelled')
})

test('cancel() in a retry backoff or a sleep / nothing wakes later', async () => {
  const page = profile()
  const ran: string[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('fails', { on: Go, emits: [Done], retry: { attempts: 5, delay: 100 } }, () => {
      ran.push('fails')
      throw new Error('no')
    })
    .step('sleeps', { on: Go, emits: [Done] }, async (ctx) => {
      ran.push('sleeps')
      await ctx.sleep(200)
      ran.push('woke')
      return Done(1)
    })
  const session = await page.open(workflow)
  const result = failure(session.run())
  await page.settle()
  session.cancel()
  await result
  await page.clock.advance(10_000)
  expect(ran).toEqual(['fails', 'sleeps'])
  expect(page.clock.pending).toBe(0)
})

test('cancel() a second time / the first reason stays, and nothing more is recorded', async () => {
  const page = profile()
  const session = await page.open(asking)
  const result = failure(session.run())
  await page.settle()
  session.cancel('first')
  session.cancel('at once')
  expect(await result).toMatchObject({ code: 'CANCELLED', reason: 'first' })
  const { length } = session.history()
  session.cancel('later')
  await page.settle()
  expect([session.status, session.error, session.history().length]).toMatchObject([
    'cancelled',
    { reason: 'first' },
    length,
  ])
})

test('cancel() on an idle or completed session / nothing happens', async () => {
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, () => Done(1))
  const page = profile()
  const session = await page.open(workflow)
  session.cancel()
  await page.settle()
  expect(session.status).toBe('idle')
  await session.run()
  session.cancel('late')
  await page.settle()
  expect(session.status).toBe('completed')
  expect(session.result).toBe(1)
})

test('cancel() when nobody waits for the run / no unhandled rejection', async () => {
  const heard = await unhandled(async () => {
    const page = profile()
    const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
      void ctx.once('left alone', () => gate().promise)
      void ctx.sleep(1000)
      void ctx.waitFor(Item)
      return gate<never>().promise
    })
    const session = await page.open(workflow)
    void session.run()
    await page.settle()
    session.cancel()
    await page.clock.advance(5000)
  })
  expect(heard).toEqual([])
})

test('a step that cancels its own session / the session is cancelled, and what the step returns is ignored', async () => {
  const page = profile()
  let cancel = (): void => {}
  const workflow = defineWorkflow({ ...flow }).step('work', { on: Go, emits: [Done] }, async (ctx) => {
    cancel()
    await ctx.state.set('after', true).catch(() => {})
    return Done(1)
  })
  const session = await page.open(workflow)
  cancel = () => session.cancel('from inside')
  expect(await failure(session.run())).toMatchObject({ code: 'CANCELLED' })
  await page.settle()
  expect(session.status).toBe('cancelled')
  expect(session.state.get()).toEqual({})
})

test("cancel() with a reason that is no text, such as a button's event / an error at the call; a null reason counts as none", async () => {
  const page = profile()
  const session = await page.open(asking)
  session.run().catch(() => {})
  await page.settle()
  for (const reason of [{ type: 'click' }, new Error('why'), 5] as unknown as string[])
    expect(() => session.cancel(reason)).toThrow(/^cancel\(\) takes a text, not /)
  await page.reload()
  const again = await page.open(asking)
  expect(again.status).toBe('waiting')
  again.cancel(null as unknown as string)
  await page.reload()
  expect((await page.open(asking)).error?.message).toBe('the run was cancelled')
})
