import type { Entry } from '../model/model'
import { isAct, isResult } from './entries'

/**
 * What older code has written and sent in an execution that newer code repeats. Newer code need not do the same: until it is
 * where older code was, each of its own writes and sends stands for one of those.
 */
export class OlderWork {
  /**
   * Up to here what older code did is committed. What it did after that was taken out again, though a write to flow state or
   * an answer may have stayed.
   */
  #wall = 0
  /** How many results up to there the step has not got yet. */
  #owed = 0
  /** What was written and sent after that, as the effect beside it, which is begun again, failed. */
  #beside = 0

  constructor(recorded: readonly Entry[]) {
    let results = 0
    let newer = false
    for (const [index, entry] of recorded.entries()) {
      const { kind } = entry
      if ('old' in entry) this.#beside++
      else if (isResult(entry)) results++
      else newer ||= isAct(entry) && !('key' in entry)
      // A result that commits nothing may have come after the step was cut off: from a sleep that was over.
      if (newer || (kind !== 'opened' && (kind !== 'done' || this.#beside === 0))) continue
      this.#wall = index + 1
      this.#owed = results
      this.#beside = 0
    }
  }

  /** Takes one of these for a write or send; `false`: none is left. `reached`: every own entry before it was done again. */
  take(reached: number): boolean {
    return reached < this.#wall || this.#owed > 0 || this.#beside-- > 0
  }

  /** The step has got the result that this entry records. */
  got(index: number): void {
    if (index < this.#wall) this.#owed--
  }

  /** The step is past a point of its own: what older code did beside the last one is behind it. */
  passed(): void {
    this.#beside = 0
  }
}
