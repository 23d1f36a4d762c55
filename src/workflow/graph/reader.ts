import { copyJson, isPlainObject } from '../../state/json'
import { known, type Report } from './error'

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
  /** The same, when it must be one of some names: `what` says what another one is not. */
  name(
    from: JsonObject,
    keys: Spellings,
    path: string,
    names: ReadonlyMap<string, unknown>,
    what: string,
    optional?: boolean,
  ): string | undefined
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
  const text: Reader['text'] = (from, keys, path, optional) => {
    const value = under(from, keys, path, report)
    if (typeof value === 'string' && value !== '') return value
    if (!optional || value !== undefined)
      report(spelled(from, keys, path), `is ${kindOf(value)}; it must be a text`)
    return undefined
  }
  return {
    object,
    text,
    list(from, key, path, optional) {
      const value = own(from, key)
      // Not as it is: code that goes through it would pass over a hole.
      if (Array.isArray(value)) return [...(value as unknown[])]
      if (!optional || value !== undefined) report(join(path, key), `is ${kindOf(value)}; it must be a list`)
      return []
    },
    name(from, keys, path, names, what, optional) {
      const name = text(from, keys, path, optional)
      if (name !== undefined && !names.has(name))
        report(spelled(from, keys, path), `names "${name}", which is ${what}; ${known(names.keys())}`)
      return name
    },
    json(from, keys, path) {
      const value = under(from, keys, path, report)
      const at = spelled(from, keys, path)
      try {
        return copyJson(value, at)
      } catch (error) {
        report(at, `cannot be kept: ${(error as Error).message}`)
        return undefined
      }
    },
  }
}

/**
 * What stands under a key; that a second spelling says something else is reported. No list is taken apart here: code that
 * runs for the first time makes an object for each item that it takes out.
 */
function under(from: JsonObject, keys: Spellings, path: string, report: Report): unknown {
  const value = own(from, keys[0])
  const second = keys[1]
  // Most keys have one spelling, and a document of 1,000 nodes has 10,000 keys.
  if (second === undefined) return value
  const other = own(from, second)
  if (value === undefined) return other
  if (other !== undefined && other !== value)
    report(join(path, second), `is a second spelling of "${keys[0]}"; leave one of them out`)
  return value
}

/** The path of the spelling that is there, for what else is wrong with it. */
export function spelled(from: JsonObject, keys: Spellings, path: string): string {
  const second = keys[1]
  const other = second !== undefined && own(from, keys[0]) === undefined && own(from, second) !== undefined
  return join(path, other ? second : keys[0])
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
