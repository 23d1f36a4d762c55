import { nextTask } from '../clock'
import type { Clock } from '../clock'
import { checkArgument, checkOptions } from '../state/argument'

/** A clock that a test moves by hand. */
export interface VirtualClock extends Clock {
  /**
   * Moves time on by `ms` and fires the timers that fall due, each at its own time: in order of due time, and those of
   * equal times in the order they were set. Before, between and after them everything that is ready runs: promises and tasks.
   * `advance(0)` only lets things settle.
   */
  advance(ms: number): Promise<void>
  /** How many timers are set. */
  readonly pending: number
}

/** Where a virtual clock starts. */
export interface VirtualClockOptions {
  /** Milliseconds since 1970. Default: 2025-01-01T00:00:00Z. */
  readonly now?: number | undefined
}

interface Timer {
  readonly fn: () => void
  readonly at: number
}

/** After this many tasks in which nobody looked at the clock or set a timer, nothing is going on any more. */
const QUIET = 64
/** A loop that never comes to rest is the caller's mistake; it must not hang the test. */
const MOST = 20_000

/**
 * Virtual time for tests: hours pass in microseconds, and in the same order every time.
 *
 * ```ts
 * const clock = virtualClock()
 * const engine = createEngine({ clock })
 * await clock.advance(60_000)
 * ```
 */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  checkOptions('virtualClock()', options, { now: 'number' })
  const timers = new Set<Timer>()
  let now = options.now ?? Date.UTC(2025, 0, 1)
  let calls = 0
  const settle = (): Promise<void> => untilQuiet(() => calls)

  return {
    now() {
      calls++
      return now
    },
    setTimeout(fn, ms) {
      calls++
      const timer: Timer = { fn, at: now + Math.max(0, ms) }
      timers.add(timer)
      return timer
    },
    clearTimeout(handle) {
      calls++
      timers.delete(handle as Timer)
    },
    async advance(ms) {
      checkArgument('advance()', ms, 'number')
      const until = now + ms
      await settle()
      for (let timer = next(timers, until); timer; timer = next(timers, until)) {
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.fn()
        await settle()
      }
      now = Math.max(now, until)
    },
    get pending() {
      return timers.size
    },
  }
}

/** A set keeps its order of insertion, so of two equal times the one that was set first wins. */
function next(timers: Iterable<Timer>, until: number): Timer | undefined {
  let first: Timer | undefined
  for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer
  return first
}

/** Lets everything that is ready run, until the count of what happens stands still. */
async function untilQuiet(count: () => number): Promise<void> {
  for (let still = 0, all = 0; still < QUIET && all < MOST; all++) {
    const before = count()
    await new Promise<void>(nextTask)
    still = count() === before ? still + 1 : 0
  }
}
