import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { allOf, defineEvent, defineWorkflow } from '../../src/index'
import { Done, failure, flow, gate, Go, Item, Nudge, profile, Question } from '../support/flows'

const A = defineEvent('a', z.number())
const B = defineEvent('b', z.number())

/** A step that collects [A, B]; `count` batches complete the run. */
const pairs = (count: number, sends: (typeof A | typeof B)[] = []) => {
  let n = 0
  const batches: unknown[] = []
  return defineWorkflow({ ...flow, events: [A, B], skip: ['unconsumed'] })
    .step('start', { on: Go, emits: [A, B] }, (ctx) => {
      for (const send of sends) ctx.send(send(++n))
    })
    .step('pair', { on: [A, B], emits: [Done], workers: 1 }, async (ctx, event) => {
      const batch = await ctx.collect(event, [A, B])
      if (batch) batches.push(batch.map((it) => `${it.type}${it.data}`))
      return batches.length === count ? Done(batches) : undefined
    })
}

test('collect for [A, B], B then A arrives / [A, B]', async () => {
  expect(await (await profile().open(pairs(1, [B, A]))).run()).toEqual([['a2', 'b1']])
})

test('a1 a2 a3 b1 b2 b3 / three ordered pairs', async () => {
  expect(await (await profile().open(pairs(3, [A, A, A, B, B, B]))).run()).toEqual([
    ['a1', 'b4'],
    ['a2', 'b5'],
    ['a3', 'b6'],
  ])
})

test('a1 a2 b1 b2 / (a1, b1), then (a2, b2)', async () => {
  expect(await (await profile().open(pairs(2, [A, A, B, B]))).run()).toEqual([
    ['a1', 'b3'],
    ['a2', 'b4'],
  ])
})

test('surplus / is kept for the next batch, in order of arrival', async () => {
  expect(await (await profile().open(pairs(3, [B, B, A, B, A, A]))).run()).toEqual([
    ['a3', 'b1'],
    ['a5', 'b2'],
    ['a6', 'b4'],
  ])
})

test('reload after the first of two / completes with both', async () => {
  const page = profile()
  const first = await page.open(pairs(1))
  void first.run()
  await page.settle()
  expect(await first.send(A(1))).toBe(true)
  await page.reload()
  const again = await page.open(pairs(1))
  const result = again.run()
  await page.settle()
  expect(await again.send(B(2))).toBe(true)
  expect(await result).toEqual([['a1', 'b2']])
})

test('cut off right after collecting / the batch is there again, and nothing is collected twice', async () => {
  const page = profile()
  let stuck = true
  const workflow = defineWorkflow({ ...flow, events: [A, B] }).step(
    'pair',
    { on: [Go, A, B], emits: [Done] },
    async (ctx, event) => {
      if (event.type === 'go') return undefined
      const batch = await ctx.collect(event, [A, B, A])
      if (batch && stuck) await gate().promise
      return batch && Done(batch.map((it) => it.data))
    },
  )
  const first = await page.open(workflow)
  void first.run()
  await page.settle()
  for (const event of [A(1), B(2), A(3), A(4)]) await first.send(event)
  await page.reload()
  stuck = false
  const again = await page.open(workflow)
  expect(await again.run()).toEqual([1, 2, 3])
})

test('the same type twice in the list / two events of it', async () => {
  const workflow = defineWorkflow({ ...flow })
    .step('start', { on: Go, emits: [A, B] }, (ctx) => {
      for (const event of [A(1), B(2), A(3)]) ctx.send(event)
    })
    .step('pair', { on: [A, B], emits: [Done] }, async (ctx, event) => {
      const batch = await ctx.collect(event, [A, A, B])
      return batch && Done(batch.map((it) => it.data))
    })
  expect(await (await profile().open(workflow)).run()).toEqual([1, 3, 2])
})

