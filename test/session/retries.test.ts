import { expect, test, vi } from 'vitest'
import { createEngine, defineWorkflow } from '../../src/index'
import { History } from '../../src/session/model/history'
import { virtualTabs } from '../../src/testing'
import { Done, flow, gate, Go, Item, Nudge, profile } from '../support/flows'

/** Fails twice, a second and two seconds before the next try, which takes half a second. */
function busy(page: ReturnType<typeof profile>, history?: number) {
  return defineWorkflow({ ...flow, ...(history !== undefined && { history }), events: [Nudge] }).step(
    'charge',
    { on: Go, emits: [Done], retry: { attempts: 3, delay: 1000, factor: 2 } },
    async (ctx) => {
      if (ctx.attempt < 3) throw new TypeError(`busy ${ctx.attempt}`)
      await new Promise<void>((resolve) => void page.clock.setTimeout(resolve, 500))
      return Done(1)
    },
  )
}

test('a step waits for its next try / it is among the retries, until it is tried', async () => {
  const page = profile()
  const session = await page.open(busy(page))
  expect(session.retries).toEqual([])
  const result = session.run()
  await page.settle()
  const now = page.clock.now()
  const error = { name: 'TypeError', message: 'busy 1' }
  expect(session.retries).toEqual([{ step: 'charge', attempts: 1, retryAt: now + 1000, error }])
  await page.clock.advance(1000)
  const second = { step: 'charge', attempts: 2, retryAt: now + 3000, error: { ...error, message: 'busy 2' } }
  expect(session.retries).toEqual([second])
  expect(session.retries).toBe(session.retries)
  await page.clock.advance(2000)
  expect([session.status, session.retries]).toEqual(['running', []])
  await page.clock.advance(500)
  expect(await result).toBe(1)
})

test('the page is loaded again meanwhile / the same, and people are told', async () => {
  const page = profile()
  const first = await page.open(busy(page))
  first.run().catch(() => {})
  await page.clock.advance(1500)
  const { retries } = first
  expect(retries).toHaveLength(1)
  await page.reload()
  const session = await page.open(busy(page))
  expect(session.retries).toEqual(retries)
  const told: number[] = []
  session.subscribe(() => told.push(session.retries.length))
  await page.clock.advance(1500)
  expect(told.at(-1)).toBe(0)
})

test.each([300, 3000])(
  'the date stands still, as tests let it / a retry in %i ms comes all the same',
  async (delay) => {
    const { clock, storage } = profile()
    const now = clock.now()
    const retry = { attempts: 3, delay }
    const workflow = defineWorkflow({ ...flow }).step('a', { on: Go, emits: [Done], retry }, async (ctx) => {
      await ctx.sleep(delay)
      if (ctx.attempt < 3) throw new Error('busy')
      return Done(ctx.attempt)
    })
    const session = await createEngine({ storage, clock: { ...clock, now: () => now } }).open(workflow)
    const result = session.run()
    await clock.advance(3 * delay - 1) // one sleep, two retries
    expect(session.status).toBe('waiting')
    await clock.advance(1)
    expect(await result).toBe(3)
  },
)

test('the clock is set back meanwhile / what is tried again waits no longer', async () => {
  const { clock, storage } = profile()
  let back = 0
  const workflow = defineWorkflow({ ...flow }).step(
    'charge',
    { on: Go, emits: [Done], retry: { attempts: 2, delay: 1000 } },
    async (ctx) => {
      if (ctx.attempt === 1) throw new Error('busy')
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 500))
      return Done(1)
    },
  )
  const engine = createEngine({ storage, clock: { ...clock, now: () => clock.now() - back } })
  const session = await engine.open(workflow)
  const result = session.run()
  await clock.advance(500)
  back = 86_400_000
  await clock.advance(700)
  expect([session.status, session.retries]).toEqual(['running', []])
  await clock.advance(500)
  expect(await result).toBe(1)
})

test('no history / no error is known', async () => {
  const page = profile()
  const session = await page.open(busy(page, 0))
  session.run().catch(() => {})
  await page.settle()
  expect(session.retries).toMatchObject([{ step: 'charge', attempts: 1, error: undefined }])
})

