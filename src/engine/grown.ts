import type { Op, OpPath } from '../state/op'
import { sameJson } from '../state/same'
import type { Core } from '../session/core'
import { isFieldEdit, isOfOnePlace, joinOps } from '../session/model/field-edit'
import type { SessionRecord } from '../session/model/record'

/** What the other session did not hear in time of a record of successive edits. */
export function grown(record: SessionRecord, core: Core): readonly Op[] {
  const found = core.history.record(record.seq)
  if (!isFieldEdit(record) || !isFieldEdit(found)) return []
  // Without a private write between them, two edits may be one.
  const ops = joined(core.options.privacy.told(record.ops))
  const all = joined(found.ops)
  for (let length = ops.length; length > 0; length--) {
    const theirs = all.slice(-length)
    const isThere = (op: Op, at: number): boolean => {
      const other = theirs[at]
      const ends = at === 0 || at === length - 1
      return other !== undefined && (sameJson(op, other) || (ends && isJoined(op, other)))
    }
    if (!ops.slice(0, length).every(isThere)) continue
    const more = unheard(ops[length - 1] as Op, theirs[length - 1] as Op)
    return [...more, ...ops.slice(length)]
  }
  return []
}

function joined(edits: readonly Op[]): Op[] {
  const ops: Op[] = []
  joinOps(ops, edits)
  return ops
}

/** Whether one record may be the other joined with edits before or after it. */
function isJoined(one: Op, other: Op): boolean {
  return (
    isOfOnePlace(one, other) &&
    (one[0] === 'set' || (isText(one) && isText(other) && overlap(one, other) > 0))
  )
}

function isText(op: Op): boolean {
  return op[0] === 'append' && op[3] === 'text'
}

/** How much of a text they have heard, which may be the end of a longer one there. */
function overlap(mine: Op, theirs: Op): number {
  const text = mine[2] as string
  let length = text.length
  while (!String(theirs[2]).endsWith(text.slice(0, length))) length--
  return length
}

/** The part of an edit that they have not heard. */
function unheard(mine: Op, theirs: Op): readonly Op[] {
  if (!isText(mine)) return sameJson(mine, theirs) ? [] : [mine]
  const [kind, path, text] = mine as [op: 'append', path: OpPath, text: string]
  const rest = text.slice(overlap(mine, theirs))
  return rest ? [[kind, path, rest, 'text']] : []
}
