import { CancelledError, SessionStateError } from '../errors'
import type { Core } from './core'
import { quiet, type Gate } from './gate'
import type { Outcome } from './outcome'
import type { Permit } from './permit'
import type { Emission } from './record'
import type { Scheduler } from './scheduler'

/** What its runs need of a live session. */
export interface Running {
  readonly core: Core
  readonly gate: Gate
  readonly outcome: Outcome
  readonly permit: Permit
  readonly scheduler: Scheduler
}

/** The runs of a session as somebody outside begins, stops and steps them. */
export class Runs {
  readonly #of: Running

  constructor(parts: Running) {
    this.#of = parts
  }

  get active(): boolean {
    const { run } = this.#of.core.model
    return run !== undefined && run.end === undefined
  }

  /** The same promise for everybody who waits for one run. */
  run(input: unknown): Promise<unknown> {
    return this.#begin(() => {
      if (this.active) return
      const { core, permit, outcome } = this.#of
      const event = core.definition.options.start(input)
      outcome.renew()
      permit.renew()
      const [emission] = core.routing.emissions([event])
      core.append({ kind: 'started', run: core.options.ids(), event: emission as Emission })
    })
  }

  retry(): Promise<unknown> {
    return this.#begin(() => {
      const { core, outcome } = this.#of
      const end = core.model.run?.end
      if (end?.status !== 'failed' || end.exec === undefined)
        throw new SessionStateError(
          `there is no failed step to retry: ${end ? `the run is ${end.status}` : 'no run has ended'}`,
        )
      outcome.renew()
      core.append({ kind: 'retried', exec: end.exec })
    })
  }

  #begin(action: () => void): Promise<unknown> {
    const { gate, permit, outcome, scheduler } = this.#of
    if (gate.phase === 'loading') {
      // As when it is loaded already: a run that nobody waits for may fail without a crash.
      return quiet(gate.ready.then(() => this.#begin(action)))
    }
    try {
      gate.mustBeOpen()
      permit.held = false
      action()
    } catch (error) {
      return quiet(Promise.reject(error))
    }
    const { promise } = outcome
    scheduler.run()
    return promise
  }

  cancel(reason?: string): void {
    this.#soon(({ core }) => {
      if (!this.active && core.model.run?.end?.status !== 'stalled') return
      core.append({ kind: 'finished', status: 'cancelled', ...(reason !== undefined && { reason }) })
    })
  }

  pause(): void {
    this.#soon(({ core }) => {
      if (!core.model.paused) core.append({ kind: 'paused' })
    })
  }

  resume(): void {
    this.#soon(({ core, permit }) => {
      permit.held = false
      if (core.model.paused) core.append({ kind: 'resumed' })
    })
  }

  reset(): void {
    const { core, gate, outcome, scheduler } = this.#of
    gate.soon(() => {
      const { ids, initialState } = core.options
      const reason = new CancelledError('the session was reset')
      scheduler.stop(reason)
      core.append({ kind: 'reset', state: initialState, lineage: ids() })
      outcome.reject(reason)
      outcome.renew()
    })
  }

  step(): Promise<boolean> {
    const { gate, permit, scheduler } = this.#of
    return gate.whenOpen(() => {
      permit.held = false
      return scheduler.step()
    })
  }

  #soon(action: (parts: Running) => void): void {
    const { gate, scheduler } = this.#of
    gate.soon(() => {
      action(this.#of)
      scheduler.run()
    })
  }
}
