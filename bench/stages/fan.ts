import type { Adapter, Fan, Shape } from '../adapter.ts'
import { check, having } from './check.ts'
import { shuffled } from './order.ts'
import { undisturbed } from './undisturbed.ts'

/** Which paths are written: every one of them in shuffled order, or the same hundred at every size. */
export type Spread = 'all' | 'few'

/**
 * Section A, beside the adapter: `count` subscribers on `count` paths; each write goes to one of them with a
 * value that was never there before.
 *
 * Writing all of 10,000 paths in shuffled order misses the processor's caches, for a Map as well; writing the
 * same hundred shows what the number of subscribers itself costs.
 */
export function fanStage(adapter: Adapter) {
  let fan: Fan
  let size = 0
  let seed = 0
  let value = 0
  let calls = 0
  let sum = 0

  /** Where so many writes go: to all paths, then again in another order, which nobody can know beforehand. */
  function plan(writes: number, spread: Spread): Uint32Array {
    const targets = new Uint32Array(writes)
    const [few, paths] = [spread === 'few', shuffled(size)]
    const count = few ? Math.min(100, size) : size
    for (let at = 0; at < writes; at += count) {
      const pass = shuffled(count, ++seed).map((it) => (few ? paths[it]! : it))
      targets.set(pass.subarray(0, writes - at), at)
    }
    return targets
  }

  /** Microseconds for each of so many writes. */
  async function round(writes: number, spread: Spread): Promise<number> {
    const targets = plan(writes, spread)
    calls = 0
    sum = 0
    let expected = 0
    let last = 0
    const start = performance.now()
    for (let n = 0; n < writes; n++) {
      last = targets[n]!
      expected += ++value
      fan.write(last, value)
    }
    if (fan.settle) await fan.settle()
    const spent = performance.now() - start
    check(calls === writes, `${writes} writes, ${calls} listener calls`)
    check(sum === expected, 'a listener was given another value than the one written')
    check(fan.read(last) === value, `the value read is ${fan.read(last)}, the one written was ${value}`)
    return (spent * 1000) / writes
  }

  return {
    async setup(shape: Shape, count: number): Promise<void> {
      fan = await having(adapter.fan, 'fan')(shape, count)
      size = count
      seed = 0
      for (let at = 0; at < count; at++) {
        fan.subscribe(at, (now) => {
          calls++
          sum += now
        })
      }
    },

    /**
     * Warms up for so many milliseconds of processor time at least; answers with the writes that fill a round of `roundMs`
     * at the pace of the fastest: the last one may have met a collection, and of ten writes all would be cold.
     */
    async warm(milliseconds: number, roundMs: number): Promise<number> {
      const start = process.cpuUsage()
      const isCold = (): boolean => process.cpuUsage(start).user < milliseconds * 1000
      let fastest = Infinity
      let [before, writes] = [0, 1]
      while (isCold() || writes === before * 2) {
        fastest = Math.min(fastest, await round(writes, 'all'))
        before = writes
        writes = Math.max(1, Math.min(before * 2, Math.ceil((roundMs * 1000) / fastest), 20_000))
      }
      return writes
    },

    round: (writes: number, spread: Spread) => undisturbed(() => round(writes, spread)),
  }
}
