import type { Op } from './op'
import { toPath } from './path'
import { isPlainObject } from './json'
import { at, isContainer } from './view'

/**
 * The operations that turn `from` into `to`, in order. Parts with the same identity are not looked into, so the
 * cost is that of the changed paths. A key whose value is undefined counts as missing.
 */
export function diff(from: unknown, to: unknown): Op[] {
  const ops: Op[] = []
  compare(from, to, [], ops)
  return ops
}

function compare(from: unknown, to: unknown, keys: readonly string[], ops: Op[]): void {
  if (Object.is(from, to)) return
  const { id } = toPath(keys)
  const list = Array.isArray(from)
  if (keys.length === 0 && (list || !isContainer(from) || !isContainer(to) || Array.isArray(to))) {
    ops.push(['replace', to])
  } else if (to === undefined) ops.push(['delete', id])
  else if (list && Array.isArray(to)) compareLists(from, to, keys, ops)
  else if (!list && isPlain(from) && isPlain(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      compare(at(from, key), at(to, key), [...keys, key], ops)
    }
  } else {
    // An append keeps what another writer adds to the same text meanwhile.
    const grown = typeof from === 'string' && typeof to === 'string' && to.startsWith(from)
    ops.push(grown ? ['append', id, to.slice(from.length)] : ['set', id, to])
  }
}

/** What is compared key by key: a date or a file is one value. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value) && isPlainObject(value)
}

function compareLists(
  from: readonly unknown[],
  to: readonly unknown[],
  keys: readonly string[],
  ops: Op[],
): void {
  let start = 0
  let cut = from.length
  let end = to.length
  while (start < cut && start < end && Object.is(from[start], to[start])) start++
  while (start < cut && start < end && Object.is(from[cut - 1], to[end - 1])) {
    cut--
    end--
  }
  // An undefined item, which is what a hole becomes, is for the write to refuse: alone, it would be a removal.
  const items = Array.from(to.slice(start, end))
  if (cut !== end || items.includes(undefined)) {
    ops.push(['splice', toPath(keys).id, start, cut - start, items])
  } else {
    for (const [i, item] of items.entries()) compare(from[start + i], item, [...keys, String(start + i)], ops)
  }
}
