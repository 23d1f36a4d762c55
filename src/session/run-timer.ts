import { TimeoutError } from '../errors'
import type { Core } from './core'
import { failRun } from './failure'
import { isWaiting } from './status'

/** The clock of a run's timeout: it goes while a step works and stands still while all of them wait. */
export class RunTimer {
  readonly #core: Core
  #run: unknown
  #left = 0
  #since = 0
  #timer: unknown

  constructor(core: Core) {
    this.#core = core
  }

  /** To be called whenever work may have begun or ended. */
  update(active: boolean): void {
    const limit = this.#core.definition.options.timeout
    if (limit === undefined) return
    const { model, attempts, options } = this.#core
    this.rest()
    if (this.#run !== model.run?.id) {
      this.#run = model.run?.id
      this.#left = limit
    }
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
    }, this.#left)
  }

  rest(): void {
    if (this.#timer === undefined) return
    const { clock } = this.#core.options
    clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#left = Math.max(0, this.#left - (clock.now() - this.#since))
  }
}
