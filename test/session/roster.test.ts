import { expect, test } from 'vitest'
import { Roster } from '../../src/session/model/roster'
import { random } from '../support/random'

/** A roster and a map to which the same is done. */
function play(dice: () => number): void {
  const roster = new Roster<object>()
  const map = new Map<number, object>()
  for (let n = 0; n < 60; n++) {
    const id = 1 + Math.floor(dice() * 30)
    const act = dice()
    if (act < 0.02) {
      roster.clear()
      map.clear()
    } else if (act < 0.5) {
      roster.delete(id)
      map.delete(id)
    } else if (!map.has(id)) {
      const item = { id }
      roster.add(id, item)
      map.set(id, item)
    }
    const ids = [...map.keys()]
    expect([roster.size, roster.keys()]).toEqual([map.size, ids])
    expect(roster.values()).toEqual(ids.map((it) => map.get(it)))
    const all = Array.from({ length: 32 }, (_, it) => it)
    expect(all.map((it) => roster.get(it))).toEqual(all.map((it) => map.get(it)))
    expect(all.filter((it) => roster.has(it))).toEqual([...ids].sort((a, b) => a - b))
  }
}

test('random adds and deletes / it holds what a Map holds, in its order', () => {
  for (let seed = 1; seed <= 20; seed++) play(random(seed))
})

test('deleting each key while iterating / every key is visited', () => {
  const roster = new Roster<object>()
  for (const it of [3, 1, 2]) roster.add(it, [it])
  const met: number[] = []
  for (const it of roster.keys()) {
    met.push(it)
    roster.delete(it)
  }
  expect([met, roster.size]).toEqual([[3, 1, 2], 0])
})
