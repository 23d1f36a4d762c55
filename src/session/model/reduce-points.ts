import { Tree } from '../../state/tree'
import { addEntry, addMoment, addPoint, addWait, dropWait, versionOf } from './ledger'
import {
  bufferName,
  createModel,
  type CollectedEvent,
  type Execution,
  type Model,
  type Point,
  type PointResult,
} from './model'
import type { ChildBegin, Emission, SessionRecord } from './record'
import { deliver } from './reduce-deliver'
import { foldWorked } from './reduce-run'
import { commit } from './reduce-state'

type Of<Kind> = Extract<SessionRecord, { kind: Kind }>

/** A point that asks nobody anything. Written out: a spread makes a slow object. */
function settledPoint(
  key: string,
  type: Point['type'],
  seq: number,
  result: PointResult,
  event?: CollectedEvent,
): Point {
  return { key, type, seq, event, reply: undefined, where: false, deadline: undefined, result }
}

export function foldOpened(model: Model, record: Of<'opened'>): void {
  const exec = model.execs.get(record.exec)
  if (exec === undefined) return
  const { key, type, event, reply, where = false, deadline, seq, child } = record
  const point: Point = {
    ...{ key, type, seq, event, reply, where, deadline, result: undefined },
    // No event answers a sub-flow, but it is kept with the points that wait, for what waits in it.
    ...(child && { reply: '', begin: child, child: createChild(child, seq) }),
  }
  // A point that is begun again stays where it was in the ledger: a re-run comes there once.
  const again = exec.points.get(key)?.again
  addPoint(model, exec, point)
  keepSends(model, exec, record.sends)
  if (!again) addMoment(model, exec, 'opened', key)
  foldWorked(model, record.worked)
  commit(model, exec)
}

export function foldDone(model: Model, record: Of<'done'>): void {
  const exec = model.execs.get(record.exec)
  if (exec === undefined) return
  const { key, type, value, error, seq } = record
  const result: PointResult = error === undefined ? { value } : { error }
  const point = exec.points.get(key)
  if (point) {
    point.result = result
    dropWait(model, exec, point)
    // A failed one may be tried again.
    if (error === undefined) point.child = undefined
  } else addPoint(model, exec, settledPoint(key, type, seq, result))
  keepSends(model, exec, record.sends)
  addMoment(model, exec, point ? 'done' : 'opened', key)
  commit(model, exec)
}

export function foldFlowWrote(model: Model, { exec: id, key, ops, seq }: Of<'flowWrote'>): void {
  if (ops) model.flow?.apply(ops)
  const exec = model.execs.get(id)
  if (exec === undefined) return
  addPoint(model, exec, settledPoint(key, 'flow', seq, {}))
  // It is no part of the state.
  addEntry(exec, { kind: 'flow', key, version: versionOf(exec) })
}

export function foldCollected(model: Model, record: Of<'collected'>): void {
  const exec = model.execs.get(record.exec)
  if (exec === undefined) return
  const name = bufferName(record.step, record.buffer)
  const buffer = model.buffers.get(name) ?? []
  buffer.push(record.event)
  const value = record.batch?.map((type) => takeOut(buffer, type))
  if (buffer.length > 0) model.buffers.set(name, buffer)
  else model.buffers.delete(name)
  const { key, seq } = record
  addPoint(model, exec, settledPoint(key, 'collect', seq, { value }, record.event))
  keepSends(model, exec, record.sends)
  addMoment(model, exec, 'opened', key)
  commit(model, exec)
}

/**
 * The next attempt begins again an effect that has failed or whose outcome nobody could tell, and a wait that has timed out. A
 * sub-flow goes on.
 */
export function reopen(model: Model, exec: Execution, key: string): void {
  const point = exec.points.get(key)
  if (point === undefined) return
  const { error, timeout } = point.result ?? {}
  if (point.type === 'once' || timeout) point.again = true
  if (!error && !timeout) return
  exec.entries = exec.entries.filter((it) => it.kind === 'opened' || !('key' in it) || it.key !== key)
  exec.committed = exec.entries.length
  // Until it is begun again, nobody can answer it.
  if (timeout) return
  point.result = undefined
  addWait(model, exec, point)
  if (point.child) goOn(point.child)
}

function createChild({ state, flow }: ChildBegin, seq: number): Model {
  return Object.assign(createModel(state, ''), { seq, changed: seq, flow: new Tree(flow) })
}

/** A failed sub-flow goes on as a session does. One that has stalled, or was cancelled, starts over with its state. */
function goOn(child: Model): void {
  const { status, exec = 0 } = child.run?.end ?? {}
  if (status === 'failed') foldRetried(child, { exec })
  else child.run = undefined
}

/** A failed run goes on: its failed step begins at its first attempt. One that a limit of its own has ended has all of it again. */
export function foldRetried(model: Model, { exec: id }: { readonly exec: number }): void {
  const { run } = model
  if (run) run.end = undefined
  const exec = model.execs.get(id)
  if (exec) Object.assign(exec, { attempt: 1, interruptions: 0, retryAt: undefined })
  else if (run) model.run = { ...run, steps: 0, worked: 0 }
}

function takeOut<T extends { readonly type: string }>(buffer: T[], type: string): T | undefined {
  return buffer.splice(
    buffer.findIndex((it) => it.type === type),
    1,
  )[0]
}

function keepSends(model: Model, exec: Execution, sends: readonly Emission[] = []): void {
  // They have no state of their own.
  for (const { type, data } of sends)
    addEntry(exec, { kind: 'sent', event: { type, data }, version: versionOf(exec) })
  for (const event of sends) deliver(model, event)
}
