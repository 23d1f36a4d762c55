import type { WorkflowEvent } from '../workflow/event'
import type { Core } from './core'

/** Work for a step that the workflow does not have any more. Kept, and not done. */
export interface Orphan {
  readonly step: string
  readonly event: WorkflowEvent
}

export function orphansOf(core: Core): Orphan[] {
  const { execs, queues } = core.model
  const begun = [...execs.values()].flatMap(({ step, events }) => events.map((event) => ({ step, event })))
  const queued = [...queues].flatMap(([step, queue]) => queue.toArray().map((event) => ({ step, event })))
  return [...begun, ...queued]
    .filter(({ step }) => core.step(step) === undefined)
    .map(({ step, event: { type, data } }) => ({ step, event: { type, data } }))
}
