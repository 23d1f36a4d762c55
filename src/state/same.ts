import { isPlainObject } from './json'
import { at } from './view'

/**
 * Whether two JSON values say the same: the order of keys and keys that hold undefined do not matter. Anything
 * that is not plain data (a File) is the same only as itself.
 */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]))
  }
  if (Array.isArray(b) || !isPlainObject(a) || !isPlainObject(b)) return false
  return Object.keys({ ...a, ...b }).every((key) => sameJson(at(a, key), at(b, key)))
}
