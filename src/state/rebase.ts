import type { Op } from './op'
import { listIndex, toPath } from './path'
import { Tree } from './tree'

/**
 * A field or a list item, whatever its index: `old` when the history as it was has it, `now` when the one
 * without the dropped entries has it.
 */
interface Place {
  old: boolean
  now: boolean
  fields: Map<string, Place>
  /** In a list: all items of both histories, in one order. Made when first needed. */
  items?: Place[] | undefined
}

/** Where a path leads in both histories. */
interface Target {
  readonly place: Place
  readonly old: unknown
  readonly now: unknown
  /** The path in the history without the dropped entries. */
  readonly keys: readonly string[]
}

/**
 * Rolls back by replaying: `base`, then every entry that is not dropped. A list index means the item that it
 * meant in the history as it was; a write into an item that is no longer there goes with it.
 */
export function rebase(
  base: unknown,
  entries: readonly { readonly ops: readonly Op[]; readonly dropped: boolean }[],
): {
  readonly root: unknown
  readonly kept: readonly { readonly ops: readonly Op[]; readonly before: unknown }[]
} {
  const old = new Tree(base)
  const now = new Tree(base)
  const root = placed(true, true)
  const kept: { ops: Op[]; before: unknown }[] = []
  for (const { ops, dropped } of entries) {
    const before = now.root()
    const rewrittenOps = ops.flatMap((op) => {
      const start = { place: root, old: old.peek(), now: now.peek(), keys: [] }
      const rewritten = rewrite(op, start, !dropped)
      old.apply([op])
      if (!dropped) now.apply(rewritten)
      return rewritten
    })
    if (!dropped) kept.push({ ops: rewrittenOps, before })
  }
  return { root: now.root(), kept }
}

function rewrite(op: Op, root: Target, keep: boolean): Op[] {
  if (op[0] === 'replace') {
    forget(root.place)
    return [op]
  }
  const { keys } = toPath(op[1])
  const single = op[0] === 'set' || op[0] === 'delete'
  const target = follow(root, single ? keys.slice(0, -1) : keys)
  if (!target) return []
  if (op[0] === 'append') return append(op, target, keep)
  if (op[0] === 'splice') return splice(op, target, keep)
  return put(op, target, keys.at(-1) ?? '', keep)
}

/** Undefined when it goes through an item that is gone. */
function follow(from: Target, keys: readonly string[]): Target | undefined {
  let target = from
  for (const key of keys) {
    const next = step(target, key)
    if (!next) return undefined
    target = next
  }
  return target
}

function step(at: Target, key: string): Target | undefined {
  const { place, old, now } = at
  let to = key
  let next: Place | undefined
  if (Array.isArray(old)) {
    const items = itemsOf(at)
    next = items.filter(isOld)[listIndex(key)]
    if (!next?.now) return undefined
    to = String(items.filter(isNow).indexOf(next))
  } else {
    // A key of an object is no item of the list that stands there again.
    if (Array.isArray(now)) return undefined
    next = place.fields.get(key) ?? placed(true, true)
    place.fields.set(key, next)
  }
  return { place: next, old: child(old, key), now: child(now, to), keys: [...at.keys, to] }
}

function put(op: Op & { 0: 'set' | 'delete' }, parent: Target, key: string, keep: boolean): Op[] {
  const items = Array.isArray(parent.old) ? itemsOf(parent) : []
  const item = items.filter(isOld)[listIndex(key)]
  if (Array.isArray(parent.old) && !item) {
    if (op[0] === 'delete') return []
    const end = items.filter(isNow).length
    items.push(placed(true, keep))
    return Array.isArray(parent.now)
      ? [moved(op, [...parent.keys, String(end)])]
      : [['append', toPath(parent.keys).id, op[2], 'list']]
  }
  const target = step(parent, key)
  if (item && op[0] === 'delete') {
    item.old = false
    item.now &&= !keep
  } else if (target) forget(target.place)
  return target ? [moved(op, target.keys)] : []
}

function append(op: Op & { 0: 'append' }, at: Target, keep: boolean): Op[] {
  const [, , item, as = typeof item === 'string' ? 'text' : 'list'] = op
  const list = Array.isArray(at.old) || (as === 'list' && typeof at.old !== 'string')
  if (list) itemsOf(at).push(placed(true, keep))
  const asItem = list && typeof item === 'string' && !Array.isArray(at.now)
  return [asItem ? ['append', toPath(at.keys).id, item, 'list'] : moved(op, at.keys)]
}

function splice(op: Op & { 0: 'splice' }, at: Target, keep: boolean): Op[] {
  const [, , index, count, values] = op
  const items = itemsOf(at)
  const shown = items.filter(isOld)
  const removed = new Set(shown.slice(index, index + count))
  const previous = shown[index - 1]
  // Right after the item before it; at the end of the list, at the end of both.
  const place = index >= shown.length ? items.length : previous ? items.indexOf(previous) + 1 : 0
  const present = items.filter(isNow)
  const start = items.slice(0, place).filter(isNow).length
  let deleted = 0
  while (removed.has(present[start + deleted] as Place)) deleted++
  // Items that stand between the removed ones again split the removal.
  const path = toPath(at.keys).id
  const rest: Op[] = present.flatMap((it, i) =>
    i > start + deleted && removed.has(it) ? [['splice', path, i, 1, []] as const] : [],
  )
  for (const it of removed) {
    it.old = false
    it.now &&= !keep
  }
  items.splice(place, 0, ...values.map(() => placed(true, keep)))
  if (!Array.isArray(at.now)) return values.map((value) => ['append', path, value, 'list'])
  rest.reverse()
  if (deleted > 0 || values.length > 0) rest.push(['splice', path, start, deleted, values])
  return rest
}

/** Items that were never told apart are the same by position, as far as both lists go. */
function itemsOf({ place, old, now }: Target): Place[] {
  const inOld = Array.isArray(old) ? old.length : 0
  const inNow = Array.isArray(now) ? now.length : 0
  return (place.items ??= Array.from({ length: Math.max(inOld, inNow) }, (_, i) =>
    placed(i < inOld, i < inNow),
  ))
}

/** A new value stands there: what was learned about its parts is void. */
function forget(place: Place): void {
  place.fields = new Map()
  place.items = undefined
}

function moved(op: Exclude<Op, { 0: 'replace' }>, keys: readonly string[]): Op {
  return [op[0], toPath(keys).id, ...op.slice(2)] as unknown as Op
}

function placed(old: boolean, now: boolean): Place {
  return { old, now, fields: new Map() }
}

function isOld(place: Place): boolean {
  return place.old
}

function isNow(place: Place): boolean {
  return place.now
}

function child(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
}
