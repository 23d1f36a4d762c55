import type { Op, OpPath } from '../state/op'
import { sameJson } from '../state/same'
import type { Core } from '../session/core'
import { isFieldEdit, isOfOnePlace, joinOps } from '../session/model/field-edit'
import type { SessionRecord } from '../session/model/record'

/** Splits a record of successive edits into those that the other session has and those that it did not hear in time. */
export function grown(
  record: SessionRecord,
  core: Core,
): readonly [heard: SessionRecord, more: readonly Op[]] {
  const found = core.history.record(record.seq)
  if (!isFieldEdit(record) || !isFieldEdit(found)) return [record, []]
  // Without a private write between them, two edits may be one.
  const ops = joined(core.options.privacy.told(record.ops))
  const all = joined(found.ops)
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

function joined(edits: readonly Op[]): Op[] {
  const ops: Op[] = []
  joinOps(ops, edits)
  return ops
}

/** Whether one record may be the other joined with edits before or after it. */
function isJoined(one: Op, other: Op): boolean {
  if (!isOfOnePlace(one, other)) return false
  return one[0] === 'set' || (isText(one) && isText(other) && parted(one, other)[0][2] !== '')
}

function isText(op: Op): boolean {
  return op[0] === 'append' && op[3] === 'text'
}

/** The part of an edit that they have heard, which may be the end of a longer one there, and the part that they have not. */
function parted(mine: Op, theirs: Op): readonly [heard: Op, more: readonly Op[]] {
  if (!isText(mine)) return [theirs, sameJson(mine, theirs) ? [] : [mine]]
  const [kind, path, text] = mine as [op: 'append', path: OpPath, text: string]
  let length = text.length
  while (!String(theirs[2]).endsWith(text.slice(0, length))) length--
  const part = (from: number, to?: number): Op => [kind, path, text.slice(from, to), 'text']
  return [part(0, length), length < text.length ? [part(length)] : []]
}
