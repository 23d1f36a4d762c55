import { ReplayMismatchError } from '../../errors'
import { StepError } from '../../run-errors'
import { STEP_FAILED } from '../../workflow/step-failed'
import type { Core } from '../core'
import { bare, type Execution } from '../model/model'
import { lineOf, type Emission, type Finished } from '../model/record'
import { rebuildError, recordError } from '../model/recorded-error'
import { emissionsOf } from '../routing'

/** A step has failed for good: its recovery step takes over, or the run fails. */
export function failStep(core: Core, exec: Execution, attempts: number, error: unknown): void {
  const target = error instanceof ReplayMismatchError ? undefined : recovery(core, exec)
  if (target === undefined) {
    failRun(core, exec, attempts, error)
    return
  }
  const { name, message } = recordError(error)
  const data = { step: exec.step, event: eventOf(exec), error: { name, message }, attempts }
  const line = { to: [target], ...lineOf(exec, exec.rescues + 1) }
  const emits = emissionsOf(core, [{ type: STEP_FAILED, data }], line)
  core.append({ kind: 'ended', exec: exec.id, emits })
}

/** The run ends as failed; without an execution because of the run itself. */
export function failRun(core: Core, exec: Execution | undefined, attempts: number, error: unknown): void {
  const end = exec && { step: exec.step, event: eventOf(exec), attempts }
  core.cause = exec ? new StepError(exec.step, end?.event, attempts, error) : (error as Error)
  core.append({
    kind: 'finished',
    status: 'failed',
    error: { ...recordError(error), ...end },
    ...(exec && { exec: exec.id }),
  })
  core.cause = undefined
}

/** The error of a failed run as the journal kept it. */
export function recordedFailure({ error, status }: Omit<Finished, 'kind'>): Error {
  const { step, event, attempts = 0, ...recorded } = error ?? { name: 'Error', message: status }
  const cause = rebuildError(recorded)
  return step === undefined ? cause : new StepError(step, event, attempts, cause)
}

function recovery(core: Core, exec: Execution): string | undefined {
  const step = core.step(exec.step)
  const { options } = core.definition
  const target = step?.catchError ?? options.catchError
  if (step === undefined || target === undefined || target === exec.step) return undefined
  if (exec.rescues >= (step.recoveries ?? options.recoveries ?? 1)) return undefined
  return core.step(target) && target
}

/** What the step was working on: its event, or all of them. */
function eventOf({ events }: Execution): unknown {
  return events.length === 1 ? bare(events[0] as Emission) : events.map(bare)
}
