import type { Touched } from './draft'
import type { Op, OpPath } from './op'
import { listIndex, toPath } from './path'
import { sameContent } from './same'
import { isPlainObject } from './json'
import { at, isContainer } from './view'

/**
 * The operations that turn `from` into `to`, with its keys in the same order. Parts with the same identity are skipped, so the
 * cost is that of the changed paths. What a draft has `touched` need not be searched. A key whose value is undefined counts
 * as missing.
 */
export function diff(from: unknown, to: unknown, touched?: Touched): Op[] {
  const ops: Op[] = []
  compare(from, to, [], ops, touched)
  return ops
}

function compare(from: unknown, to: unknown, keys: readonly string[], ops: Op[], touched?: Touched): void {
  if (Object.is(from, to)) return
  const list = Array.isArray(from)
  if (keys.length === 0 && (list || !isContainer(from) || !isContainer(to) || Array.isArray(to))) {
    ops.push(['replace', to])
  } else if (touched?.originals?.has(to) && !sameContent(from, to)) ops.push(['set', toPath(keys).id, to])
  else if (list && Array.isArray(to)) compareLists(from, to, keys, ops, touched)
  else if (isPlain(from) && isPlain(to)) {
    const node = touched?.nodes.get(to)
    const known = node?.base === from && node.touched
    if (known) {
      // In the order of the keys, because a re-run is compared with what was recorded.
      const among = (box: object): string[] => Object.keys(box).filter((it) => known.has(it))
      const changed = known.size > 1 ? new Set([...among(from), ...among(to)]) : known
      for (const key of changed) compare(at(from, key), at(to, key), [...keys, key], ops, touched)
      return
    }
    const stay = staying(from, to)
    for (const key of Object.keys(from)) {
      const next = stay.has(key) ? at(to, key) : undefined
      if (next !== from[key]) compare(from[key], next, [...keys, key], ops, touched)
    }
    for (const key of Object.keys(to)) if (!stay.has(key)) compare(undefined, to[key], [...keys, key], ops)
  } else ops.push(change(from, to, toPath(keys).id))
}

function change(from: unknown, to: unknown, id: OpPath): Op {
  if (to === undefined) return ['delete', id]
  // An append keeps what another writer adds to the same text meanwhile.
  const grown = typeof from === 'string' && typeof to === 'string' && to.startsWith(from)
  return grown ? ['append', id, to.slice(from.length)] : ['set', id, to]
}

/**
 * The keys of both that need not move: a key that is set anew comes last in an object, except that numbers come first. To a
 * step that lists its keys, a state with another order of keys is another state.
 */
function staying(from: Record<string, unknown>, to: Record<string, unknown>): Set<string> {
  const before = Object.keys(from)
  const stay = new Set<string>()
  let next = 0
  for (const key of Object.keys(to)) {
    if (to[key] === undefined) continue
    if (isNumber(key)) {
      if (Object.hasOwn(from, key)) stay.add(key)
      continue
    }
    while (next < before.length && before[next] !== key) next++
    if (next === before.length) break
    stay.add(key)
  }
  return stay
}

/** Whether an object puts this key in front of those that are text. */
function isNumber(key: string): boolean {
  const index = listIndex(key)
  return index >= 0 && index < 2 ** 32 - 1
}

/** Whether a value is compared key by key; a date or a file is one value. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && isPlainObject(value)
}

function compareLists(
  from: readonly unknown[],
  to: readonly unknown[],
  keys: readonly string[],
  ops: Op[],
  touched: Touched | undefined,
): void {
  const [start, cut, end] = differing(from, to)
  // An undefined item, which is what a hole becomes, is for the write to refuse: alone, it would be a removal.
  const items = Array.from(to.slice(start, end))
  if (cut !== end || items.includes(undefined)) {
    ops.push(['splice', toPath(keys).id, start, cut - start, items])
  } else {
    for (const [i, item] of items.entries())
      compare(from[start + i], item, [...keys, String(start + i)], ops, touched)
  }
}

/** Where two lists differ: from the same index on, in each up to its own. */
export function differing(
  from: readonly unknown[],
  to: readonly unknown[],
): readonly [start: number, cut: number, end: number] {
  let start = 0
  let cut = from.length
  let end = to.length
  while (start < cut && start < end && Object.is(from[start], to[start])) start++
  while (start < cut && start < end && Object.is(from[cut - 1], to[end - 1])) {
    cut--
    end--
  }
  return [start, cut, end]
}
