import { expect, test } from 'vitest'
import { Deadlines, type Due } from '../../src/session/deadlines'
import { virtualClock } from '../../src/testing'
import { random } from '../support/random'

test('random times, some settled early / taken by time, then by age, like a sorted list; never more than one timer', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const next = random(seed)
    const clock = virtualClock({ now: 0 })
    const settled = new Set<number>()
    const deadlines = new Deadlines(clock, (it) => !settled.has(it.exec))
    const model: Due[] = []
    const took: Due[] = []
    const expected: Due[] = []
    const takeAll = (): void => {
      for (let due = deadlines.take(); due; due = deadlines.take()) took.push({ at: due.at, exec: due.exec })
      deadlines.arm(takeAll)
    }
    for (let exec = 0; exec < 150; exec++) {
      const due = { at: clock.now() + Math.floor(next() * 20), exec }
      model.push(due)
      deadlines.add(due)
      if (next() < 0.4) settled.add(Math.floor(next() * (exec + 1)))
      deadlines.arm(takeAll)
      expect(clock.pending).toBeLessThanOrEqual(1)
      if (next() < 0.2) {
        const until = clock.now() + Math.floor(next() * 10)
        const open = model.filter((it) => !settled.has(it.exec) && it.at <= until)
        expected.push(...open.sort((a, b) => a.at - b.at || a.exec - b.exec))
        for (const it of open) model.splice(model.indexOf(it), 1)
        await clock.advance(until - clock.now())
        // A deadline that was taken is settled, like a retry that runs or a wait that is over.
        for (const it of open) settled.add(it.exec)
        expect(took).toEqual(expected)
      }
    }
  }
})

test('a thousand deadlines, nine of ten settled at once / the rest are taken in order', async () => {
  const clock = virtualClock({ now: 0 })
  const deadlines = new Deadlines(clock, ({ exec }) => exec % 10 === 0 || exec === newest)
  let newest = 0
  for (let exec = 0; exec < 1000; exec++) {
    newest = exec
    deadlines.add({ at: 5000 - exec, exec })
  }
  await clock.advance(6000)
  const took: number[] = []
  newest = -1
  for (let due = deadlines.take(); due; due = deadlines.take()) took.push(due.exec)
  expect(took).toEqual(Array.from({ length: 100 }, (_, index) => 990 - index * 10))
})

test('at rest / nothing fires; armed again / what has come due meanwhile fires at once', async () => {
  const clock = virtualClock({ now: 0 })
  const deadlines = new Deadlines(clock, () => true)
  let fired = 0
  deadlines.add({ at: 10, exec: 1 })
  deadlines.arm(() => fired++)
  deadlines.rest()
  await clock.advance(100)
  expect(fired).toBe(0)
  deadlines.arm(() => fired++)
  await clock.advance(0)
  expect(fired).toBe(1)
})

test('the clock is set back twice while deadlines wait / each is taken when its time has passed, also one added in between', async () => {
  const base = virtualClock({ now: 1_000_000_000 })
  let back = 0
  const clock = { ...base, now: () => base.now() - back }
  const start = base.now()
  const took: [number, number][] = []
  // As in the session: a deadline that was taken is settled, and is known by its original time.
  const open = new Map<number, number>()
  const deadlines = new Deadlines(clock, ({ exec, at, was = at }) => open.get(exec) === was)
  const takeAll = (): void => {
    for (let due = deadlines.take(); due; due = deadlines.take()) took.push([due.exec, base.now() - start])
    deadlines.arm(takeAll)
  }
  const wait = (exec: number, ms: number): void => {
    const at = clock.now() + ms
    open.set(exec, at)
    deadlines.add({ at, exec })
    deadlines.arm(takeAll)
  }
  wait(1, 500)
  wait(2, 60_000)
  back = 86_400_000
  await base.advance(1000)
  back += 3_600_000
  wait(3, 10_000)
  await base.advance(120_000)
  expect(took).toEqual([
    [1, 500],
    [3, 11_000],
    // Late by the time between the last look at the clock and its change.
    [2, 60_500],
  ])
})

test('ten thousand deadlines of waits that were over long before them / only a few of them are kept', () => {
  let looks = 0
  const deadlines = new Deadlines(virtualClock({ now: 0 }), () => {
    looks++
    return false
  })
  for (let exec = 0; exec < 10_000; exec++) deadlines.add({ at: 1e6 + exec, exec })
  looks = 0
  expect(deadlines.due).toBe(false)
  expect(looks).toBeLessThan(100)
})

test('a clock of coarse steps, and short waits in a row / a long one beside them is not over early', async () => {
  const base = virtualClock({ now: 0 })
  const clock = { ...base, now: () => Math.floor(base.now() / 100) * 100 }
  const open = new Map([[0, 10_000]])
  const took: [number, number][] = []
  const deadlines = new Deadlines(clock, ({ exec, at, was = at }) => open.get(exec) === was)
  const short = (exec: number): void => {
    open.set(exec, clock.now() + 20)
    deadlines.add({ at: clock.now() + 20, exec })
  }
  const takeAll = (): void => {
    for (let due = deadlines.take(); due; due = deadlines.take()) {
      took.push([due.exec, base.now()])
      if (due.exec > 0) short(due.exec + 1)
    }
    deadlines.arm(takeAll)
  }
  deadlines.add({ at: 10_000, exec: 0 })
  short(1)
  deadlines.arm(takeAll)
  await base.advance(12_000)
  expect(took.find(([exec]) => exec === 0)?.[1]).toBeGreaterThanOrEqual(10_000)
  expect(took.length).toBeGreaterThan(500)
})
