import { Fifo } from './fifo'
import { addMoment, dropWait } from './ledger'
import type { Delivery, Model, PointResult, Scope } from './model'
import { turnPage } from './pages'
import type { Emission } from './record'

/** Puts an event where its record says: into queues, into what its scope gathers, or to an open wait. */
export function deliver(model: Model, event: Emission): void {
  model.nextEvent = Math.max(model.nextEvent, event.id + 1)
  for (const step of event.to) enqueue(model, step, event)
  const scope = scopeOf(model, event.scope)
  if (scope) scope.open += event.to.length
  if (scope && event.gather)
    for (const step of event.gather) {
      const kept = scope.gathered.get(step)
      if (kept) kept.push(event)
      else scope.gathered.set(step, [event])
    }
  if (event.answers) answer(model, event.answers.exec, event.answers.key, { value: event.data })
  else if (event.to.length === 0 && !(scope && event.gather)) model.unconsumed.push(event.type)
}

export function scopeOf({ scopes }: Model, id: number | undefined): Scope | undefined {
  return id === undefined ? undefined : scopes.get(id)
}

export function enqueue(model: Model, step: string, delivery: Delivery): void {
  const queue = model.queues.get(step)
  if (queue) queue.push(delivery)
  else model.queues.set(step, new Fifo([delivery]))
}

/** An answer from outside: it is an entry of the execution, but commits nothing. */
export function answer(model: Model, id: number, key: string, result: PointResult): void {
  const exec = model.execs.get(id)
  const point = exec?.points.get(key)
  if (exec === undefined || point === undefined || point.result !== undefined) return
  point.result = result
  dropWait(model, exec, point)
  if (point.type === 'ask' && !result.timeout) turnPage(model, exec, point)
  exec.interruptions = 0
  addMoment(model, exec, 'answered', key)
}
