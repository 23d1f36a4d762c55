import type { Clock } from '../clock'
import type { Locks } from './locks'

export interface SeatOptions {
  readonly locks: Locks
  readonly name: string
  readonly clock: Clock
  /** The lock is ours now. */
  readonly onWon: () => void
  /** Somebody has stolen the lock. */
  readonly onLost: () => void
}

/** Milliseconds after which a queued request is made again: some are never granted after a page was frozen. */
const RENEW = 2000

/** The leader's place: a lock that is held as long as we want it, or until somebody steals it. */
export class Seat {
  readonly #options: SeatOptions
  #release: (() => void) | undefined
  #waiting: AbortController | undefined
  #timer: unknown
  /** How often the lock was given up: a request made before that must not win it afterwards. */
  #left = 0

  constructor(options: SeatOptions) {
    this.#options = options
  }

  get held(): boolean {
    return this.#release !== undefined
  }

  /** Takes the lock if it is free. Rejects where locks cannot be used. */
  take(): Promise<boolean> {
    return this.#request({ ifAvailable: true })
  }

  /** Queues for the lock; `onWon` is called when it is there. */
  wait(): void {
    if (this.held || this.#waiting) return
    const { clock, onWon } = this.#options
    this.#waiting = new AbortController()
    void this.#request({ signal: this.#waiting.signal }).then(
      (won) => {
        if (!won) return
        this.#stopWaiting()
        onWon()
      },
      () => {},
    )
    this.#timer = clock.setTimeout(() => {
      this.#stopWaiting()
      this.wait()
    }, RENEW)
  }

  /** Takes the lock from whoever has it. */
  async steal(): Promise<void> {
    this.#stopWaiting()
    if (!this.held) await this.#request({ steal: true })
  }

  /** Lets the lock go, or stops queuing for it. */
  leave(): void {
    this.#left++
    this.#stopWaiting()
    const release = this.#release
    this.#release = undefined
    release?.()
  }

  #stopWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#options.clock.clearTimeout(this.#timer)
    waiting?.abort()
  }

  /** Resolves when it is known whether the lock was granted. */
  #request(options: Parameters<Locks['request']>[1]): Promise<boolean> {
    const left = this.#left
    return new Promise((resolve, reject) => {
      let release: (() => void) | undefined
      const held = (lock: object | null): Promise<void> | undefined => {
        if (lock === null || options.signal?.aborted || left !== this.#left) {
          resolve(false)
          return undefined
        }
        return new Promise((done) => {
          this.#release = release = done
          resolve(true)
        })
      }
      this.#options.locks.request(this.#options.name, options, held).then(
        () => {},
        (error: unknown) => {
          reject(error)
          if (release === undefined || this.#release !== release) return
          this.#release = undefined
          this.#options.onLost()
        },
      )
    })
  }
}
