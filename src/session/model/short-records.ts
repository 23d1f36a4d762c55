import { bodyOf, emitted, type Emission, type SessionRecord, type Stamp } from './record'
import type { SavedSession } from './saved-session'

/**
 * Records in the short form in which they are stored. A record with the next number and the same time as the one before
 * leaves both out. Then the common kinds are lists without names, unless they have more to say:
 *
 * - `taken` is `[exec, step, events]`, or `0` when the next execution takes the newest event, and nobody else does
 * - `ended` is `-exec` without an event, `[exec, ...event]` with one, and `[exec, emits, opens?]`
 * - `collected` is `[exec, key, step, type, data]`
 * - `started` is `[run, event]`, `finished` with a result is `[result]`
 * - an event in them is `[id, type, to, data, scope?, branch?]`, or `[0, data, scope?, branch?]` when it has the next number
 *   and is otherwise like the one before
 *
 * In them a list of one item is that item. The first record of a list stays whole, and so does one that another tab has asked
 * for. What is left out follows from the same list, so that each batch can be read alone.
 */
export function shorten(records: readonly SessionRecord[]): unknown[] {
  let next = NaN
  let time = NaN
  const said: Said = { exec: NaN, event: undefined }
  return records.map((record) => {
    const { seq, at, by } = record
    const follows = seq === next && at === time && by === undefined
    next = seq + 1
    time = at
    const made = follows ? short(record, said) : record
    note(said, record)
    return made
  })
}

/** The newest execution and the newest event in a list of records, as far as it was read. */
interface Said {
  exec: number
  event: Emission | undefined
}

function note(said: Said, record: SessionRecord): void {
  if (record.kind === 'taken') said.exec = record.exec
  said.event = emitted(record).at(-1) ?? said.event
}

function short(record: SessionRecord, { exec: newest, event: before }: Said): unknown {
  if (record.kind === 'taken' && record.worked === undefined) {
    const { exec, step } = record
    const events = one(record.events)
    const follows = before && exec === newest + 1 && events === before.id && step === one(before.to)
    return follows ? 0 : [exec, step, events]
  }
  if (record.kind === 'ended') {
    const { exec, emits, opens } = record
    if (opens === undefined && emits.length < 2) {
      const made = emits[0] && shortEvent(emits[0], before)
      return made ? (Array.isArray(made) ? [exec, ...(made as unknown[])] : [exec, made]) : -exec
    }
    const events = emits.map((it, index) => shortEvent(it, emits[index - 1] ?? before))
    return opens === undefined ? [exec, events] : [exec, events, opens]
  }
  if (record.kind === 'collected' && record.buffer === '' && !record.batch && !record.sends) {
    const { exec, key, step, event } = record
    if (event.data !== undefined) return [exec, key, step, event.type, event.data]
  }
  if (record.kind === 'started') return [record.run, shortEvent(record.event, before)]
  if (record.kind === 'finished' && record.status === 'completed' && 'result' in record)
    return [record.result]
  return bodyOf(record)
}

/** A list; or the event itself, when it has more to say. */
function shortEvent(event: Emission, before: Emission | undefined): unknown {
  const { id, type, to, data, scope, branch, gather, answers, rescues } = event
  if (data === undefined || gather || answers || rescues !== undefined) return event
  const steps = one(to)
  const like = before && id === before.id + 1 && type === before.type && steps === one(before.to)
  if (scope === undefined) return branch !== undefined ? event : like ? [0, data] : [id, type, steps, data]
  if (branch === undefined) return event
  return like ? [0, data, scope, branch] : [id, type, steps, data, scope, branch]
}

function one<T>(list: readonly T[]): unknown {
  return list.length === 1 ? list[0] : list
}

function all(item: unknown): unknown {
  return Array.isArray(item) ? item : [item]
}

/** Makes shortened records whole again. The check refuses what is none. */
export function lengthen(list: readonly unknown[]): unknown[] {
  let last: SessionRecord | undefined
  const said: Said = { exec: NaN, event: undefined }
  return list.map((it) => {
    const isWhole = typeof it === 'object' && it !== null && 'seq' in it
    if (!isWhole && !last) return it
    last = isWhole ? (it as SessionRecord) : stamped(named(it, said), last as Stamp)
    note(said, last)
    return last
  })
}

/** Completed in place: adding to a spread takes twenty times as long. */
function stamped(record: { seq?: number; at?: number }, { seq, at }: Stamp): SessionRecord {
  record.seq = seq + 1
  record.at = at
  return record as SessionRecord
}

function named(it: unknown, { exec: newest, event: before }: Said): object {
  if (it === 0) return { kind: 'taken', exec: newest + 1, step: before?.to[0], events: [before?.id] }
  if (typeof it === 'number') return { kind: 'ended', exec: -it, emits: [] }
  if (!Array.isArray(it)) return { ...(it as object) }
  const [exec, second, third, type, data] = it as unknown[]
  if (it.length === 1) return { kind: 'finished', status: 'completed', result: exec }
  if (typeof exec === 'string') return { kind: 'started', run: exec, event: wholeEvent(second, before) }
  if (typeof second === 'string')
    return it.length > 3
      ? { kind: 'collected', exec, key: second, step: third, buffer: '', event: { type, data } }
      : { kind: 'taken', exec, step: second, events: all(third) }
  if (typeof second === 'number') return { kind: 'ended', exec, emits: [wholeEvent(it.slice(1), before)] }
  const emits: unknown[] = []
  const isList = Array.isArray(second) && typeof second[0] !== 'number'
  for (const event of isList ? (second as unknown[]) : [second])
    emits.push(wholeEvent(event, emits.at(-1) ?? before))
  return third === undefined ? { kind: 'ended', exec, emits } : { kind: 'ended', exec, emits, opens: third }
}

function wholeEvent(event: unknown, before: unknown): unknown {
  if (!Array.isArray(event)) return event
  const [id, type, to, data, scope, branch] = event as unknown[]
  const steps = all(to)
  if (id === 0) {
    const { id: last, type: same, to: there } = before as Emission
    return wholeEvent([last + 1, same, there, type, to, data], undefined)
  }
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
