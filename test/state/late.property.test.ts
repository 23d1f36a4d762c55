import { afterEach, beforeEach, expect, test } from 'vitest'
import { copyJson } from '../../src/state/json'
import { expectLate, late } from '../../src/state/late'
import type { Op } from '../../src/state/op'
import { freezeDeep, Tree } from '../../src/state/tree'
import { LatePart, putLate } from '../../src/storage/late-part'
import { random } from '../support/random'

beforeEach(expectLate)
afterEach(() => void late.count--)

type Dice = () => number

const below = (dice: Dice, count: number): number => Math.floor(dice() * count)

function item(dice: Dice): unknown {
  if (dice() < 0.2) return below(dice, 9)
  return { a: below(dice, 9), in: { b: below(dice, 9) }, list: [below(dice, 9), below(dice, 9)] }
}

const items = (dice: Dice): unknown[] => Array.from({ length: 1 + below(dice, 8) }, () => item(dice))

/** A state, and the same with two of its lists not read yet. */
function states(dice: Dice): [unknown, unknown] {
  const state = { list: items(dice), inner: { list: items(dice), n: 1 }, text: 't' }
  const unread = structuredClone(state) as { list?: unknown; inner: { list?: unknown } }
  put(dice, unread, state.list)
  put(dice, unread.inner, state.inner.list)
  return [state, unread]
}

function put(dice: Dice, holder: object, list: readonly unknown[]): void {
  const parts: LatePart[] = []
  for (let from = 0; from < list.length;) {
    const values = list.slice(from, from + 1 + below(dice, 4))
    const text = JSON.stringify({ list: values })
    parts.push(
      new LatePart([parts.length, text.length, 0, values.length], text, (it) => JSON.parse(String(it))),
    )
    from += values.length
  }
  putLate(holder, 'list', parts, freezeDeep)
}

const PLACES = ['list', 'inner.list', 'inner', 'text', 'inner.n', 'new']

function path(dice: Dice): string {
  const place = PLACES[below(dice, PLACES.length)]!
  if (!place.endsWith('list') || dice() < 0.2) return place
  const rest = ['', '.a', '.in', '.in.b', '.list', '.list.1', '.list.5'][below(dice, 7)]!
  return `${place}.${below(dice, 9)}${rest}`
}

function op(dice: Dice): Op {
  const at = path(dice)
  const how = dice()
  if (how < 0.5) return ['set', at, copyJson(item(dice), at)]
  if (how < 0.7) return ['append', at, copyJson(item(dice), at)]
  if (how < 0.9) return ['delete', at]
  return ['splice', at, below(dice, 3), below(dice, 3), [copyJson(item(dice), at)]]
}

test(
  'a tree with unread lists answers and ends like one that has read them (1,500 seeds)',
  { timeout: 3_600_000 },
  () => {
    for (let seed = 1; seed <= 1500; seed++) {
      const dice = random(seed)
      const [read, unread] = states(dice)
      const [one, two] = [new Tree(read), new Tree(unread)]
      const told: string[][] = [[], []]
      for (const [n, tree] of [one, two].entries())
        for (const at of ['list.0.a', 'list', 'inner.list.2', 'text'])
          tree.subscribe(tree.named(at), () => told[n]!.push(at))
      const held: [unknown, string][] = []
      for (let step = 0; step < 12; step++) {
        const at = path(dice)
        const how = dice()
        if (how < 0.4) {
          const ops = [op(dice)]
          for (const tree of [one, two]) {
            tree.apply(ops)
            tree.flush()
          }
        } else if (how < 0.8) {
          const found = two.read(two.named(at))
          expect(found, `seed ${seed}, ${at}`).toEqual(one.read(one.named(at)))
          expect(two.read(two.named(at))).toBe(found)
          held.push([found, JSON.stringify(found)])
        } else if (how < 0.9) expect(two.has(two.named(at))).toBe(one.has(one.named(at)))
        else expect(JSON.stringify(two.root()), `seed ${seed}`).toBe(JSON.stringify(one.root()))
      }
      expect(two.root(), `seed ${seed}`).toEqual(one.root())
      expect(told[1], `seed ${seed}`).toEqual(told[0])
      // What was handed out has not changed.
      for (const [value, text] of held) expect(JSON.stringify(value)).toBe(text)
    }
  },
)
