import type { Clock } from '../../clock'
import { LeaderSilentError } from './tab-errors'

/** Notices when the leader does not answer, as when it hangs. */
export class Silence {
  readonly #session: { readonly clock: Clock; readonly id: string }
  readonly #timeout: number
  readonly #onSilent: (error: LeaderSilentError) => void
  #timer: unknown
  /** Set until everything is answered. */
  error: LeaderSilentError | undefined

  /** @param timeout how long an answer may take, in milliseconds */
  constructor(
    session: { readonly clock: Clock; readonly id: string },
    timeout: number,
    onSilent: (error: LeaderSilentError) => void,
  ) {
    this.#session = session
    this.#timeout = timeout
    this.#onSilent = onSilent
  }

  /** Since when an answer is missing; `undefined` when none is. */
  watch(since: number | undefined): void {
    const { clock, id } = this.#session
    this.end()
    if (since === undefined) this.error = undefined
    else if (this.error === undefined)
      this.#timer = clock.setTimeout(
        () => this.#onSilent((this.error = new LeaderSilentError(id))),
        // A clock that was set back does not make the wait longer.
        Math.min(this.#timeout, Math.max(0, since + this.#timeout - clock.now())),
      )
  }

  end(): void {
    this.#session.clock.clearTimeout(this.#timer)
  }
}
