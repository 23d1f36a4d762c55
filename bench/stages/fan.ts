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
  let orders: Record<Spread, Uint32Array>
  let cursor = 0
  let value = 0
  let calls = 0
  let sum = 0

  /** Microseconds for each of so many writes. */
  async function round(writes: number, spread: Spread): Promise<number> {
    const order = orders[spread]
    calls = 0
    sum = 0
    let expected = 0
    let last = 0
    const start = performance.now()
    for (let n = 0; n < writes; n++) {
      last = order[cursor++ % order.length]!
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
      const all = shuffled(count)
      orders = { all, few: all.slice(0, 100) }
      cursor = 0
      for (let at = 0; at < count; at++) {
        fan.subscribe(at, (now) => {
          calls++
          sum += now
        })
      }
    },

    /** Warms up for about so many milliseconds; answers with the writes that fill a round of `roundMs`. */
    async warm(milliseconds: number, roundMs: number): Promise<number> {
      const end = performance.now() + milliseconds
      let writes = 1
      let each = await round(1, 'all')
      while (performance.now() < end) {
        each = await round(writes, 'all')
        writes = Math.max(1, Math.min(writes * 2, Math.ceil((roundMs * 1000) / each)))
      }
      return Math.max(1, Math.min(Math.ceil((roundMs * 1000) / each), 20_000))
    },

    round: (writes: number, spread: Spread) => undisturbed(() => round(writes, spread)),
  }
}
