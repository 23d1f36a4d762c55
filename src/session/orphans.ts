import type { WorkflowEvent } from '../workflow/event'
import type { Level } from './level'
import { stepOf, type CollectedEvent } from './model/model'
import { rename } from './model/renamed'

/** Work for a step that the workflow no longer has. It is kept, and not done. */
export interface Orphan {
  readonly step: string
  readonly event: WorkflowEvent
  /** The sub-flow that the step belongs to: the steps that lead there, from the outside in. Absent for the workflow's own. */
  readonly within?: readonly string[]
}

/** The orphans of a workflow at work. Of a sub-flow whose definition is not known here they are not known either. */
export function orphansOf({ model: { execs, queues, scopes, buffers }, definition, path }: Level): Orphan[] {
  if (definition === undefined) return []
  const begin = path.at(-1)?.point.begin
  // Until its step comes to it again, a sub-flow of older code has the old names.
  const names = begin && begin.version < definition.version ? definition.options.renamedSteps : undefined
  const within = path.length > 0 && { within: path.map((it) => it.exec.step) }
  const work: (readonly [step: string, events: readonly CollectedEvent[]])[] = execs
    .values()
    .map((it) => [it.step, it.events])
  for (const [step, queue] of queues) work.push([step, queue.items.flatMap((it) => it.members ?? [it])])
  for (const { gathered } of scopes.values()) work.push(...gathered)
  for (const [name, kept] of buffers) work.push([stepOf(name), kept])
  return work
    .filter(([step]) => !definition.stepsByName.has(rename(step, names)))
    .flatMap(([step, events]) => events.map(({ type, data }) => ({ step, event: { type, data }, ...within })))
}
