import { expect, test } from 'vitest'
import { nextTask } from '../../src/clock'
import { afterBurst, forget } from '../../src/storage/burst'

const task = (): Promise<void> => new Promise(nextTask)

function counted(): { written: number; write: () => void } {
  const one = { written: 0, write: () => void one.written++ }
  return one
}

test('many that record in one burst, again and again / each writes once, after it', async () => {
  const all = [counted(), counted(), counted()]
  for (let times = 0; times < 3; times++) for (const one of all) afterBurst(one)
  expect(all.map((it) => it.written)).toEqual([0, 0, 0])
  await task()
  expect(all.map((it) => it.written)).toEqual([1, 1, 1])
  await task()
  expect(all.map((it) => it.written)).toEqual([1, 1, 1])
})

test('one that is forgotten / does not write, unless it records once more', async () => {
  const [gone, stays] = [counted(), counted()]
  afterBurst(stays)
  afterBurst(gone)
  forget(gone)
  await task()
  expect([gone.written, stays.written]).toEqual([0, 1])
  afterBurst(gone)
  await task()
  expect(gone.written).toBe(1)
})

test('one that records while it writes / writes again in a burst of its own', async () => {
  const one = counted()
  one.write = () => void (++one.written < 3 && afterBurst(one))
  afterBurst(one)
  await task()
  await task()
  await task()
  expect(one.written).toBe(3)
})
