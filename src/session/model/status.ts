import { OutcomeUnknown } from '../../workflow/outcome-unknown'
import type { StepDefinition } from '../../workflow/step'
import { isComplete } from './all-of'
import type { Fifo } from './fifo'
import { isWait, type Delivery, type Execution, type Model, type Point } from './model'

/**
 * What a session is doing, derived from its data.
 *
 * - `loading`, `error`: it is not read yet, or could not be loaded.
 * - `idle`: it was never started.
 * - `running`: steps are at work.
 * - `waiting`: it has nothing to do but to wait for answers or times, or for code with the steps of its `orphans`.
 * - `paused`: by hand, or because resources are missing (`session.missingResources`).
 * - `stalled`: nothing is left to do and no stop event came.
 * - `completed`, `failed`, `cancelled`: how its run ended.
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

/** What a page knows of a workflow at work. In a sub-flow that its step has not come to yet, no step counts as missing. */
export interface AtWork {
  readonly definition: { readonly stepsByName: Pick<ReadonlyMap<string, StepDefinition>, 'get'> }
  /** The attempts of this page. */
  readonly attempts: { get(exec: number): { readonly exec: Execution } | undefined }
  /** The sub-flows in it. */
  readonly children: { get(point: Point): { readonly core: AtWork } | undefined }
}

export function statusOf(model: Model, missingResources: boolean, at: AtWork | undefined): Status {
  const { run } = model
  if (run?.end) return run.end.status
  if (model.paused) return 'paused'
  if (run === undefined) return 'idle'
  if (missingResources) return 'paused'
  return allWait(model, at) ? 'waiting' : 'running'
}

/** Whether everything at work can only go on when somebody answers, or a time or code with the missing steps comes. */
export function allWait({ run, execs, queues }: Model, at: AtWork | undefined): boolean {
  if (run === undefined || run.end) return false
  let begun = false
  for (const exec of execs.values()) {
    if (!knows(at, exec.step)) continue
    if (!isWaiting(exec, at)) return false
    begun = true
  }
  if (!begun) for (const [step, queue] of queues) if (queue.size > 0 && knows(at, step, queue)) return false
  return true
}

/** Whether an execution can only go on when somebody answers or a time comes. */
export function isWaiting(exec: Execution, at: AtWork | undefined): boolean {
  // Between two attempts nothing of it is at work, although what has failed is still open.
  if (exec.retryAt !== undefined && at?.attempts.get(exec.id)?.exec !== exec) return true
  let waits = false
  for (const point of exec.points.open) {
    const { child } = point
    const here = child && at?.children.get(point)?.core
    if (child ? !allWait(child, here) : !isWait(point) && !isAskedAbout(exec, point)) return false
    waits = true
  }
  return waits
}

/** Whether there is a step of that name, which could begin with what is queued. */
function knows(at: AtWork | undefined, name: string, queue?: Fifo<Delivery>): boolean {
  if (at === undefined) return true
  const step = at.definition.stepsByName.get(name)
  return step !== undefined && (queue === undefined || isComplete(queue, step))
}

/** Whether an effect only waits for somebody to say what became of it. */
function isAskedAbout({ points }: Execution, { key }: Point): boolean {
  const asks = `ask:${OutcomeUnknown.type}/${key.slice('once:'.length)}#`
  return [...points.open].some((it) => it.key.startsWith(asks))
}
