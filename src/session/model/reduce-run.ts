import type { Fifo } from './fifo'
import { dropWait, noEntries, noPoints } from './ledger'
import type { Delivery, Execution, Model, Scope } from './model'
import { bodyOf, lineOf, type Finished, type SessionRecord } from './record'
import { deliver, enqueue, scopeOf } from './reduce-deliver'
import { commit, rollback } from './reduce-state'

type Of<Kind> = Extract<SessionRecord, { kind: Kind }>

export function foldStarted(model: Model, { run, event }: Of<'started'>): void {
  clearWork(model)
  model.run = { id: run, steps: 0, end: undefined, pages: [], kept: [] }
  deliver(model, event)
}

export function foldTaken(model: Model, { exec: id, step, events: ids, at, seq, worked }: Of<'taken'>): void {
  const queue = model.queues.get(step)
  const taken = ids.length === 1 ? take(queue, ids[0]!) : ids.flatMap((it) => take(queue, it))
  // Several events of a scope become one execution.
  for (let index = 1; index < taken.length; index++) release(model, taken[index]?.scope)
  model.nextExec = Math.max(model.nextExec, id + 1)
  if (model.run) model.run.steps++
  foldWorked(model, worked)
  model.execs.add(id, createExecution(model, { id, seq, step, at }, taken))
}

export function foldWorked({ run }: Model, worked: number | undefined): void {
  if (run && worked !== undefined) run.worked = worked
}

/** Mostly the event is the first of the queue. */
function take(queue: Fifo<Delivery> | undefined, id: number): Delivery[] {
  const found = queue?.peek()?.id === id ? queue.shift() : queue?.take((it) => it.id === id)
  return found ? [found] : []
}

const nowhere: Pick<Delivery, 'scope' | 'branch'> = {}

function createExecution(
  model: Model,
  known: Pick<Execution, 'id' | 'seq' | 'step' | 'at'>,
  taken: readonly Delivery[],
): Execution {
  const { id, seq, step, at } = known
  const { scope, branch } = taken[0] ?? nowhere
  let rescues = 0
  for (const it of taken) if (it.rescues !== undefined && it.rescues > rescues) rescues = it.rescues
  // Written out: a spread of so many members makes a slow object, and this one is made at every step.
  return {
    id,
    seq,
    step,
    at,
    events: taken[0]?.members ?? taken,
    scope,
    branch,
    rescues,
    attempt: 1,
    interruptions: 0,
    retryAt: undefined,
    root: model.tree.root(),
    version: model.changed,
    entries: noEntries,
    committed: 0,
    span: 0,
    dirty: false,
    points: noPoints,
  }
}

export function foldEnded(model: Model, { exec: id, emits, opens }: Of<'ended'>): void {
  const exec = model.execs.get(id)
  if (exec === undefined) return
  commit(model, exec)
  model.execs.delete(id)
  // Most executions have none.
  if (exec.points.size > 0) for (const point of exec.points.open) dropWait(model, exec, point)
  const { scope: parent, branch } = exec
  if (opens !== undefined) {
    model.nextScope = Math.max(model.nextScope, opens + 1)
    const scope: Scope = { id: opens, parent, branch, step: exec.step, open: 0, gathered: new Map() }
    model.scopes.set(opens, scope)
    const above = scopeOf(model, parent)
    if (above) above.open++
  }
  for (const event of emits) deliver(model, event)
  if (opens !== undefined && model.scopes.get(opens)?.open === 0) model.ripe.add(opens)
  release(model, parent)
}

/** The gathering steps start in the scope and branch that the fan-out itself belongs to. */
export function foldGathered(model: Model, { scope: id, to }: Of<'gathered'>): void {
  const scope = model.scopes.get(id)
  if (scope === undefined) return
  model.scopes.delete(id)
  model.ripe.delete(id)
  const { parent, branch = 0, gathered } = scope
  const above = scopeOf(model, parent)
  const hasLine = parent !== undefined || gathered.size === 0
  const line = lineOf({ scope: parent, branch: hasLine ? branch : undefined })
  for (const { id: event, step } of to) {
    const kept = gathered.get(step) ?? []
    const members = [...kept].sort((a, b) => (a.branch ?? 0) - (b.branch ?? 0) || a.id - b.id)
    model.nextEvent = Math.max(model.nextEvent, event + 1)
    enqueue(model, step, { id: event, type: members[0]?.type ?? '', to: [step], members, ...line })
    if (above) above.open++
  }
  if (above)
    above.passed = [
      ...new Set([...(above.passed ?? []), ...(scope.passed ?? []), ...to.map((it) => it.step)]),
    ]
  release(model, parent)
}

function release(model: Model, scope: number | undefined): void {
  const it = scopeOf(model, scope)
  if (it && --it.open === 0) model.ripe.add(it.id)
}

export function foldFinished(model: Model, record: Of<'finished'>): void {
  const end = endOf(record)
  if (model.execs.size > 0) rollback(model, model.execs.keys())
  if (model.run) model.run.end = end
  if (end.status === 'failed' || end.status === 'stalled') return
  clearWork(model)
}

/** A record without its stamp. Most say no more than a result, and a rest of so many members is slow. */
function endOf(record: Of<'finished'>): Omit<Finished, 'kind'> {
  const { status, result } = record
  if (status === 'completed' && record.by === undefined)
    return 'result' in record ? { status, result } : { status }
  const { kind: _kind, ...end } = bodyOf(record) as Of<'finished'>
  return end
}

/** Removes all work of a run. What it had not committed was taken out when it ended. */
function clearWork(model: Model): void {
  const { queues } = model
  // An empty queue does no harm, and is there for the next run.
  for (const step of queues.keys()) if (queues.get(step)?.size) queues.delete(step)
  empty(model.execs)
  empty(model.scopes)
  empty(model.ripe)
  empty(model.waits)
  empty(model.buffers)
  model.unconsumed = []
}

/** Clearing an empty map would make it anew. */
function empty(it: { readonly size: number; clear(): void }): void {
  if (it.size > 0) it.clear()
}
