import type { Op } from '../state/op'
import { sameJson } from '../state/same'
import type { SessionRecord } from './record'

/** A write from outside of the steps. */
export function isFieldEdit(record: SessionRecord | undefined): record is SessionRecord & { kind: 'wrote' } {
  return record?.kind === 'wrote' && record.exec === undefined
}

/** Adds an edit to a list of edits; another one of the same field takes its place. */
export function joinOps(ops: Op[], op: Op): void {
  const last = ops[ops.length - 1]
  const same = last !== undefined && last[0] === op[0] && op[0] !== 'replace' && isSamePath(last[1], op[1])
  if (same && op[0] === 'set') ops[ops.length - 1] = op
  else if (same && op[0] === 'append' && last[0] === 'append' && op[3] === 'text' && last[3] === 'text')
    ops[ops.length - 1] = ['append', op[1], `${String(last[2])}${String(op[2])}`, 'text']
  else ops.push(op)
}

function isSamePath(a: unknown, b: unknown): boolean {
  return typeof a === 'string' ? a === b : sameJson(a, b)
}
