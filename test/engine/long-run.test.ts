import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEngine,
  defineEvent,
  defineWorkflow,
  memoryStorage,
  type SessionStorage,
} from '../../src/index'
import { virtualClock } from '../../src/testing'

const Link = defineEvent('link', z.object({ n: z.number(), length: z.number() }))
const Done = defineEvent('done', z.number())
const chained = defineWorkflow({ name: 'chain', version: 1, start: Link, stop: Done, maxSteps: 100_000 })

/** Each event brings about the next, and that is all. */
const bare = chained.step('link', { on: Link, emits: [Link, Done] }, (_ctx, { data: { n, length } }) =>
  n < length ? Link({ n: n + 1, length }) : Done(n),
)

/** Each writes, commits and has an effect on the way: a ledger for every step. */
const busy = chained.step('link', { on: Link, emits: [Link, Done] }, async (ctx, { data: { n, length } }) => {
  await ctx.state.set('last', n)
  await ctx.once('effect', () => n)
  await ctx.commit()
  return n < length ? Link({ n: n + 1, length }) : Done(n)
})

const sizeOf = (stored: { readonly data: unknown } | undefined): number =>
  stored ? (stored.data as string).length : 0

/** What a session is after a chain of so many events, in numbers, and what was handed to its storage. */
async function after(workflow: typeof bare, length: number) {
  const memory = memoryStorage()
  let appended = 0
  const storage: SessionStorage = {
    ...memory,
    append(id, epoch, batch, options) {
      appended += sizeOf(batch)
      return memory.append(id, epoch, batch, options)
    },
  }
  const engine = createEngine({ storage, clock: { ...virtualClock(), idle: (fn) => fn() } })
  const session = await engine.open(workflow)
  await session.run({ n: 1, length })
  await session.flush()
  const saved = { ...(session.toJSON() as object), history: undefined }
  const { batches = [], snapshot } = (await memory.read(session.id)) ?? {}
  const stored = [...batches, snapshot].reduce((sum, it) => sum + sizeOf(it), 0)
  await engine.close()
  return { appended, stored, saved, entries: session.history().length, text: JSON.stringify(saved).length }
}

/** A journal may grow to 256 kB before a snapshot takes its place, and by what comes while that is written. */
const MOST = 2 * 256 * 1024

test('a chain of 44,000 events / what is stored stays bounded, and the session is no larger than after 1,000', async () => {
  const [short, long] = [await after(bare, 1_000), await after(bare, 44_000)]
  expect(long.appended).toBeGreaterThan(3 * MOST)
  expect(long.stored).toBeLessThan(MOST)
  expect(long.saved).toMatchObject({ execs: [], queues: [], scopes: [], buffers: [], log: [], roots: [] })
  expect(long.text - short.text).toBeLessThan(20)
  expect(long.entries).toBeLessThanOrEqual(1_001)
})

test('1,500 steps with ledgers / no execution, point or write is kept after its step has ended', async () => {
  const long = await after(busy, 1_500)
  expect(long.appended).toBeGreaterThan(MOST)
  expect(long.stored).toBeLessThan(MOST)
  expect(long.saved).toMatchObject({ execs: [], queues: [], log: [], roots: [], state: { last: 1_500 } })
  expect(long.text).toBeLessThan(1_000)
  expect(long.entries).toBeLessThanOrEqual(1_001)
})
