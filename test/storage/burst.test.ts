import { expect, test } from 'vitest'
import { nextTask } from '../../src/clock'
import { afterBurst, forget } from '../../src/storage/burst'

const task = (): Promise<void> => new Promise(nextTask)

function counted(): { written: number; write: () => void } {
  const one = { written: 0, write: () => void one.written++ }
  return one
}

test('several journals with records in one burst, again and again / each writes once, after it', async () => {
  const all = [counted(), counted(), counted()]
  for (let times = 0; times < 3; times++) for (const one of all) afterBurst(one)
  expect(all.map((it) => it.written)).toEqual([0, 0, 0])
  await task()
  expect(all.map((it) => it.written)).toEqual([1, 1, 1])
  await task()
  expect(all.map((it) => it.written)).toEqual([1, 1, 1])
})

test('a forgotten journal / writes nothing, unless it gets another record', async () => {
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

test('a journal that gets a record while it writes / writes again after another burst', async () => {
  const one = counted()
  one.write = () => void (++one.written < 3 && afterBurst(one))
  afterBurst(one)
  await task()
  await task()
  await task()
  expect(one.written).toBe(3)
})
