import type { StepDefinition } from '../../workflow/step'
import type { Fifo } from './fifo'
import type { Delivery } from './model'

/** How many events an `allOf` had ever received when it was found incomplete. */
const lacking = new WeakMap<Fifo<Delivery>, number>()

/** Whether no event of an `allOf` is missing. It is not checked again before another event has come. */
export function isComplete(queue: Fifo<Delivery>, step: StepDefinition): boolean {
  if (step.join !== 'allOf') return true
  if (lacking.get(queue) === queue.pushed) return false
  const complete = oneOfEach(queue, step) !== undefined
  if (!complete) lacking.set(queue, queue.pushed)
  return complete
}

/** One queued event of each type of an `allOf`, in its order; `undefined` while one is missing. */
export function oneOfEach(queue: Fifo<Delivery> | undefined, { on }: StepDefinition): number[] | undefined {
  const ids: number[] = []
  let missing = on.length
  for (const event of queue?.items ?? []) {
    const place = on.findIndex((it, index) => it.type === event.type && ids[index] === undefined)
    if (place < 0) continue
    ids[place] = event.id
    if (--missing === 0) return ids
  }
  return undefined
}
