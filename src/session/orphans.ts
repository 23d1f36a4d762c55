import type { WorkflowEvent } from '../workflow/event'
import type { Level } from './level'

/** Work for a step that the workflow does not have any more. Kept, and not done. */
export interface Orphan {
  readonly step: string
  readonly event: WorkflowEvent
  /** The sub-flow that it is in: the steps that lead to it, from the outside. Absent for the workflow's own. */
  readonly within?: readonly string[]
}

/** The orphans of a workflow at work; of a sub-flow that nobody knows here it cannot be said. */
export function orphansOf({ model: { execs, queues }, definition, path }: Level): Orphan[] {
  if (definition === undefined) return []
  const begun = [...execs.values()].flatMap(({ step, events }) => events.map((event) => ({ step, event })))
  const queued = [...queues].flatMap(([step, queue]) => queue.toArray().map((event) => ({ step, event })))
  const within = path.length > 0 && { within: path.map((it) => it.exec.step) }
  return [...begun, ...queued]
    .filter(({ step }) => !definition.stepsByName.has(step))
    .map(({ step, event: { type, data } }) => ({ step, event: { type, data }, ...within }))
}
