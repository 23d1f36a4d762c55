import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, gather } from '../../src/index'
import { Done, profile } from '../support/flows'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

type Nested = number | readonly Nested[]

const Lists = defineEvent('lists', z.array(z.unknown()))
const Outer = defineEvent('outer', z.unknown())
const Inner = defineEvent('inner', z.unknown())
const Leaf = defineEvent('leaf', z.number())
const Worked = defineEvent('worked', z.number())
const InnerDone = defineEvent('innerDone', z.array(z.unknown()))
const OuterDone = defineEvent('outerDone', z.unknown())

const items = (data: unknown): readonly Nested[] => data as readonly Nested[]

/** Takes lists of lists apart and puts them together again. Numbers in the outer list open no fan-out of their own. */
const workflow = defineWorkflow({ name: 'lists', version: 1, start: Lists, stop: Done })
  .step('split', { on: Lists, emits: [Outer] }, (_, { data }) => data.map((it) => Outer(it)))
  .step('split outer', { on: Outer, emits: [Inner, OuterDone] }, (_, { data }) =>
    typeof data === 'number' ? OuterDone(data) : items(data).map((it) => Inner(it)),
  )
  .step('split inner', { on: Inner, emits: [Leaf] }, (_, { data }) =>
    items(data).map((it) => Leaf(Number(it))),
  )
  .step('work', { on: Leaf, emits: [Worked], workers: 2 }, async (ctx, { data }) => {
    await ctx.sleep((data * 7) % 5)
    return Worked(data)
  })
  .step('join inner', { on: gather(Worked), emits: [InnerDone] }, (_, all) =>
    InnerDone(all.map((it) => it.data)),
  )
  .step('join outer', { on: gather(InnerDone), emits: [OuterDone] }, (_, all) =>
    OuterDone(all.map((it) => it.data)),
  )
  .step('join', { on: gather(OuterDone), emits: [Done] }, (_, all) => Done(all.map((it) => it.data)))

/** Half of them have numbers in their outer list, and half of the pages die at a write. */
async function play(seed: number): Promise<string[]> {
  const next = random(seed)
  const upTo = (most: number): number => Math.floor(next() * most)
  const list = (depth: number): Nested =>
    depth === 0 ? upTo(9) : Array.from({ length: Math.max(0, upTo(5) - 1) }, () => list(depth - 1))
  const mixed = next() < 0.5
  const lists = Array.from({ length: upTo(4) }, () => list(mixed && next() < 0.5 ? 0 : 2))
  const page = profile(next() < 0.5 ? { crashAt: 2 + upTo(12) } : undefined)
  const first = await page.open(workflow)
  first.run(lists).catch(() => {})
  await page.clock.advance(upTo(10))
  page.kill()
  const session = await page.open(workflow)
  if (session.status === 'idle') session.run(lists).catch(() => {})
  await page.clock.advance(200)
  const [result, expected] = [session.result, lists].map((it) => JSON.stringify(it))
  return result === expected ? [] : [`${expected} became ${result}, ${session.status}`]
}

test('random lists of lists, empty ones among them, with crashes / each gather gets the list of its own level', async () => {
  expect(await failuresOf(150, play)).toEqual([])
}, 3_600_000)
