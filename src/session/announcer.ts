import { soon } from '../clock'
import { checkArgument } from '../state/argument'

/** A burst of work is over after this many turns of the microtask queue without news. */
const QUIET = 16
/** Nobody waits longer than this, however long the burst. */
const LONGEST = 1000

/**
 * Tells listeners that something has changed, once at the end of a burst. Between a reply and the next ask a step runs on
 * for some promises: a component that heard of each record would show a page for each.
 */
export class Announcer {
  readonly #listeners = new Set<() => void>()
  readonly #report: (error: unknown) => void
  #quiet = 0
  #turns = 0

  constructor(report: (error: unknown) => void) {
    this.#report = report
  }

  subscribe(listener: () => void): () => void {
    checkArgument('subscribe()', listener, 'function')
    // A function of its own, so that one listener may come twice and leave once.
    const own = (): void => listener()
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** `over`: the burst is over. */
  announce(over = false): void {
    if (this.#listeners.size === 0) return
    if (over) this.#quiet = QUIET
    else if (this.#quiet < QUIET) this.#quiet = 0
    if (this.#turns > 0) return
    soon(this.#turn)
    this.#turns = 1
  }

  readonly #turn = (): void => {
    if (++this.#quiet < QUIET && ++this.#turns < LONGEST) {
      soon(this.#turn)
      return
    }
    this.#turns = this.#quiet = 0
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch (error) {
        this.#report(error)
      }
    }
  }
}
