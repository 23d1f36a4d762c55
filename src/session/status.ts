import { OutcomeUnknown } from '../workflow/outcome-unknown'
import { isWait, type Execution, type Model, type Point } from './model'

/**
 * What a session is doing, derived from its data: `loading` and `error` before it could be read; `idle` never
 * started; `running`; `waiting` for answers or times, with nothing else to do; `paused` by hand or because
 * resources are missing; then how its run ended. `stalled`: nothing is left to do and no stop event came.
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

export function statusOf(
  model: Model,
  missingResources: boolean,
  attempting: (exec: number) => boolean,
): Status {
  const { run } = model
  if (run?.end) return run.end.status
  if (model.paused) return 'paused'
  if (run === undefined) return 'idle'
  if (missingResources) return 'paused'
  if (model.execs.size === 0) for (const queue of model.queues.values()) if (queue.size > 0) return 'running'
  for (const exec of model.execs.values()) if (!isWaiting(exec, attempting(exec.id))) return 'running'
  return 'waiting'
}

/** Whether an execution can only go on when somebody answers or a time comes. */
export function isWaiting(exec: Execution, attempting: boolean): boolean {
  let waits = false
  for (const point of exec.points.values()) {
    if (point.result !== undefined) continue
    if (!isWait(point) && !isAskedAbout(exec, point)) return false
    waits = true
  }
  return waits || (exec.retryAt !== undefined && !attempting)
}

/** Whether an effect only waits for somebody to say what became of it. */
function isAskedAbout({ points }: Execution, { key }: Point): boolean {
  const asks = `ask:${OutcomeUnknown.type}/${key.slice('once:'.length)}#`
  return [...points.values()].some((it) => it.result === undefined && it.key.startsWith(asks))
}
