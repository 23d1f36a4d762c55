import { whenIdle, type Clock } from '../clock'
import { expectLate, late } from '../state/late'
import type { Unread } from '../storage/late-part'

/**
 * Reads in idle moments what was left as text, a part in each; whoever needs something earlier reads it. Not before the
 * session is there: a part that nobody has asked for would delay what is shown before that, or needed for it.
 */
export function readOn(unread: readonly Unread[], clock: Clock, ready: Promise<void>): void {
  if (unread.length === 0) return
  expectLate()
  const parts = unread.flatMap((it) => it.parts)
  const next = (): void => {
    const part = parts.shift()
    try {
      if (part?.values) return whenIdle(clock, next)
      for (const it of unread) it.settle()
    } catch {
      // Whoever needs the part gets the error.
    }
    late.count--
  }
  const begin = (): void => whenIdle(clock, next)
  ready.then(begin, begin)
}
