import type { Op } from './op'
import { toPath } from './path'

/**
 * The operations that turn `from` into `to`, in order. Parts with the same identity are not looked into, so the
 * cost is that of the changed paths. A key whose value is undefined counts as missing.
 */
export function diff(from: unknown, to: unknown): Op[] {
  if (isObject(from) && isObject(to) && !Array.isArray(from) && !Array.isArray(to)) {
    const ops: Op[] = []
    compare(from, to, [], ops)
    return ops
  }
  return Object.is(from, to) ? [] : [['replace', to]]
}

function compare(from: unknown, to: unknown, keys: readonly string[], ops: Op[]): void {
  if (Object.is(from, to)) return
  if (Array.isArray(from) && Array.isArray(to)) return compareLists(from, to, keys, ops)
  const path = () => toPath(keys).id
  if (!isObject(from) || !isObject(to) || Array.isArray(from) || Array.isArray(to)) {
    // An append keeps what another writer adds to the same text meanwhile.
    const grown = typeof from === 'string' && typeof to === 'string' && to.startsWith(from)
    ops.push(grown ? ['append', path(), to.slice(from.length)] : ['set', path(), to])
    return
  }
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined
    const after = Object.hasOwn(to, key) ? to[key] : undefined
    if (after !== undefined) compare(before, after, [...keys, key], ops)
    else if (before !== undefined) ops.push(['delete', toPath([...keys, key]).id])
  }
}

function compareLists(
  from: readonly unknown[],
  to: readonly unknown[],
  keys: readonly string[],
  ops: Op[],
): void {
  let start = 0
  let fromEnd = from.length
  let toEnd = to.length
  while (start < fromEnd && start < toEnd && Object.is(from[start], to[start])) start++
  while (fromEnd > start && toEnd > start && Object.is(from[fromEnd - 1], to[toEnd - 1])) {
    fromEnd--
    toEnd--
  }
  if (fromEnd !== toEnd) {
    ops.push(['splice', toPath(keys).id, start, fromEnd - start, to.slice(start, toEnd)])
  } else {
    for (let i = start; i < toEnd; i++) compare(from[i], to[i], [...keys, String(i)], ops)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
