import { isPlainObject } from './json'
import { at, isContainer } from './view'

/** Compares two objects that are no plain data. */
type Other = (a: object, b: object) => boolean

/**
 * Whether two JSON values are equal: the order of keys and keys that hold undefined do not matter. Anything that is not
 * plain data (a File) equals only itself, unless `other` knows better.
 */
export function sameJson(a: unknown, b: unknown, other: Other = never): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index], other))
    )
  }
  if (!isPlainObject(a) || !isPlainObject(b)) return other(a, b)
  return Object.keys({ ...a, ...b }).every((key) => sameJson(at(a, key), at(b, key), other))
}

/**
 * The same for values that a clone keeps: dates, patterns, maps, sets, buffers and typed arrays are compared by content. The
 * content of a blob or file cannot be read at once, so these are compared by size, type, name and date. Anything else (a key,
 * an image) equals only itself.
 */
export function sameContent(a: unknown, b: unknown): boolean {
  return sameJson(a, b, (one, two) => {
    if (one.constructor !== two.constructor) return false
    if (Symbol.iterator in one)
      return sameContent([...(one as Iterable<unknown>)], [...(two as Iterable<unknown>)])
    const known = contentOf(one)
    return known !== undefined && sameContent(known, contentOf(two))
  })
}

/** Whether the schema keeps all that a state has: then a new field with a default needs no new version. */
export function keeps(after: unknown, before: unknown): boolean {
  const isList = Array.isArray(before)
  if (!isList && !(isContainer(before) && isPlainObject(before))) return sameContent(after, before)
  if (!isContainer(after) || Array.isArray(after) !== isList) return false
  if (isList && after.length !== before.length) return false
  return Object.keys(before).every((key) => keeps(at(after, key), at(before, key)))
}

function contentOf(it: object): unknown {
  if (it instanceof Date) return Number(it)
  if (it instanceof RegExp) return String(it)
  if (it instanceof ArrayBuffer) return new Uint8Array(it)
  if (it instanceof DataView) return [it.byteOffset, it.byteLength, it.buffer]
  const { size, type, name, lastModified } = it as Partial<File>
  return size === undefined ? undefined : [size, type, name, lastModified]
}

const never: Other = () => false
