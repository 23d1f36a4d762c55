import { TimeoutError } from '../errors'
import type { Core } from './core'
import { failRun } from './step/failure'
import { isWaiting } from './model/status'
import { WorkTime } from './step/work-time'

/**
 * The clock of a run's timeout. It runs while a step works and stands still while all steps wait. Records of what steps begin
 * carry its time, so that the next page goes on from there.
 */
export class RunTimer {
  readonly #core: Core
  #run: unknown
  #time: WorkTime | undefined

  constructor(core: Core) {
    this.#core = core
    const { timeout } = core.definition.options
    if (timeout !== undefined) core.worked = () => Math.round(timeout - this.#timeOf(timeout).left)
  }

  /** Call it whenever work may have begun or ended. */
  update(active: boolean): void {
    const limit = this.#core.definition.options.timeout
    if (limit === undefined) return
    const { model, attempts } = this.#core
    const time = this.#timeOf(limit)
    time.rest()
    const works = model.execs.values().some((it) => attempts.has(it.id) && !isWaiting(it, this.#core))
    if (active && works) time.work()
  }

  rest(): void {
    this.#time?.rest()
  }

  /** That of the run that is going on. After a rewind it is another one, as it was then. */
  #timeOf(limit: number): WorkTime {
    const core = this.#core
    const { run } = core.model
    if (this.#time && this.#run === run) return this.#time
    this.rest()
    this.#run = run
    const late = (): Error => new TimeoutError('run', `the run of "${core.definition.name}"`, limit)
    const left = Math.max(0, limit - (run?.worked ?? 0))
    return (this.#time = new WorkTime(core.options.clock, left, late, (error) =>
      failRun(core, undefined, 0, error),
    ))
  }
}
