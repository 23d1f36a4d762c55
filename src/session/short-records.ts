import type { Emission, SessionRecord, Stamp } from './record'
import type { SavedSession } from './saved-session'

/**
 * Records as they are stored. What follows from the record before is left out: a number one higher, and the same time.
 * What most records say is a list without names: a step that begins or ends `[exec, step, events]`, `[exec, emits, opens?]`,
 * a run `[run, event]`, `[result]`, and an event `[id, type, to, data, scope?, branch?]`, unless there is more to say. The first one of a list, and one that another tab has asked for, says all of it.
 */
export function shorten(records: readonly SessionRecord[]): unknown[] {
  let last: SessionRecord | undefined
  return records.map((record) => {
    const follows = record.seq === (last?.seq ?? NaN) + 1 && record.at === last?.at
    last = record
    return follows && record.by === undefined ? short(record) : record
  })
}

function short(record: SessionRecord): unknown {
  if (record.kind === 'started') return [record.run, shortEvent(record.event)]
  if (record.kind === 'finished' && record.status === 'completed' && 'result' in record)
    return [record.result]
  if (record.kind === 'taken' && record.worked === undefined) return [record.exec, record.step, record.events]
  if (record.kind === 'ended') {
    const { exec, emits, opens } = record
    const events = emits.map(shortEvent)
    return opens === undefined ? [exec, events] : [exec, events, opens]
  }
  const { seq: _seq, at: _at, ...body } = record
  return body
}

function shortEvent(event: Emission): unknown {
  const { id, type, to, data, scope, branch, gather, answers, rescues } = event
  if (data === undefined || gather || answers || rescues !== undefined) return event
  if (scope === undefined) return branch === undefined ? [id, type, to, data] : event
  return branch === undefined ? event : [id, type, to, data, scope, branch]
}

/** What was shortened, whole again. What is no record is handed on, for whoever checks it to refuse. */
export function lengthen(list: readonly unknown[]): unknown[] {
  let last: Stamp | undefined
  return list.map((it) => {
    if (typeof it !== 'object' || it === null) return it
    if ('seq' in it) last = it as Stamp
    else if (last) last = { ...(Array.isArray(it) ? named(it) : it), seq: last.seq + 1, at: last.at }
    return last ?? it
  })
}

function named(list: readonly unknown[]): object {
  const [exec, second, third] = list
  if (list.length === 1) return { kind: 'finished', status: 'completed', result: exec }
  if (typeof exec === 'string') return { kind: 'started', run: exec, event: wholeEvent(second) }
  if (typeof second === 'string') return { kind: 'taken', exec, step: second, events: third }
  const emits = Array.isArray(second) ? second.map(wholeEvent) : second
  return third === undefined ? { kind: 'ended', exec, emits } : { kind: 'ended', exec, emits, opens: third }
}

function wholeEvent(event: unknown): unknown {
  if (!Array.isArray(event)) return event
  const [id, type, to, data, scope, branch] = event as unknown[]
  return scope === undefined ? { id, type, data, to } : { id, type, data, to, scope, branch }
}

/** A snapshot as it is stored. */
export function shortHistory({ history, ...saved }: SavedSession): unknown {
  return { ...saved, ...(history && { history: { ...history, records: shorten(history.records) } }) }
}

/** What a snapshot was, whatever stands there. */
export function wholeHistory(value: unknown): unknown {
  const { history } = (value ?? {}) as { readonly history?: { readonly records?: unknown } }
  const records = history?.records
  if (!Array.isArray(records)) return value
  return { ...(value as object), history: { ...history, records: lengthen(records) } }
}