test('two buffers of one step, or one buffer name in two steps / are separate', async () => {
  const seen: string[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('start', { on: Go, emits: [A] }, (ctx) => [1, 2, 3, 4].forEach((n) => ctx.send(A(n))))
    .step('one', { on: A, emits: [Done] }, async (ctx, event) => {
      const batch = await ctx.collect(event, [A, A], { buffer: event.data % 2 === 0 ? 'even' : 'odd' })
      if (batch) seen.push(`one ${batch.map((it) => it.data).join()}`)
    })
    .step('two', { on: A, emits: [Done] }, async (ctx, event) => {
      const batch = await ctx.collect(event, [A, A, A, A], { buffer: 'even' })
      return batch && Done(batch.map((it) => it.data))
    })
  expect(await (await profile().open(workflow)).run()).toEqual([1, 2, 3, 4])
  expect(seen).toEqual(['one 1,3', 'one 2,4'])
})

test('the attempt fails after collecting / the retry gets the same batch', async () => {
  const seen: unknown[] = []
  const workflow = defineWorkflow({ ...flow })
    .step('start', { on: Go, emits: [A, B] }, (ctx) => [A(1), B(2)].forEach((it) => ctx.send(it)))
    .step('pair', { on: [A, B], emits: [Done], retry: { attempts: 3 } }, async (ctx, event) => {
      const batch = await ctx.collect(event, [A, B])
      if (batch) seen.push(batch.map((it) => it.data))
      if (batch && ctx.attempt < 3) throw new Error('not yet')
      return batch && Done('done')
    })
  expect(await (await profile().open(workflow)).run()).toBe('done')
  expect(seen).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ])
})

test('a run that completes / clears the buffers; a run that fails or stalls keeps them', async () => {
  let broken = true
  const workflow = defineWorkflow({ ...flow })
    .step('start', { on: Go, emits: [A, B] }, (ctx) => [A(1), A(2), B(3)].forEach((it) => ctx.send(it)))
    .step('pair', { on: [A, B], emits: [Done], workers: 1 }, async (ctx, event) => {
      const batch = await ctx.collect(event, [A, B])
      if (batch && broken) throw new Error('broken')
      return batch && Done(batch.map((it) => it.data))
    })
  const session = await profile().open(workflow)
  await failure(session.run())
  broken = false
  expect(await session.retry()).toEqual([1, 3])
  // The surplus A(2) went with the run that completed.
  expect(await session.run()).toEqual([1, 3])
})

describe('half a batch left by a run that did not complete', () => {
  /** A run leaves half a batch in a buffer, and another half before an `allOf`; then it stalls, or fails. */
  const halves = (breaks: () => boolean) =>
    defineWorkflow({ ...flow, skip: ['unconsumed', 'unproduced', 'deadEnd'] })
      .step('start', { on: Go, emits: [A, Item] }, () => [A(1), Item(1)])
      .step('collects', { on: [A, B] }, async (ctx, event) => {
        const batch = await ctx.collect(event, [A, A, B])
        await ctx.state.append('batches', batch?.map((it) => it.data) ?? [])
      })
      .step('pair', { on: allOf(A, B), emits: [Done] }, (_, pair) => Done(pair.map((it) => it.data)))
      .step('last', { on: Item }, async (ctx) => {
        await ctx.sleep(10)
        if (breaks()) throw new Error('broken')
      })

  test('the run stalls, and the other half is sent / it goes on with the half that was kept', async () => {
    const page = profile()
    const session = await page.open(halves(() => false))
    const stalled = failure(session.run())
    await page.clock.advance(10)
    expect(await stalled).toMatchObject({ code: 'STALLED' })
    await session.send(B(2))
    await page.settle()
    expect(session.result).toEqual([1, 2])
  })

  test('the run fails and is retried / it goes on with the half that was kept', async () => {
    const page = profile()
    let broken = true
    const session = await page.open(halves(() => broken))
    const failed = failure(session.run())
    await page.clock.advance(10)
    await failed
    broken = false
    session.retry().catch(() => {})
    await session.send(B(2))
    await page.settle()
    expect(session.result).toEqual([1, 2])
  })

  test.each([true, false])(
    'the run fails (%s) or stalls, and run() starts over / nothing of the old run is mixed in; the state is kept',
    async (broken) => {
      const page = profile()
      const session = await page.open(halves(() => broken))
      for (const _ of [1, 2]) {
        const ended = failure(session.run())
        await page.clock.advance(10)
        await ended
      }
      expect(session.status).toBe(broken ? 'failed' : 'stalled')
      // With the first run's half, there would be two of A.
      expect(session.state.get('batches')).toEqual([[], []])
      if (broken) return
      await session.send(B(2))
      await page.settle()
      expect(session.result).toEqual([1, 2])
    },
  )
})

