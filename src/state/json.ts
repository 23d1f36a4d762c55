import { SerializationError } from '../errors'
import { frozen } from './development'
import { checkKey, isForbidden } from './path'
import { at as valueIn, isContainer } from './view'

/** The name of a value in errors: `state.upload`, or the path in the state, whose name is made when it is needed. */
export type Where = string | { readonly text: string }

/**
 * Takes a value in: checks that it would survive being stored, and returns a copy that nobody else holds. Parts of `before`,
 * which it replaces, are kept as they are: nobody may change them, and whoever shows one need not hear of the write.
 */
export type CopyValue = (value: unknown, where: Where, before?: unknown) => unknown

/** Whether a value that is no JSON is kept as it is; may throw the reason why not. */
export type Keeps = (value: unknown) => boolean

/** The container that is being copied, and the way back up from it. */
interface Level {
  readonly up: Level | undefined
  /** Its key in the container above; for the root, its `where`. */
  readonly key: Where | number
  readonly value: object
  readonly keeps: Keeps | undefined
  /** What it replaces. */
  readonly before: unknown
  /** The items of that, if it is a list. */
  items?: Set<unknown>
}

const MOST_LEVELS = 1000
const ADVICE = 'put it in resources, or open the session with the structured-clone serializer'
/** What the structured-clone serializer keeps. The advice is given only for these, because it refuses anything else as well. */
const CLONED = / (BigInt|Date|Map|Set|RegExp|Blob|File|FileList|ArrayBuffer|\w+Array)$/

/**
 * The default: strict JSON. Copies plain data deeply, drops keys whose value is undefined, turns -0 into 0,
 * freezes the copy in development. A top-level undefined stays undefined.
 * Throws a SerializationError that names the path and the kind of anything else, a PathError for a key such
 * as `__proto__`.
 */
export const copyJson: CopyValue = (value, where, before) => copy(value, where, undefined, undefined, before)

/** The same where no other serializer helps, as for events and flow state: a refusal does not advise one. */
export const copyOnlyJson: CopyValue = (value, where, before) =>
  copy(value, where, undefined, nothing, before)

const nothing: Keeps = () => false

/** The same for storages that hold more than JSON: `keeps` says what is kept as it is. */
export function copyKeeping(keeps: Keeps): CopyValue {
  return (value, where, before) => copy(value, where, undefined, keeps, before)
}

/** Whether this is an object without a class; also one that was made in another frame. */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype = above(value)
  return prototype === null || isTop(prototype)
}

function copy(
  value: unknown,
  key: Where | number,
  up: Level | undefined,
  keeps: Keeps | undefined,
  before?: unknown,
): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null || value === undefined)
    return value
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  if (typeof value !== 'object') {
    if (keeps?.(value)) return value
    const type = typeof value
    return refuse(
      type === 'number' ? `${value as number}` : `a ${type === 'bigint' ? 'BigInt' : type}`,
      key,
      up,
      keeps,
    )
  }
  if (value === before) return value
  let depth = 0
  for (let outer = up; outer; outer = outer.up) {
    if (outer.value === value) return refuse('a cycle', key, up)
    if (++depth === MOST_LEVELS) return refuse(`nested deeper than ${MOST_LEVELS} levels`, key, up)
  }
  const list = Array.isArray(value)
  if (!(list ? isTop(above(above(value))) : isPlainObject(value))) {
    if (!list && keeps?.(value)) return value
    return refuse(classOf(value), key, up, keeps)
  }
  const level: Level = { up, key, value, keeps, before }
  return frozen(list ? copyList(value, level) : copyObject(value as Record<string, unknown>, level))
}

function copyList(list: readonly unknown[], level: Level): unknown[] {
  const made: unknown[] = []
  for (let at = 0; at < list.length; at++) {
    const item = list[at]
    if (item === undefined) refuse(at in list ? 'undefined in a list' : 'a hole in a list', at, level)
    made.push(copyPart(item, at, level))
  }
  // As on what `match` returns. A long list has none, and its keys take longer to list than all the rest.
  const named = made.length < 1000 && Object.keys(list)[made.length]
  if (named) refuse('a named value in a list', named, level)
  return made
}

function copyObject(object: Record<string, unknown>, level: Level): Record<string, unknown> {
  const [symbol] = Object.getOwnPropertySymbols(object)
  if (symbol) refuse('a value under a symbol key', String(symbol), level)
  const made: Record<string, unknown> = {}
  for (const key of Object.keys(object)) {
    if (isForbidden(key)) checkKey(key, pathOf(key, level).replace(/^(flowS|s)tate\./, ''))
    const value = copyPart(object[key], key, level)
    if (value !== undefined) made[key] = value
  }
  return made
}

/** A part of the old value is found at its old place, an item of a list also at any other. */
function copyPart(part: unknown, key: string | number, level: Level): unknown {
  const { before, keeps } = level
  const isKept = Array.isArray(before) && isContainer(part) && (level.items ??= new Set(before)).has(part)
  return copy(part, key, level, keeps, isKept ? part : isContainer(part) && valueIn(before, key))
}

function above(value: object | null): object | null {
  return value && (Object.getPrototypeOf(value) as object | null)
}

/** Whether this is `Object.prototype`, of whatever frame: each has its own. */
function isTop(prototype: object | null): boolean {
  return (
    prototype === Object.prototype ||
    (prototype !== null && above(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

/** What an object is, for errors: `a Map`. */
export function classOf(value: object): string {
  const name: unknown = value.constructor?.name
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'a class instance'
  return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`
}

function refuse(kind: string, key: Where | number, up: Level | undefined, keeps?: Keeps): never {
  const advice = CLONED.test(kind) && !keeps ? ADVICE : undefined
  throw new SerializationError(pathOf(key, up), kind, advice)
}

function pathOf(key: Where | number, up: Level | undefined): string {
  let path = nameOf(key)
  for (let level = up; level !== undefined; level = level.up) path = `${nameOf(level.key)}.${path}`
  return path.slice(0, 500)
}

/** The name of a value in errors. `root`: of what it is a part, if it is named by a path. */
export function nameOf(key: Where | number, root = 'state'): string {
  return typeof key === 'object' ? [root, key.text].filter(Boolean).join('.') : String(key)
}
