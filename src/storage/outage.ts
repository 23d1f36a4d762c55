/** The pause after a failed write doubles from the first to the longest, in milliseconds. */
const FIRST = 1000
const LONGEST = 30_000
/** This many records are kept; then one snapshot replaces them in memory. */
export const BACKLOG = 2000

/** More refusals in a row, by which nothing has changed, are no race with another page. */
const MOST_IN_VAIN = 20

/** Writes that have failed in a row, and how soon the next one is tried. */
export class Outage {
  failures = 0
  #hurriedAt = -Infinity

  #vain = 0

  /** Whether so many writes were refused in vain that the next one needs a pause, or it would be tried all the time. */
  inVain(more: boolean): boolean {
    this.#vain = more ? this.#vain + 1 : 0
    return this.#vain > MOST_IN_VAIN
  }

  /** One more failure. Returns how long to wait, in milliseconds. */
  pause(): number {
    return Math.min(FIRST * 2 ** this.failures++, LONGEST)
  }

  /** Whether a new record brings the next try forward: once a second, so that a full disk is not asked for every token. */
  hurries(now: number): boolean {
    if (now - this.#hurriedAt < FIRST) return false
    this.#hurriedAt = now
    return true
  }
}
