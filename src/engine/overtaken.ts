import type { Op, OpPath } from '../state/op'
import { sameJson } from '../state/same'
import type { Core } from '../session/core'
import { joinOps } from '../session/field-edit'
import type { LiveSession } from '../session/live-session'
import type { SessionRecord } from '../session/record'

/** Of records, in words. */
export function kindsOf(records: readonly object[]): string[] {
  return [...new Set((records as readonly SessionRecord[]).map((it) => it.kind))]
}

/** What a person has done, in words: nobody else does it again. */
export function lostOf(records: readonly object[]): string[] {
  return kindsOf((records as readonly SessionRecord[]).filter(isOfAPerson))
}

/** Decisions of a person that mean something else in another session than in the one they were made in. */
const decisions: ReadonlySet<string> = new Set([
  'started',
  'retried',
  'paused',
  'resumed',
  'rewound',
  'reset',
])

/** What a tab had recorded while it led and may not be stored. */
export class Kept {
  #lineage = ''
  #records: readonly SessionRecord[] = []

  /** Somebody else leads from now on. */
  keep(live: LiveSession): void {
    this.#lineage = live.core.model.lineage
    this.#records = [...this.#records, ...(live.unacknowledged() as SessionRecord[])]
  }

  /**
   * What its user had done and whoever leads now may not know: it goes on top of what is there, or is lost where it cannot
   * be done again. What steps had done is done again by the steps. `base` is up to where the records are the same for sure;
   * those up to `durable` are stored. What is part of the session now is kept until it is.
   */
  again(core: Core, base: number, durable: number): Overtaken {
    const again: [string, readonly unknown[]][] = []
    const lost: SessionRecord[] = []
    const known: SessionRecord[] = []
    for (const record of this.#records) {
      if (record.by !== undefined || record.seq <= durable) continue
      const call = this.#lineage === core.model.lineage ? callOf(record, core) : undefined
      if (isKnown(record, core, base)) {
        const [heard, more] = grown(record, core)
        known.push(heard)
        if (more.length > 0) again.push(['write', [more]])
      } else if (call) again.push(call)
      else if (isOfAPerson(record)) lost.push(record)
    }
    this.#records = known
    return { again, lost: kindsOf(lost) }
  }
}

interface Overtaken {
  readonly again: readonly (readonly [call: string, args: readonly unknown[]])[]
  readonly lost: readonly string[]
}

/** Whether a session has this record, as far as its history tells; up to `base` it has all. */
export function isKnown(record: SessionRecord, { history }: Pick<Core, 'history'>, base = 0): boolean {
  const found = history.record(record.seq)
  return found ? isSame(found, record) : record.seq <= base
}

/** Of one number. Edits in a row become one, which may not have grown to its end there ({@link grown}), or has others before it. */
function isSame(found: SessionRecord, record: SessionRecord): boolean {
  if (found.kind !== 'wrote' || record.kind !== 'wrote')
    return JSON.stringify(found) === JSON.stringify(record)
  const { at, exec, ops } = record
  const isThere = (op: Op): boolean => ops.some((it) => isOfOnePlace(it, op))
  return found.at === at && found.exec === exec && found.ops.some(isThere)
}

/** Of edits in a row that became one record: it as far as they are there, and those that were not heard of in time. */
function grown(record: SessionRecord, core: Core): readonly [heard: SessionRecord, more: readonly Op[]] {
  const found = core.history.record(record.seq)
  if (!isEdit(record) || !found || !isEdit(found)) return [record, []]
  // Where something private stood between two edits, they are one at times.
  const [ops, all] = [joined(core.options.privacy.told(record.ops)), joined(found.ops)]
  for (let length = ops.length; length > 0; length--) {
    const heard = ops.slice(0, length)
    const theirs = all.slice(-length)
    const isThere = (op: Op, at: number): boolean => {
      const other = theirs[at]
      const ends = at === 0 || at === length - 1
      return other !== undefined && (sameJson(op, other) || (ends && isJoined(op, other)))
    }
    if (!heard.every(isThere)) continue
    const [last, more] = parted(heard[length - 1] as Op, theirs[length - 1] as Op)
    return [{ ...record, ops: [...heard.slice(0, -1), last] }, [...more, ...ops.slice(length)]]
  }
  return [record, []]
}

function isEdit(record: SessionRecord): record is SessionRecord & { kind: 'wrote' } {
  return record.kind === 'wrote' && record.exec === undefined
}

function joined(edits: readonly Op[]): Op[] {
  const ops: Op[] = []
  for (const op of edits) joinOps(ops, op)
  return ops
}

function isOfOnePlace(one: Op, other: Op): boolean {
  return one[0] === other[0] && sameJson(one[1], other[1])
}

/** Whether one may be what became of the other, with those before or after it. */
function isJoined(one: Op, other: Op): boolean {
  if (!isOfOnePlace(one, other)) return false
  return one[0] === 'set' || (isText(one) && isText(other) && parted(one, other)[0][2] !== '')
}

function isText(op: Op): boolean {
  return op[0] === 'append' && op[3] === 'text'
}

/** What they have of an edit, which may be the end of a longer one there, and what they have not. */
function parted(mine: Op, theirs: Op): readonly [heard: Op, more: readonly Op[]] {
  if (!isText(mine)) return [theirs, sameJson(mine, theirs) ? [] : [mine]]
  const [kind, path, text] = mine as [op: 'append', path: OpPath, text: string]
  let length = text.length
  while (!String(theirs[2]).endsWith(text.slice(0, length))) length--
  const part = (from: number, to?: number): Op => [kind, path, text.slice(from, to), 'text']
  return [part(0, length), length < text.length ? [part(length)] : []]
}

function callOf(record: SessionRecord, core: Core): [string, readonly unknown[]] | undefined {
  if (record.kind === 'wrote' && record.exec === undefined)
    return ['write', [core.options.privacy.told(record.ops)]]
  if (record.kind === 'answered' && !record.timeout)
    return ['reply', [core.key(record.exec, record.key), record.value]]
  if (record.kind !== 'sent') return undefined
  const { type, data, to } = record.event
  return ['send', [{ type, data }, to.length === 1 ? { step: to[0] } : {}]]
}

function isOfAPerson(record: SessionRecord): boolean {
  if (record.kind === 'wrote') return record.exec === undefined
  if (record.kind === 'answered') return !record.timeout
  if (record.kind === 'finished') return record.status === 'cancelled'
  return record.kind === 'sent' || decisions.has(record.kind)
}
