import { cut } from './cutting'
import { Parts } from './part'
import type { Part } from './part'
import type { SessionCopy, Writer, Written } from './writer'

/** What is stored of a snapshot in parts. */
export interface StoredParts {
  readonly parts: readonly Part[]
  /** The highest number that a part ever had. */
  readonly newest: number
}

/**
 * Stores copies of a session. A large one goes in parts, one at a time, and counts when the last write names them all;
 * until then the snapshot before it stays as it is. Parts whose values are the same as before are not written again.
 */
export class Snapshots {
  readonly #writer: Writer
  /** Those that are stored. */
  #parts: Parts
  #newest: number

  constructor(writer: Writer, { parts, newest }: StoredParts = { parts: [], newest: 0 }, partSize?: number) {
    this.#writer = writer
    this.#parts = new Parts(parts, partSize)
    this.#newest = newest
  }

  /** The work in pieces, one after the other: between two of them anything else may be written. */
  async *steps(copy: SessionCopy): AsyncGenerator<undefined, Written> {
    // All pieces have one epoch: whoever claims the session anew may have found nothing stored, and no parts.
    const epoch = await this.#writer.epoch()
    const cutting = this.#writer.keepsParts ? cut(copy.value, this.#parts) : undefined
    let next = cutting?.next()
    // Measuring the session was a piece of work by itself.
    if (next && !next.done) yield undefined
    while (next && !next.done) {
      const part = await this.#writer.keep(epoch, ++this.#newest, next.value)
      yield undefined
      next = cutting?.next(part)
    }
    const parted = next?.value
    // From now on only these parts are certain to be there: a write that timed out and lands late removes all others.
    this.#parts = new Parts(parted?.parts, this.#parts.size)
    return this.#writer.compact(epoch, copy, this.#newest, parted)
  }

  /** Stores everything at once. With `gone`, what was stored may not be there any more. */
  async store(copy: SessionCopy, gone = true): Promise<Written> {
    if (gone) this.#parts = new Parts([], this.#parts.size)
    const steps = this.steps(copy)
    for (;;) {
      const step = await steps.next()
      if (step.done) return step.value
    }
  }
}
