import type { Adapter, Crowd } from '../adapter.ts'
import { check, having } from './check.ts'
import { undisturbed } from './undisturbed.ts'

/** Section D, beside the adapter: a fan-out that is collected, and many small runs. */
export function crowdStage(adapter: Adapter) {
  let crowd: Crowd | undefined

  /** Milliseconds for all of it. */
  async function timed(work: (crowd: Crowd) => Promise<number>, expected: number): Promise<number> {
    crowd ??= await having(adapter.crowd, 'crowd')()
    const start = performance.now()
    const came = await work(crowd)
    const spent = performance.now() - start
    check(came === expected, `${came} came of it, not ${expected}`)
    return spent
  }

  return {
    fan: (count: number, workers: number) =>
      undisturbed(() => timed((it) => it.fan(count, workers), (count * (count - 1)) / 2)),
    tiny: (count: number) => undisturbed(() => timed((it) => it.tiny(count), count)),
    again: (count: number) => undisturbed(() => timed((it) => having(it.again, 'again')(count), count)),
  }
}
