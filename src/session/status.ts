import { OutcomeUnknown } from '../workflow/outcome-unknown'
import { isWait, type Execution, type Model, type Point } from './model'

/**
 * What a session is doing, derived from its data: `loading` and `error` before it could be read; `idle` never
 * started; `running`; `waiting` for answers or times, or for code that has the steps of what is left (`orphans`), with
 * nothing else to do; `paused` by hand or because resources are missing; then how its run ended. `stalled`: nothing is
 * left to do and no stop event came.
 */
export type Status =
  | 'loading'
  | 'error'
  | 'idle'
  | 'running'
  | 'waiting'
  | 'paused'
  | 'stalled'
  | 'completed'
  | 'failed'
  | 'cancelled'

/** Whether an attempt at an execution is under way in this page. */
type Attempting = (exec: Execution) => boolean

/** Whether there is a step of this name in the workflow that the model is of: the session's own, or a sub-flow's. */
type Knows = (step: string, of: Model) => boolean

interface AtWork {
  readonly model: Model
  readonly definition: { readonly stepsByName: ReadonlyMap<string, unknown> }
  readonly children: ReadonlyMap<string, { readonly core: AtWork }>
}

/** What a workflow at work and the sub-flows in it know. Of one that its step has not come to yet, nothing is missing. */
export function knownTo({ model, definition, children }: AtWork): Knows {
  return (step, of) =>
    of === model
      ? definition.stepsByName.has(step)
      : [...children.values()].every(({ core }) => knownTo(core)(step, of))
}

export function statusOf(
  model: Model,
  missingResources: boolean,
  attempting: Attempting,
  knows: Knows,
): Status {
  const { run } = model
  if (run?.end) return run.end.status
  if (model.paused) return 'paused'
  if (run === undefined) return 'idle'
  if (missingResources) return 'paused'
  return allWait(model, attempting, knows) ? 'waiting' : 'running'
}

/** Whether everything that is at work can only go on when somebody answers, a time or better code comes. */
export function allWait(model: Model, attempting: Attempting, knows: Knows): boolean {
  const { run, execs, queues } = model
  if (run === undefined || run.end) return false
  let begun = false
  for (const exec of execs.values()) {
    if (!knows(exec.step, model)) continue
    if (!isWaiting(exec, attempting, knows)) return false
    begun = true
  }
  if (!begun) for (const [step, queue] of queues) if (queue.size > 0 && knows(step, model)) return false
  return true
}

/** Whether an execution can only go on when somebody answers or a time comes. */
export function isWaiting(exec: Execution, attempting: Attempting, knows: Knows): boolean {
  let waits = false
  for (const point of exec.points.values()) {
    if (point.result !== undefined) continue
    const { child } = point
    if (child ? !allWait(child, attempting, knows) : !isWait(point) && !isAskedAbout(exec, point))
      return false
    waits = true
  }
  return waits || (exec.retryAt !== undefined && !attempting(exec))
}

/** Whether an effect only waits for somebody to say what became of it. */
function isAskedAbout({ points }: Execution, { key }: Point): boolean {
  const asks = `ask:${OutcomeUnknown.type}/${key.slice('once:'.length)}#`
  return [...points.values()].some((it) => it.result === undefined && it.key.startsWith(asks))
}
