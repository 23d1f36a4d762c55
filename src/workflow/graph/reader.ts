import { copyJson, isPlainObject } from '../../state/json'
import type { Report } from './error'

/** A JSON object of which only its own keys count. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A key, and another one for the same. */
export type Spellings = readonly [string, string?]

export interface Reader {
  /** An object at a path, or `undefined` with a finding. */
  object(value: unknown, path: string): JsonObject | undefined
  /** The items of a list under a key; none when it is missing or no list. */
  list(from: JsonObject, key: string, path: string, optional?: boolean): readonly unknown[]
  /** A text that is not empty, under one of several spellings of a key. */
  text(from: JsonObject, keys: Spellings, path: string, optional?: boolean): string | undefined
  /** Plain JSON under one of several spellings of a key, copied. */
  json(from: JsonObject, keys: Spellings, path: string): unknown
}

/** Reads JSON of unknown origin. What is wrong is reported and reads as missing, so that one pass finds all. */
export function reader(report: Report): Reader {
  const object = (value: unknown, path: string): JsonObject | undefined => {
    if (typeof value === 'object' && value !== null && isPlainObject(value)) return value
    report(path, `is ${kindOf(value)}; it must be an object`)
    return undefined
  }
  return {
    object,
    list(from, key, path, optional) {
      const value = own(from, key)
      if (Array.isArray(value)) return value
      if (!optional || value !== undefined) report(join(path, key), `is ${kindOf(value)}; it must be a list`)
      return []
    },
    text(from, keys, path, optional) {
      const key = spelling(from, keys, path, report)
      const value = own(from, key)
      if (typeof value === 'string' && value !== '') return value
      if (!optional || value !== undefined) report(join(path, key), `is ${kindOf(value)}; it must be a text`)
      return undefined
    },
    json(from, keys, path) {
      const key = spelling(from, keys, path, report)
      const value = own(from, key)
      if (value === undefined) return undefined
      const at = join(path, key)
      try {
        return copyJson(value, at)
      } catch (error) {
        report(at, `cannot be kept: ${(error as Error).message}`)
        return undefined
      }
    },
  }
}

/** The spelling that is there; that a second one says something else is reported. */
function spelling(from: JsonObject, keys: Spellings, path: string, report: Report): string {
  const [first, second] = keys
  // Most keys have one spelling, and a document of 1,000 nodes has 10,000 keys.
  if (second === undefined) return first
  const key = spelled(from, keys)
  const other = own(from, second)
  if (other !== undefined && other !== own(from, key))
    report(join(path, second), `is a second spelling of "${first}"; leave one of them out`)
  return key
}

/** The spelling that is there, for what else is wrong with it. */
export function spelled(from: JsonObject, [first, second = first]: Spellings): string {
  return own(from, first) === undefined && own(from, second) !== undefined ? second : first
}

/** What an object itself has under a key. */
export function own(from: JsonObject, key: string): unknown {
  return Object.hasOwn(from, key) ? from[key] : undefined
}

export function join(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`
}

/** What a value is, in words. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === '') return 'empty'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'a text'
  if (typeof value !== 'object') return `a ${typeof value}`
  return isPlainObject(value) ? 'an object' : `a ${value.constructor.name}`
}