test('a thousand branches wait / the history is looked through once a look, not once for each', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow, history: 5000 })
    .step('fan', { on: Go, emits: [Item] }, () => Array.from({ length: 1000 }, (_, at) => Item(at)))
    .step(
      'work',
      { on: Item, emits: [Done], workers: 1000, retry: { attempts: 2, delay: 1000 } },
      (_, it) => {
        throw new Error(`no ${it.data}`)
      },
    )
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.settle()
  const since = vi.spyOn(History.prototype, 'since')
  const { retries } = session
  expect(since).toHaveBeenCalledTimes(1)
  since.mockRestore()
  expect(retries.map((it) => it.error?.message)).toEqual(Array.from({ length: 1000 }, (_, at) => `no ${at}`))
})

test('the run fails meanwhile / nothing waits', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow, events: [Nudge] })
    .step('fan', { on: Go, emits: [Item] }, () => [Item(1), Item(2)])
    .step('work', { on: Item, emits: [Done], retry: { attempts: 2, delay: 1000 } }, async (ctx, { data }) => {
      await ctx.sleep(data)
      throw new Error(`no ${data}`)
    })
    .step('fail', { on: Nudge }, () => {
      throw new Error('no more')
    })
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.clock.advance(5)
  expect(session.retries.map((it) => it.error?.message)).toEqual(['no 1', 'no 2'])
  await session.send(Nudge(1))
  await page.settle()
  expect([session.status, session.retries]).toEqual(['failed', []])
})

test('somebody goes back to an earlier back-off / it has the error of then, and the time that was left', async () => {
  const page = profile()
  const session = await page.open(busy(page))
  session.run().catch(() => {})
  await page.settle()
  const { seq } = session.history().at(-1)!
  await page.clock.advance(1600)
  expect(session.retries[0]?.error?.message).toBe('busy 2')
  session.rewind(seq)
  const now = page.clock.now()
  expect(session.retries).toMatchObject([{ attempts: 1, retryAt: now + 1000, error: { message: 'busy 1' } }])
})

test('a step of a sub-flow waits / it is among those of the session, with its own error', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow })
    .subflow('pay', { on: Go, workflow: busy(page), emits: [Done] })
    .step('fails too', { on: Go, emits: [Done], retry: { attempts: 2, delay: 9 } }, () => {
      throw new Error('another')
    })
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.settle()
  expect(session.retries.map((it) => [it.step, it.error?.message])).toEqual([
    ['fails too', 'another'],
    ['charge', 'busy 1'],
  ])
})

test('another tab follows / it knows as well, and when the step is tried', async () => {
  const tabs = virtualTabs()
  const page = profile(undefined, tabs)
  const first = await page.open(busy(page))
  first.run().catch(() => {})
  await page.settle()
  const { storage, clock } = page
  const second = await createEngine({ storage, clock, ...tabs }).open(busy(page))
  await page.settle()
  expect([second.role, second.retries]).toEqual(['follower', first.retries])
  await page.clock.advance(3000)
  expect([second.status, second.retries]).toEqual(['running', []])
})

test('its time comes while its worker is busy, or the session is paused / it is still among the retries, until it is tried', async () => {
  const tabs = virtualTabs()
  const page = profile(undefined, tabs)
  const { storage, clock } = page
  const busy = gate()
  const workflow = defineWorkflow(flow)
    .step('fan', { on: Go, emits: [Item] }, () => [Item(1), Item(2)])
    .step(
      'work',
      { on: Item, emits: [Done], workers: 1, retry: { attempts: 2, delay: 1000 } },
      async (ctx, { data }) => {
        if (data === 1 && ctx.attempt === 1) throw new Error('no')
        await busy.promise
        return data === 1 ? Done(1) : undefined
      },
    )
  const session = await page.open(workflow)
  const result = session.run()
  await clock.advance(2000)
  const retry = { step: 'work', attempts: 1, error: { message: 'no' } }
  expect(session.retries).toMatchObject([retry])
  session.pause()
  busy.open()
  await clock.advance(2000)
  const second = await createEngine({ storage, clock, ...tabs }).open(workflow)
  expect([second.role, session.retries, second.retries]).toMatchObject(['follower', [retry], [retry]])
  session.resume()
  expect(session.retries).toEqual([])
  expect(await result).toBe(1)
})
