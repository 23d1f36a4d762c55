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

/* How somebody outside begins, stops and steps the runs of a session. */

/** The same promise for everybody who waits for one run. */
export function run(of: Running, input: unknown): Promise<unknown> {
  return begin(of, ['run', input], ({ core, permit }) => {
    if (goesOn(core.model)) return
    const event = core.definition.options.start(input)
    if (core.remote) return
    permit.renew()
    startRun(core, event)
  })
}

export function retry(of: Running): Promise<unknown> {
  return begin(of, ['retry'], ({ core }) => {
    const { run: failed, nextExec } = core.model
    const end = failed?.end
    if (end?.status !== 'failed')
      throw new SessionStateError(
        `there is no failed run to retry${end ? `: it is ${end.status}` : ''}; run() begins anew`,
      )
    if (!core.remote) core.append({ kind: 'retried', exec: end.exec ?? nextExec })
  })
}

/** `call` goes to the leader when this tab does not execute; the records then say how the run ends. */
function begin(of: Running, call: Call, action: (of: Running) => void): Promise<unknown> {
  const { core, gate, permit, outcome, scheduler } = of
  if (gate.phase === 'loading') {
    // As with a loaded session: a run that nobody waits for may fail without a crash.
    return quiet(gate.ready.then(() => begin(of, call, action)))
  }
  try {
    gate.mustBeOpen()
    permit.held = false
    action(of)
  } catch (error) {
    return quiet(Promise.reject(error))
  }
  // The answer may come while it is being closed.
  const follow = (): Promise<unknown> => gate.whenOpen(() => outcome.promise)
  // The run that is going on here may be over by the time the leader hears of this.
  if (core.remote)
    return quiet(core.remote.call(...call, goesOn(core.model) && core.model.run?.id).then(follow))
  const { promise } = outcome
  scheduler.run()
  return promise
}

export function cancel(of: Running, given?: string): void {
  const reason = given ?? undefined
  // A record that holds anything else could not be read again.
  if (reason !== undefined) checkArgument('cancel()', reason, 'string')
  // The run that is shown here may be over by the time the leader hears of this. What this tab has asked for may begin another.
  const { remote, model } = of.core
  soon(of, ['cancel', reason, !remote?.outbox.mayBegin && model.run?.id], ({ core }) => {
    if (!goesOn(core.model) && core.model.run?.end?.status !== 'stalled') return
    core.append({ kind: 'finished', status: 'cancelled', ...(reason !== undefined && { reason }) })
  })
}

export function pause(of: Running): void {
  soon(of, ['pause'], ({ core }) => {
    if (!core.model.paused) core.append({ kind: 'paused' })
  })
}

export function resume(of: Running): void {
  soon(of, ['resume'], ({ core, permit }) => {
    permit.held = false
    if (core.model.paused) core.append({ kind: 'resumed' })
  })
}

export function reset(of: Running): void {
  const { writer, initialState: state } = of.core.options
  writer.replace(of.core.model.tree, state)
  soon(of, ['reset'], ({ core, scheduler }) => {
    const { ids, initialState } = core.options
    scheduler.stop(new CancelledError('the session was reset'))
    core.append({ kind: 'reset', state: initialState, lineage: ids() })
  })
}

export function step({ core, gate, permit, scheduler }: Running): Promise<boolean> {
  return gate.whenOpen(() => {
    if (core.remote) return core.remote.call('step') as Promise<boolean>
    permit.held = false
    return scheduler.step()
  })
}

function soon(of: Running, call: Call, action: (of: Running) => void): void {
  const { core, gate, scheduler } = of
  gate.mustBeOpen()
  void gate.whenOpen(() => {
    if (core.remote) return void quiet(core.remote.call(...call))
    action(of)
    scheduler.run()
  })
}
