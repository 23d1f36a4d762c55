import type { Adapter, Leaf } from '../adapter.ts'
import { check, having } from './check.ts'
import { undisturbed } from './undisturbed.ts'

/** Section B, beside the adapter: reads and writes of one field three levels down, in a loop. */
export function leafStage(adapter: Adapter) {
  let leaf: Leaf
  let value = 0

  /** Nanoseconds for each of so many reads. */
  function reads(count: number): number {
    leaf.set(++value % 120)
    const expected = leaf.get() * count
    let sum = 0
    const start = performance.now()
    for (let n = 0; n < count; n++) sum += leaf.get()
    const spent = performance.now() - start
    check(
      sum === expected && expected > 0 === value % 120 > 0,
      `the values read add up to ${sum}, not ${expected}`,
    )
    return (spent * 1e6) / count
  }

  /** Nanoseconds for each of so many writes, every one of them a change. */
  function writes(count: number): number {
    const start = performance.now()
    for (let n = 0; n < count; n++) leaf.set(++value % 120)
    const spent = performance.now() - start
    check(leaf.get() === value % 120, `the value read is ${leaf.get()}, the one written was ${value % 120}`)
    return (spent * 1e6) / count
  }

  return {
    async setup(checked: boolean): Promise<void> {
      leaf = await (checked ? having(adapter.checkedLeaf, 'checkedLeaf')() : having(adapter.leaf, 'leaf')())
      value = 0
    },
    reads: (count: number) => undisturbed(() => reads(count)),
    writes: (count: number) => undisturbed(() => writes(count)),
  }
}
