import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineWorkflow, gather, type AnyWorkflow, type Session } from '../../src/index'
import { Tree } from '../../src/state/tree'
import { Done, flow, gate, Go, Item, profile, Worked, type Profile } from '../support/flows'

const state = z.object({
  found: z.record(z.string(), z.number()).default({}),
  all: z.array(z.number()).default([]),
})

/** So many workers write at once, and fail once all of them have written. */
function together(count: number, attempts: number): { workflow: AnyWorkflow; fail: () => void } {
  const { promise: failed, open: fail } = gate()
  let tries = 0
  const workflow = defineWorkflow({ ...flow, state })
    .step('split', { on: Go, emits: [Item] }, () => Array.from({ length: count }, (_, at) => Item(at)))
    .step(
      'each',
      {
        on: Item,
        emits: [Worked],
        workers: count,
        retry: { attempts, delay: 1000 },
      },
      async (ctx, { data }) => {
        await ctx.state.set(`found.k${data}`, data)
        await ctx.state.append('all', data)
        if (++tries > count) return Worked(data)
        await failed
        throw new Error('not yet')
      },
    )
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.length))
  return { workflow, fail }
}

async function written(
  page: Profile,
  count: number,
  attempts: number,
): Promise<[Session<AnyWorkflow>, () => void]> {
  const { workflow, fail } = together(count, attempts)
  const session = await page.open(workflow, { id: `of-${count}` })
  session.run().catch(() => {})
  await page.settle()
  expect(session.state.get('all')).toHaveLength(count)
  return [session, fail]
}

/** How often it is called on states while 10 workers fail, and while 80 do. */
async function calls(method: 'root' | 'apply', attempts: number): Promise<number[]> {
  const page = profile()
  const counts: number[] = []
  for (const count of [10, 80]) {
    const [session, fail] = await written(page, count, attempts)
    const spy = vi.spyOn(Tree.prototype, method)
    fail()
    await page.settle()
    counts.push(spy.mock.calls.length)
    spy.mockRestore()
    expect(session.state.get()).toEqual({ found: {}, all: [] })
  }
  return counts
}

afterEach(() => {
  vi.restoreAllMocks()
})

test('many workers write, fail at once, and are tried again / each rollback costs the same, however many workers there are', async () => {
  const [few = 0, many] = await calls('root', 2)
  expect(few).toBeGreaterThan(0)
  expect(many).toBeLessThan(few * 9)
})

test('a run fails after many workers have written / their writes are taken out together', async () => {
  const [few = 0, many] = await calls('apply', 1)
  expect(few).toBeGreaterThan(0)
  expect(many).toBeLessThan(few * 9)
})

test('some workers fail, the user writes, and the session is imported elsewhere / cut-off writes are taken out, and made again once', async () => {
  const page = profile()
  const { promise: failed, open: fail } = gate()
  const { promise: never } = gate()
  const workflow = defineWorkflow({ ...flow, state })
    .step('split', { on: Go, emits: [Item] }, () => [0, 1, 2, 3, 4].map((it) => Item(it)))
    .step(
      'each',
      { on: Item, emits: [Worked], workers: 5, retry: { attempts: 2, delay: 1000 } },
      async (ctx, { data }) => {
        await ctx.state.set(`found.k${data}`, data)
        await ctx.state.append('all', data)
        await (data % 2 === 0 ? failed : never)
        throw new Error('not yet')
      },
    )
    .step('join', { on: gather(Worked), emits: [Done] }, (_, all) => Done(all.length))
  const session = await page.open(workflow)
  session.run().catch(() => {})
  await page.settle()
  session.state.append('all', 7)
  fail()
  await page.settle()
  session.state.set('found.mine', 7)
  expect(session.state.get()).toEqual({ found: { k1: 1, k3: 3, mine: 7 }, all: [1, 3, 7] })
  const json: unknown = JSON.parse(JSON.stringify(session.toJSON()))
  const again = await page.engine.import(workflow, json, { id: 'elsewhere' })
  await page.settle()
  expect(again.state.get()).toEqual({ found: { k1: 1, k3: 3, mine: 7 }, all: [7, 1, 3] })
  await again.close()
  session.cancel()
  expect(session.state.get()).toEqual({ found: { mine: 7 }, all: [7] })
})
