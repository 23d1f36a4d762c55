import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineWorkflow, gather } from '../../src/index'
import { Done, profile } from '../support/flows'
import { random } from '../support/random'
import { failuresOf } from '../support/seeds'

type Nested = number | readonly Nested[]

const DEEPEST = 4
const list = z.array(z.unknown())
const made = Array.from({ length: DEEPEST + 1 }, (_, at) => defineEvent(`made ${at}`, z.unknown()))
const lists = Array.from({ length: DEEPEST }, (_, at) => defineEvent(`list ${at}`, list))
const leaf = defineEvent('leaf', z.number())

const isKept = (numbers: readonly unknown[], least: number): boolean =>
  numbers.flat(Infinity).reduce<number>((sum, it) => sum + Number(it), least) % 3 > 0

/** Lists in lists, so many deep. A leaf or gather of which `isKept` says no gives nothing, but the outermost. */
function workflowOf(depth: number, least: number) {
  const begun = defineWorkflow({ name: 'lists', version: 1, start: lists[0]!, stop: Done }).step(
    'work',
    { on: leaf, emits: [made[depth]!] },
    (_, { data }) => (isKept([data], least) ? made[depth]!(data) : undefined),
  )
  let flow = begun
  for (let at = 0; at < depth; at++) {
    const isLast = at === depth - 1
    const item = isLast ? leaf : lists[at + 1]!
    const more = flow
      .step(`split ${at}`, { on: lists[at]!, emits: [item] }, (_, { data }) =>
        data.map((it) => (isLast ? leaf(it as number) : lists[at + 1]!(it as unknown[]))),
      )
      .step(`gather ${at}`, { on: gather(made[at + 1]!), emits: [made[at]!] }, (_, all) => {
        const items = all.map((it) => it.data)
        return at === 0 || isKept(items, least) ? made[at]!(items) : undefined
      })
    flow = more as unknown as typeof begun
  }
  return flow.step('end', { on: made[0]!, emits: [Done] }, (_, { data }) => Done(data))
}

function expectedOf(it: Nested, least: number, isOutermost = true): Nested | undefined {
  if (typeof it === 'number') return isKept([it], least) ? it : undefined
  const items = it.flatMap((inner) => {
    const given = expectedOf(inner, least, false)
    return given === undefined ? [] : [given]
  })
  return isOutermost || isKept(items, least) ? items : undefined
}

/** Half of the pages die at a write. Half of the flows drop an empty list, the others hand it on. */
async function play(seed: number): Promise<string[]> {
  const next = random(seed)
  const upTo = (most: number): number => Math.floor(next() * most)
  const depth = 1 + upTo(DEEPEST)
  const least = upTo(2)
  const nested = (left: number): Nested =>
    left === 0 ? upTo(9) : Array.from({ length: upTo(4) }, () => nested(left - 1))
  const input = nested(depth) as Nested[]
  const workflow = workflowOf(depth, least)
  const page = profile(next() < 0.5 ? { crashAt: 2 + upTo(12) } : undefined)
  const first = await page.open(workflow)
  first.run(input).catch(() => {})
  await page.clock.advance(upTo(10))
  page.kill()
  const session = await page.open(workflow)
  if (session.status === 'idle') session.run(input).catch(() => {})
  await page.clock.advance(200)
  const [result, expected] = [session.result, expectedOf(input, least)].map((it) => JSON.stringify(it))
  return result === expected
    ? []
    : [`${JSON.stringify(input)}: ${expected} became ${result}, ${session.status}`]
}

test('random nested fan-outs, some of whose gathers give nothing, with crashes / each gather gets what its own branches gave', async () => {
  expect(await failuresOf(300, play)).toEqual([])
}, 3_600_000)