test('an incomplete batch when nothing else is left / the stalled run lists its events as unconsumed', async () => {
  const session = await profile().open(
    defineWorkflow({ ...flow, skip: ['unproduced'] })
      .step('start', { on: Go, emits: [A] }, () => A(1))
      .step('pair', { on: [A, B], emits: [Done] }, async (ctx, event) => {
        const batch = await ctx.collect(event, [A, B])
        return batch && Done(1)
      }),
  )
  expect(await failure(session.run())).toMatchObject({ code: 'STALLED', unconsumed: ['a'] })
})

test('a wait in the same step as a collect / both survive a reload', async () => {
  const page = profile()
  const workflow = defineWorkflow({ ...flow, events: [Nudge] })
    .step('start', { on: Go, emits: [A, B] }, (ctx) => [A(1), B(2)].forEach((it) => ctx.send(it)))
    .step('pair', { on: [A, B], emits: [Done] }, async (ctx, event) => {
      const batch = await ctx.collect(event, [A, B])
      if (!batch) return undefined
      const nudge = await ctx.waitFor(Nudge)
      return Done([...batch.map((it) => it.data), nudge.data])
    })
  void (await page.open(workflow)).run()
  await page.reload()
  const again = await page.open(workflow)
  await page.settle()
  expect(await again.send(Nudge(3))).toBe(true)
  expect(await again.run()).toEqual([1, 2, 3])
})

test('buffer and step names with slashes / name different buffers', async () => {
  const page = profile()
  const batches: unknown[] = []
  const keep =
    (buffer: string) => async (ctx: { collect: (...args: never[]) => Promise<unknown> }, event: unknown) => {
      const batch = await ctx.collect(...([event, [Item, Item], { buffer }] as never[]))
      if (batch) batches.push(batch)
    }
  const workflow = defineWorkflow({ ...flow, events: [Item], skip: ['deadEnd'] })
    .step('start', { on: Go, asks: [Question], emits: [Done] }, async (ctx) =>
      Done((await ctx.ask(Question(1))).data),
    )
    .step('a/b', { on: Item }, keep('c'))
    .step('a', { on: Item }, keep('b/c'))
  const session = await page.open(workflow)
  void session.run()
  await page.settle()
  expect(await session.send(Item(1))).toBe(true)
  await page.settle()
  expect(batches).toEqual([])
  expect(await session.send(Item(2))).toBe(true)
  await page.settle()
  expect(batches).toEqual([
    [Item(1), Item(2)],
    [Item(1), Item(2)],
  ])
})

test('a buffer name that is no text / an error at the call, since its records could not be read again', async () => {
  const page = profile()
  const errors: unknown[] = []
  const workflow = defineWorkflow({ ...flow, events: [A], skip: ['unconsumed'] })
    .step('start', { on: Go, emits: [A] }, () => A(1))
    .step('pair', { on: A, emits: [Done] }, async (ctx, event) => {
      for (const buffer of [5, {}, null] as unknown as string[])
        await ctx.collect(event, [A, A], { buffer }).catch((error: Error) => errors.push(error.message))
    })
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.reload()
  expect(errors).toEqual([
    'collect(): buffer takes a text, not 5',
    'collect(): buffer takes a text, not object',
  ])
  expect((await page.open(workflow)).error).toBeUndefined()
})
