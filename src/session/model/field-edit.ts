import type { Op } from '../../state/op'
import { sameJson } from '../../state/same'
import type { SessionRecord } from './record'

/** A write from outside of the steps. */
export function isFieldEdit(record: SessionRecord | undefined): record is SessionRecord & { kind: 'wrote' } {
  return record?.kind === 'wrote' && record.exec === undefined
}

/** Adds edits to a list of edits; another one of the same field takes its place. */
export function joinOps(ops: Op[], more: readonly Op[]): void {
  for (const op of more) {
    const last = ops[ops.length - 1]
    const same = last !== undefined && op[0] !== 'replace' && isOfOnePlace(last, op)
    if (same && op[0] === 'set') ops[ops.length - 1] = op
    else if (same && op[0] === 'append' && last[0] === 'append' && op[3] === 'text' && last[3] === 'text')
      ops[ops.length - 1] = ['append', op[1], `${String(last[2])}${String(op[2])}`, 'text']
    else ops.push(op)
  }
}

export function isOfOnePlace(one: Op, other: Op): boolean {
  return one[0] === other[0] && sameJson(one[1], other[1])
}
