import { PathError } from '../errors'
import type { OpPath } from './op'

/** A checked path. The same text gives the same object as long as it stays interned. */
export interface Path {
  readonly keys: readonly string[]
  /** How records name it: {@link toPath} takes it back. */
  readonly id: OpPath
  /** Unique, for maps and messages: dotted text, or `.["a.b","c"]`, which no dotted text can be. */
  readonly text: string
}

/** The whole state. */
export const ROOT: Path = { keys: [], id: '', text: '' }

const ZERO = 48
export const MOST_SEGMENTS = 1000
const MOST_INTERNED = 50_000
const interned = new Map<string, Path>()
/** Apart, so that their texts are not taken for dotted ones. */
const segmented = new Map<string, Path>()

/**
 * Reads `'user.name'`, `['files', 'a.txt', 0]` or the id of another path; `''` and `[]` are the root.
 * Throws a PathError for anything else, for `__proto__`, `prototype`, `constructor`, and for more than 1,000
 * segments.
 */
export function toPath(input: string | readonly (string | number)[]): Path {
  return typeof input === 'string' ? (interned.get(input) ?? parse(input)) : fromKeys(input)
}

/** The path one level up; the root is its own parent. */
export function parentOf(path: Path): Path {
  return toPath(path.keys.slice(0, -1))
}

/** The index that a key means in a list: 0 for `'0'`, 12 for `'12'`; -1 for `'01'`, `'-1'`, `'1.0'`, `'x'`. */
export function listIndex(key: string): number {
  const { length } = key
  // Digit by digit: this is on the way of every write into a list, and three times as fast as Number and back.
  if (length === 0 || length > 15 || (length > 1 && key.charCodeAt(0) === ZERO)) return -1
  let index = 0
  for (let place = 0; place < length; place++) {
    const digit = key.charCodeAt(place) - ZERO
    if (digit < 0 || digit > 9) return -1
    index = index * 10 + digit
  }
  return index
}

/** Whether a key could reach a prototype. Such keys are refused everywhere, in paths and in data. */
export function isForbidden(key: string): boolean {
  // The lengths first: they are known without looking at the text.
  const { length } = key
  return (
    (length === 9 && (key === '__proto__' || key === 'prototype')) || (length === 11 && key === 'constructor')
  )
}

/** The text of a path by its id. */
export function textOf(id: OpPath): string {
  return typeof id === 'string' ? id : `.${JSON.stringify(id)}`
}

function parse(text: string): Path {
  return text === '' ? ROOT : intern(interned, { keys: text.split('.', MOST_SEGMENTS + 1), id: text, text })
}

function fromKeys(input: readonly unknown[]): Path {
  if (!Array.isArray(input)) throw new PathError(show(input), 'a path is a text or a list of segments')
  const keys: string[] = []
  for (const key of input.slice(0, MOST_SEGMENTS + 1) as unknown[]) {
    if (typeof key !== 'string' && !(Number.isSafeInteger(key) && (key as number) >= 0)) {
      throw new PathError(input.map(show).join('.'), `${show(key)} is neither a text nor an index`)
    }
    keys.push(String(key))
  }
  if (keys.length === 0) return ROOT
  const plain = keys.every(isPlain)
  const id = plain ? keys.join('.') : keys
  const text = textOf(id)
  const map = plain ? interned : segmented
  return map.get(text) ?? intern(map, { keys, id, text })
}

function intern(map: Map<string, Path>, path: Path): Path {
  const { keys, id, text } = path
  if (keys.length > MOST_SEGMENTS)
    throw new PathError(text.slice(0, 200), `it has more than ${MOST_SEGMENTS} segments`)
  for (const key of keys) checkKey(key, text, id !== text)
  if (map.size >= MOST_INTERNED) map.clear()
  Object.freeze(keys)
  map.set(text, path)
  return path
}

/** Throws a PathError for a key that no path may have; among segments it may be empty. */
export function checkKey(key: string, text: string, mayBeEmpty = false): void {
  if (key === '' && !mayBeEmpty) throw new PathError(text.slice(0, 200), 'it has an empty segment')
  if (isForbidden(key)) throw new PathError(text, `"${key}" is refused: it could reach a prototype`)
}

function isPlain(key: string): boolean {
  return key !== '' && !key.includes('.')
}

function show(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : `(${typeof key})`
}
