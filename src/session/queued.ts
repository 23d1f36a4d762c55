import type { StepDefinition } from '../workflow/step'
import type { Core } from './core'
import { isComplete, oneOfEach } from './model/all-of'
import type { Fifo } from './model/fifo'
import type { Delivery } from './model/model'

/** What may start from the queues. */
export interface Queued {
  readonly step: StepDefinition
  /** The ids of the events that it takes. */
  readonly events: readonly number[]
}

/** The oldest event first; of one event, the step that was defined first. */
export function nextQueued(core: Core): Queued | undefined {
  let oldest: Delivery | undefined
  let best: StepDefinition | undefined
  const { queues } = core.model
  for (const name of queues.keys()) {
    const queue = queues.get(name) as Fifo<Delivery>
    const head = queue.peek()
    if (head === undefined || (oldest && oldest.id < head.id)) continue
    const step = core.step(name)
    if (step === undefined || !hasWorker(core, step)) continue
    if (oldest === head && isBefore(best, step, head)) continue
    if (!isComplete(queue, step)) continue
    oldest = head
    best = step
  }
  if (oldest === undefined || best === undefined) return undefined
  const events = best.join === 'allOf' ? oneOfEach(core.model.queues.get(best.name), best) : [oldest.id]
  return { step: best, events: events ?? [] }
}

/** A step that no longer exists has no worker: its work is kept and reported, not dropped. */
export function hasWorker({ attempts }: Core, step: StepDefinition | undefined): boolean {
  return step !== undefined && attempts.busy(step) < step.workers
}

function isBefore(best: StepDefinition | undefined, step: StepDefinition, { to }: Delivery): boolean {
  return best !== undefined && to.indexOf(best.name) < to.indexOf(step.name)
}
