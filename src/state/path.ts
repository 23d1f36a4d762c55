import { PathError } from '../errors'
import { frozen } from './development'
import type { OpPath } from './op'

/** A checked path. */
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

/**
 * Reads `'user.name'`, `['files', 'a.txt', 0]` or the id of another path; `''` and `[]` are the root.
 * Throws a PathError for anything else, for `__proto__`, `prototype`, `constructor`, and for more than 1,000
 * segments.
 */
export function toPath(input: string | readonly (string | number)[]): Path {
  const dotted = typeof input === 'string'
  const keys = dotted ? (input && input.split('.', MOST_SEGMENTS + 1)) || [] : keysOf(input)
  if (keys.length === 0) return ROOT
  const segments = !dotted && !keys.every(isPlain)
  const id = dotted ? input : segments ? keys : keys.join('.')
  const text = textOf(id)
  if (keys.length > MOST_SEGMENTS) refuse(text, `it has more than ${MOST_SEGMENTS} segments`)
  for (const key of keys) checkKey(key, text, segments)
  return { keys: frozen(keys), id, text }
}

/** The path one level up; the root is its own parent. */
export function parentOf(path: Path): Path {
  return toPath(path.keys.slice(0, -1))
}

/** Whether a place is at or below another one. */
export function startsWith(keys: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((key, index) => keys[index] === key)
}

/** The index that a key means in a list: 0 for `'0'`, 12 for `'12'`; -1 for `'01'`, `'-1'`, `'1.0'`, `'x'`. */
export function listIndex(key: string): number {
  const { length } = key
  // Digit by digit: every write into a list comes here, and it is three times as fast as Number and back.
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

function keysOf(input: readonly unknown[]): string[] {
  if (!Array.isArray(input)) return refuse(show(input), 'a path is a text or a list of segments')
  return Array.from(input.slice(0, MOST_SEGMENTS + 1), (key: unknown) =>
    typeof key === 'string' || (Number.isSafeInteger(key) && (key as number) >= 0)
      ? String(key)
      : refuse(input.map(show).join('.'), `${show(key)} is neither a text nor an index`),
  )
}

/** Throws a PathError for a key that no path may have; among segments it may be empty. */
export function checkKey(key: string, text: string, mayBeEmpty?: boolean): void {
  if (key === '' && !mayBeEmpty) refuse(text, 'it has an empty segment')
  if (isForbidden(key)) refuse(text, `"${key}" is refused: it could reach a prototype`)
}

function refuse(text: string, reason: string): never {
  throw new PathError(text.slice(0, 200), reason)
}

function isPlain(key: string): boolean {
  return key !== '' && !key.includes('.')
}

function show(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : `(${typeof key})`
}
