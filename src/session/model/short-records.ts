import { bodyOf, type Emission, type SessionRecord, type Stamp } from './record'
import type { SavedSession } from './saved-session'

/**
 * Records in the short form in which they are stored. A record with the next number and the same time as the one before
 * leaves both out. Then the common kinds are lists without names, unless they have more to say:
 *
 * - `taken` is `[exec, step, events]`, `ended` is `[exec, emits, opens?]`
 * - `collected` is `[exec, key, step, type, data]`
 * - `started` is `[run, event]`, `finished` with a result is `[result]`
 * - an event in them is `[id, type, to, data, scope?, branch?]`
 *
 * In them a list of one item is that item. The first record of a list stays whole, and so does one that another tab has asked
 * for.
 */
export function shorten(records: readonly SessionRecord[]): unknown[] {
  let next = NaN
  let time = NaN
  return records.map((record) => {
    const { seq, at, by } = record
    const follows = seq === next && at === time && by === undefined
    next = seq + 1
    time = at
    return follows ? short(record) : record
  })
}

function short(record: SessionRecord): unknown {
  if (record.kind === 'taken' && record.worked === undefined)
    return [record.exec, record.step, one(record.events)]
  if (record.kind === 'ended') {
    const { exec, emits, opens } = record
    const events = emits.length === 1 ? shortEvent(emits[0] as Emission) : emits.map(shortEvent)
    return opens === undefined ? [exec, events] : [exec, events, opens]
  }
  if (record.kind === 'collected' && record.buffer === '' && !record.batch && !record.sends) {
    const { exec, key, step, event } = record
    if (event.data !== undefined) return [exec, key, step, event.type, event.data]
  }
  if (record.kind === 'started') return [record.run, shortEvent(record.event)]
  if (record.kind === 'finished' && record.status === 'completed' && 'result' in record)
    return [record.result]
  return bodyOf(record)
}

function shortEvent(event: Emission): unknown {
  const { id, type, to, data, scope, branch, gather, answers, rescues } = event
  if (data === undefined || gather || answers || rescues !== undefined) return event
  if (scope === undefined) return branch === undefined ? [id, type, one(to), data] : event
  return branch === undefined ? event : [id, type, one(to), data, scope, branch]
}

function one<T>(list: readonly T[]): unknown {
  return list.length === 1 ? list[0] : list
}

function all(item: unknown): unknown {
  return Array.isArray(item) ? item : [item]
}

/** Makes shortened records whole again. What is no record is passed on, for the check to refuse. */
export function lengthen(list: readonly unknown[]): unknown[] {
  let last: Stamp | undefined
  return list.map((it) => {
    if (typeof it !== 'object' || it === null) return it
    if ('seq' in it) last = it as Stamp
    else if (last) last = stamped(Array.isArray(it) ? named(it) : { ...it }, last)
    return last ?? it
  })
}

/** Completed in place: adding to a spread takes twenty times as long. */
function stamped(record: { seq?: number; at?: number }, { seq, at }: Stamp): Stamp {
  record.seq = seq + 1
  record.at = at
  return record as Stamp
}

function named(list: readonly unknown[]): object {
  const [exec, second, third, type, data] = list
  if (list.length === 1) return { kind: 'finished', status: 'completed', result: exec }
  if (typeof exec === 'string') return { kind: 'started', run: exec, event: wholeEvent(second) }
  if (list.length > 3)
    return { kind: 'collected', exec, key: second, step: third, buffer: '', event: { type, data } }
  if (typeof second === 'string') return { kind: 'taken', exec, step: second, events: all(third) }
  const several = Array.isArray(second) && typeof second[0] !== 'number'
  const emits = several ? second.map(wholeEvent) : [wholeEvent(second)]
  return third === undefined ? { kind: 'ended', exec, emits } : { kind: 'ended', exec, emits, opens: third }
}

function wholeEvent(event: unknown): unknown {
  if (!Array.isArray(event)) return event
  const [id, type, to, data, scope, branch] = event as unknown[]
  const steps = all(to)
  return scope === undefined ? { id, type, data, to: steps } : { id, type, data, to: steps, scope, branch }
}

/** A snapshot as it is stored. */
export function shortHistory({ history, ...saved }: SavedSession): unknown {
  return { ...saved, ...(history && { history: { ...history, records: shorten(history.records) } }) }
}

/** The snapshot again, from whatever is stored. */
export function wholeHistory(value: unknown): unknown {
  const { history } = (value ?? {}) as { readonly history?: { readonly records?: unknown } }
  const records = history?.records
  if (!Array.isArray(records)) return value
  return { ...(value as object), history: { ...history, records: lengthen(records) } }
}
