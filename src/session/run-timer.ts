import { TimeoutError } from '../errors'
import type { Core } from './core'
import { failRun } from './failure'
import { isWaiting } from './status'

/**
 * The clock of a run's timeout: it goes while a step works and stands still while all of them wait. What steps begin
 * is recorded with what it shows, so that the next page goes on from there.
 */
export class RunTimer {
  readonly #core: Core
  #run: unknown
  #left = 0
  #since = 0
  #timer: unknown

  constructor(core: Core) {
    this.#core = core
    const { timeout } = core.definition.options
    if (timeout !== undefined) core.worked = () => Math.round(timeout - this.#rest(timeout))
  }

  /** To be called whenever work may have begun or ended. */
  update(active: boolean): void {
    const limit = this.#core.definition.options.timeout
    if (limit === undefined) return
    const { model, attempts, options } = this.#core
    this.rest()
    const left = this.#rest(limit)
    const works = [...model.execs.values()].some((it) => attempts.has(it.id) && !isWaiting(it, () => true))
    if (!active || !works) return
    this.#since = options.clock.now()
    this.#timer = options.clock.setTimeout(() => {
      this.#timer = undefined
      failRun(
        this.#core,
        undefined,
        0,
        new TimeoutError('run', `the run of "${this.#core.definition.name}"`, limit),
      )
    }, left)
  }

  rest(): void {
    if (this.#timer === undefined) return
    const { clock } = this.#core.options
    clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#left = Math.max(0, this.#left - (clock.now() - this.#since))
  }

  /** Milliseconds of work that the run has left now. */
  #rest(limit: number): number {
    const { run } = this.#core.model
    if (this.#run !== run?.id) {
      this.rest()
      this.#run = run?.id
      this.#left = Math.max(0, limit - (run?.worked ?? 0))
    }
    const spent = this.#timer === undefined ? 0 : this.#core.options.clock.now() - this.#since
    return Math.max(0, this.#left - spent)
  }
}
