import { applied } from './applied'
import type { Op } from './op'
import { listIndex, ROOT, toPath } from './path'
import { Tree } from './tree'
import { at } from './view'

type Side = 'old' | 'now'

/** A field or a list item, whatever its index: of the history as it was, of the new one, or of both. */
interface Place extends Record<Side, boolean> {
  fields: Map<string, Place>
  /** In a list: the items of both histories, in one order, with the removed ones. Made when first needed. */
  items: Place[] | undefined
}

/** Where a path leads: the values there in the history as it was and in the one without the dropped entries. */
interface Target extends Record<Side, unknown> {
  readonly place: Place
  /** The path in the new history. */
  readonly keys: readonly string[]
}

/**
 * Rolls back by replaying: `base`, then every entry that is not dropped. A list index means the item that it meant in the
 * history as it was. A write into an item that is no longer there goes with it. An inserted item comes right behind the item
 * that it came behind, or at the end when it was at the end.
 */
export function rebase(
  base: unknown,
  entries: readonly { readonly ops: readonly Op[]; readonly dropped: boolean }[],
): {
  readonly root: unknown
  /** The others' entries, as they are in the new history. */
  readonly kept: readonly { readonly ops: readonly Op[] }[]
} {
  const old = new Tree(base)
  const now = new Tree(base)
  const place = placeOf(true, true)
  const kept: { readonly ops: Op[] }[] = []
  for (const { ops, dropped } of entries) {
    const entry = { ops: [] as Op[] }
    if (!dropped) kept.push(entry)
    for (const op of ops) {
      const moved = rewrite(op, { place, old: old.peek(ROOT), now: now.peek(ROOT), keys: [] }, !dropped)
      old.apply([op])
      if (!dropped) now.apply(moved)
      entry.ops.push(...moved)
    }
  }
  return { root: now.root(), kept }
}

/** Rewrites an operation of the history as it was for the new one; `keep` says whether the operation is part of that. */
function rewrite(op: Op, root: Target, keep: boolean): Op[] {
  if (op[0] === 'replace') {
    forget(root.place)
    return [op]
  }
  const keys = [...toPath(op[1]).keys]
  const last = op[0] === 'set' || op[0] === 'delete' ? (keys.pop() as string) : undefined
  let target: Target | undefined = root
  for (const [depth, key] of keys.entries()) {
    if (target && Array.isArray(target.old) && listIndex(key) >= target.old.length)
      return splice(target, Infinity, 0, begun(op, toPath(op[1]).keys.slice(depth + 1)), keep)
    target = target && step(target, key)
  }
  if (target && last !== undefined) {
    if (Array.isArray(target.old)) {
      const index = listIndex(last)
      if (op[0] === 'delete') return splice(target, index, 1, [], keep)
      if (index >= target.old.length) return splice(target, index, 0, [op[2]], keep)
    }
    target = step(target, last)
    if (target) forget(target.place)
  }
  if (!target) return []
  if (op[0] === 'splice') return splice(target, op[2], op[3], op[4], keep)
  if (op[0] === 'append') {
    const begins = typeof op[2] !== 'string' || (op[3] === 'list' && typeof target.old !== 'string')
    if (begins || Array.isArray(target.old)) return splice(target, Infinity, 0, [op[2]], keep)
  }
  return [[op[0], toPath(target.keys).id, ...op.slice(2)] as unknown as Op]
}

/** The item that an operation begins behind the last one of a list; none when it takes away. */
function begun(
  [kind, , ...rest]: Exclude<Op, readonly ['replace', unknown]>,
  below: readonly string[],
): unknown[] {
  return applied([], [[kind, ['0', ...below], ...rest] as unknown as Op]) as unknown[]
}

/** One key further; undefined where the new history has no such item. */
function step(target: Target, key: string): Target | undefined {
  const { place, old, now, keys } = target
  let next: Place | undefined
  let to = key
  if (Array.isArray(old)) {
    const items = itemsOf(target)
    next = within(items, 'old')[listIndex(key)]
    if (!next?.now) return undefined
    to = String(within(items, 'now').indexOf(next))
  } else {
    // A key of an object is no item of the list that is there again.
    if (Array.isArray(now)) return undefined
    next = place.fields.get(key) ?? placeOf(true, true)
    place.fields.set(key, next)
  }
  return { place: next, old: at(old, key), now: at(now, to), keys: [...keys, to] }
}

function splice(
  target: Target,
  index: number,
  count: number,
  values: readonly unknown[],
  keep: boolean,
): Op[] {
  // Where something else than a list is there again, an item would take its place.
  if (keep && target.now != null && !Array.isArray(target.now)) {
    splice(target, index, count, values, false)
    return []
  }
  const { id } = toPath(target.keys)
  const items = itemsOf(target)
  const added = values.map(() => placeOf(true, keep))
  // Most items come in at the end, where there is nothing to look for.
  if (index >= lengthOf(target.old)) {
    items.push(...added)
    return values.map((it) => ['append', id, it, 'list'] as const)
  }
  const shown = within(items, 'old')
  const removed = new Set(shown.slice(index, index + count))
  const behind = shown[index - 1]
  const place = behind ? items.indexOf(behind) + 1 : 0
  const present = within(items, 'now')
  const start = within(items.slice(0, place), 'now').length
  let deleted = 0
  while (removed.has(present[start + deleted] as Place)) deleted++
  // Items that are there again between the removed ones split the removal; the last goes first.
  const ops: Op[] = []
  for (let i = present.length - 1; i > start + deleted; i--) {
    if (removed.has(present[i] as Place)) ops.push(['splice', id, i, 1, []])
  }
  if (start === present.length) ops.push(...values.map((it) => ['append', id, it, 'list'] as const))
  else if (deleted + values.length > 0) ops.push(['splice', id, start, deleted, values])
  for (const it of removed) {
    it.old = false
    it.now &&= !keep
  }
  items.splice(place, 0, ...added)
  return ops
}

/** Items that were never told apart are the same by position, as far as both lists go. */
function itemsOf({ place, old, now }: Target): Place[] {
  const inOld = lengthOf(old)
  const inNow = lengthOf(now)
  return (place.items ??= Array.from({ length: Math.max(inOld, inNow) }, (_, i) =>
    placeOf(i < inOld, i < inNow),
  ))
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}

/** There is a new value: what was known about its parts is void. */
function forget(place: Place): void {
  Object.assign(place, placeOf(place.old, place.now))
}

function placeOf(old: boolean, now: boolean): Place {
  return { old, now, fields: new Map(), items: undefined }
}

function within(items: readonly Place[], side: Side): Place[] {
  return items.filter((it) => it[side])
}
