import { SessionStateError } from '../errors'
import { CancelledError } from '../run-errors'
import { checkArgument } from '../state/argument'
import type { Core } from './core'
import { quiet, type Gate } from './gate'
import { goesOn } from './model/model'
import type { Outcome } from './outcome'
import type { Permit } from './permit'
import { startRun } from './run-start'
import type { Scheduler } from './scheduler'

/** What its runs need of a live session. */
export interface Running {
  readonly core: Core
  readonly gate: Gate
  readonly outcome: Outcome
  readonly permit: Permit
  readonly scheduler: Scheduler
}

/** A method of the session, and its arguments. */
type Call = [name: string, ...args: unknown[]]

/** How somebody outside begins, stops and steps the runs of a session. */
export class Runs {
  readonly #of: Running

  constructor(parts: Running) {
    this.#of = parts
  }

  get active(): boolean {
    return goesOn(this.#of.core.model)
  }

  /** The same promise for everybody who waits for one run. */
  run(input: unknown): Promise<unknown> {
    return this.#begin(['run', input], () => {
      if (this.active) return
      const { core, permit } = this.#of
      const event = core.definition.options.start(input)
      if (core.remote) return
      permit.renew()
      startRun(core, event)
    })
  }

  retry(): Promise<unknown> {
    return this.#begin(['retry'], () => {
      const { core } = this.#of
      const { run, nextExec } = core.model
      const end = run?.end
      if (end?.status !== 'failed')
        throw new SessionStateError(
          `there is no failed run to retry${end ? `: it is ${end.status}` : ''}; run() begins anew`,
        )
      if (!core.remote) core.append({ kind: 'retried', exec: end.exec ?? nextExec })
    })
  }

  /** `call` goes to the leader when this tab does not execute; the records then say how the run ends. */
  #begin(call: Call, action: () => void): Promise<unknown> {
    const { core, gate, permit, outcome, scheduler } = this.#of
    if (gate.phase === 'loading') {
      // As with a loaded session: a run that nobody waits for may fail without a crash.
      return quiet(gate.ready.then(() => this.#begin(call, action)))
    }
    try {
      gate.mustBeOpen()
      permit.held = false
      action()
    } catch (error) {
      return quiet(Promise.reject(error))
    }
    // The answer may come while it is being closed.
    const follow = (): Promise<unknown> => gate.whenOpen(() => outcome.promise)
    // The run that is going on here may be over by the time the leader hears of this.
    if (core.remote) return quiet(core.remote.call(...call, this.active && core.model.run?.id).then(follow))
    const { promise } = outcome
    scheduler.run()
    return promise
  }

  cancel(given?: string): void {
    const reason = given ?? undefined
    // A record that holds anything else could not be read again.
    if (reason !== undefined) checkArgument('cancel()', reason, 'string')
    // The run that is shown here may be over by the time the leader hears of this. What this tab has asked for may begin another.
    const { remote, model } = this.#of.core
    this.#soon(['cancel', reason, !remote?.mayBegin && model.run?.id], ({ core }) => {
      if (!this.active && core.model.run?.end?.status !== 'stalled') return
      core.append({ kind: 'finished', status: 'cancelled', ...(reason !== undefined && { reason }) })
    })
  }

  pause(): void {
    this.#soon(['pause'], ({ core }) => {
      if (!core.model.paused) core.append({ kind: 'paused' })
    })
  }

  resume(): void {
    this.#soon(['resume'], ({ core, permit }) => {
      permit.held = false
      if (core.model.paused) core.append({ kind: 'resumed' })
    })
  }

  reset(): void {
    const { writer, initialState: begin } = this.#of.core.options
    writer.replace(this.#of.core.model.tree, begin)
    this.#soon(['reset'], ({ core, scheduler }) => {
      const { ids, initialState } = core.options
      scheduler.stop(new CancelledError('the session was reset'))
      core.append({ kind: 'reset', state: initialState, lineage: ids() })
    })
  }

  step(): Promise<boolean> {
    const { core, gate, permit, scheduler } = this.#of
    return gate.whenOpen(() => {
      if (core.remote) return core.remote.call('step') as Promise<boolean>
      permit.held = false
      return scheduler.step()
    })
  }

  #soon(call: Call, action: (parts: Running) => void): void {
    const { core, gate, scheduler } = this.#of
    gate.mustBeOpen()
    void gate.whenOpen(() => {
      if (core.remote) return void quiet(core.remote.call(...call))
      action(this.#of)
      scheduler.run()
    })
  }
}
