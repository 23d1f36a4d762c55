import type { Op } from '../../state/op'
import { startsWith, toPath } from '../../state/path'
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

/** A field, and what is in it. */
interface Field {
  /** Where it is set. */
  at: number | undefined
  /** Whether something was written in it since. */
  touched: boolean
  below: Map<string, Field> | undefined
}

/**
 * Edits without those that a later one of the same field has replaced. That one takes the place of the first, so that keys
 * and items stay in their order. Where a list was shifted meanwhile, the same path is another field.
 */
export function withoutReplaced(ops: readonly Op[]): Op[] {
  let kept: { readonly keys: readonly string[]; op?: Op }[] = []
  let root = fieldOf()
  for (const op of ops) {
    const [kind] = op
    if (kind === 'replace') [kept, root] = [[], fieldOf()]
    const keys = kind === 'replace' ? [] : toPath(op[1]).keys
    let [outer, field] = [root, root]
    for (const key of keys) {
      outer = field
      outer.touched = true
      const below = (outer.below ??= new Map<string, Field>())
      const known = below.get(key)
      if (known === undefined) below.set(key, (field = fieldOf()))
      else field = known
    }
    const { at, touched } = field
    field.touched = kind !== 'set'
    if (kind !== 'append') (kind === 'delete' ? outer : field).below = undefined
    if (kind === 'set' && at !== undefined) {
      if (touched) for (const it of kept.slice(at + 1)) if (startsWith(it.keys, keys)) delete it.op
      ;(kept[at] as (typeof kept)[number]).op = op
    } else {
      if (kind === 'set') field.at = kept.length
      kept.push({ keys, op })
    }
  }
  return kept.map((it) => it.op).filter((it) => it !== undefined)
}

function fieldOf(): Field {
  return { at: undefined, touched: false, below: undefined }
}
