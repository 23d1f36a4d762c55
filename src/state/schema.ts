import { PathError, StateValidationError } from '../errors'
import { ROOT, listIndex, parentOf, toPath } from './path'
import type { Path } from './path'
import { sameJson } from './same'
import { sharing } from './sharing'
import { validate } from './standard-schema'
import type { Schema } from './standard-schema'
import { CLOSED, mayBeAbsent, stepInto, unwrap } from './schema-structure'
import { at, isContainer, valueAt, type Current } from './view'

/** What to write, and where: the checked path, or an ancestor of it. */
export interface Checked {
  readonly path: Path
  readonly value: unknown
}

/** A state's schema, ready to check single writes. Without a schema everything passes as it is. */
export interface CompiledSchema {
  /** How errors name what it is the schema of, other than `state`. */
  readonly root?: string | undefined
  /** The schema's output for a whole state; `undefined` counts as `{}`. Throws a StateValidationError. */
  initial(value: unknown): unknown
  /**
   * Checks a new value at a path, and returns the schema's output. Returns an ancestor path when the write creates missing
   * parents, or when the schema changes something beside the path. Throws a StateValidationError with issue paths from the
   * state's root, or a PathError for a hole in a list.
   */
  check(current: Current, path: Path, value: unknown): Checked
  /**
   * Throws a StateValidationError when the schema needs a value at the path. Returns what to write instead when the schema
   * changes something once the value is gone.
   */
  checkDelete(current: Current, path: Path): Checked | undefined
  /** What `append` creates at an empty path. With an item: what the schema there takes it as. */
  kindOf(path: Path, current?: Current, item?: unknown): 'text' | 'list' | 'unknown'
}

/** What is known about a path before any value is seen. */
interface Rule {
  readonly parent: Path
  /** What checks a write here: the schema of the path, or of the nearest ancestor that cannot be taken apart. */
  readonly judge: Schema
  readonly at: Path
  /** Whether the key may be absent, as far as that can be said without a value. */
  readonly isFree: (() => boolean) | undefined
  /** Whether two values are the same. */
  readonly same: typeof sameJson
  readonly root: string | undefined
  readonly kind: 'text' | 'list' | 'unknown'
}

const MOST_RULES = 10_000

/**
 * Prepares a schema. Those of zod are taken apart path by path; for other vendors the whole schema checks each write. `same`:
 * whether the schema has left a value as it was, for a state that may hold more than JSON. `root`: how errors name it.
 */
export function compileSchema(
  schema: Schema | undefined,
  same: typeof sameJson = sameJson,
  root?: string,
): CompiledSchema {
  if (schema === undefined) return { ...untyped, root }
  const rules = new Map<string, Rule>()
  const ruleOf = (path: Path): Rule => {
    const known = rules.get(path.text)
    if (known !== undefined) return known
    if (rules.size >= MOST_RULES) rules.clear()
    const rule = makeRule(schema, path, same, root)
    rules.set(path.text, rule)
    return rule
  }
  return {
    root,
    initial: (value) => outputOf(schema, value ?? beginningOf(schema), ROOT, ROOT, root),
    check: (current, path, value) => check(ruleOf, current, path, value),
    checkDelete: (current, path) => checkDelete(ruleOf, current, path),
    kindOf(path, current, item) {
      const { kind } = ruleOf(path)
      // A schema that cannot be taken apart is tried.
      const takes = (value: unknown): unknown => current && tried(() => check(ruleOf, current, path, value))
      const isList = kind === 'unknown' && typeof item === 'string' && !takes(item) && takes([item])
      return isList ? 'list' : kind
    },
  }
}

/** Everything passes as it is. */
export const untyped: CompiledSchema = {
  initial: (value) => value ?? {},
  check: (_, path, value) => ({ path, value }),
  checkDelete: () => undefined,
  kindOf: () => 'unknown',
}

/** What a check returns; nothing when it refuses. */
export function tried<T>(judge: () => T): T | undefined {
  try {
    return judge()
  } catch {
    return undefined
  }
}

type RuleOf = (path: Path) => Rule

function makeRule(whole: Schema, path: Path, same: Rule['same'], root: Rule['root']): Rule {
  let here = unwrap(whole)
  let judge = whole
  let depth = 0
  let open = true
  let isFree: Rule['isFree']
  for (const key of path.keys) {
    const next = stepInto(here, key)
    open &&= !here.checked && next !== undefined
    const holder = here
    here = next === undefined ? CLOSED : unwrap(next)
    if (open && next !== undefined) {
      judge = next
      depth++
      isFree = () => mayBeAbsent(holder, key, next)
    } else isFree = undefined
  }
  const { type } = here.def
  return {
    parent: parentOf(path),
    judge,
    at: toPath(path.keys.slice(0, depth)),
    isFree,
    same,
    root,
    kind: type === 'array' || type === 'tuple' ? 'list' : type === 'string' ? 'text' : 'unknown',
  }
}

function check(ruleOf: RuleOf, current: Current, path: Path, value: unknown, asked: Path = path): Checked {
  const { parent, judge, at: place, same, root } = ruleOf(path)
  const depth = place.keys.length
  if (path.keys.length > 1 && current.peek(parent) === undefined) {
    const made = put(ruleOf(parent).kind === 'list' ? [] : {}, path.keys.slice(-1), value, asked)
    return check(ruleOf, current, parent, made, asked)
  }
  // A schema makes new objects of everything: what it has left as it was is what was given.
  const settled = (made: unknown): Checked => ({ path, value: sharing(made, value, same) })
  if (depth === path.keys.length) return settled(outputOf(judge, value, path, asked, root))
  const below = path.keys.slice(depth)
  const before = put(current.peek(place), below, value, asked)
  const after = outputOf(judge, before, place, asked, root)
  // Read, because parts of it stay.
  const whole = (): Checked => {
    const given = put(current.read(place), below, value, asked)
    return { path: place, value: sharing(after, given, same) }
  }
  const found = valueAt(after, below)
  if (found === undefined) {
    // A list may keep only some of its items, as the newest.
    if (Array.isArray(valueAt(after, below.slice(0, -1)))) return whole()
    refuse(asked, path, 'the schema does not know this key', root)
  }
  // Compares only what is beside the written value: a small answer makes a small record.
  return same(put(before, below, null, asked), put(after, below, null, asked)) ? settled(found) : whole()
}

function checkDelete(ruleOf: RuleOf, current: Current, path: Path): Checked | undefined {
  const { parent, isFree, same, root } = ruleOf(path)
  if (isFree?.()) return undefined
  const holder = current.read(parent)
  if (!isContainer(holder)) return undefined
  const rest = without(holder, path.keys.at(-1))
  const made = check(ruleOf, current, parent, rest, path)
  if (!Array.isArray(holder) && valueAt(made.value, path.keys.slice(made.path.keys.length)) !== undefined) {
    refuse(path, path, 'the schema fills it in again; set it instead', root)
  }
  return made.path === parent && same(made.value, rest) ? undefined : made
}

/** What a schema makes of `undefined`, when it has a default of its own; else an empty state. */
function beginningOf(schema: Schema): unknown {
  try {
    const made = validate(schema, undefined)
    return ('value' in made && made.value) || {}
  } catch {
    // The schema expects an object and reads it.
    return {}
  }
}

function outputOf(schema: Schema, value: unknown, place: Path, asked: Path, root?: string): unknown {
  const result = validate(schema, value, asked, root)
  if ('value' in result) return result.value
  throw new StateValidationError(
    asked.text,
    result.issues.map(({ path, message }) => ({
      path: [place.text, path].filter(Boolean).join('.'),
      message,
    })),
    root,
  )
}

function refuse(asked: Path, path: Path, message: string, root: Rule['root']): never {
  throw new StateValidationError(asked.text, [{ path: path.text, message }], root)
}

/** A copy of a container with one value changed, sharing everything else. */
function put(container: unknown, keys: readonly string[], value: unknown, asked: Path): unknown {
  const [key, ...rest] = keys
  if (key === undefined) return value
  const inner = put(at(container, key), rest, value, asked)
  if (Array.isArray(container)) {
    const index = listIndex(key)
    if (index >= 0 && index <= container.length) return Object.assign([...container], { [index]: inner })
  } else if (typeof container === 'object' && container !== null) return { ...container, [key]: inner }
  throw new PathError(asked.text, `there is no place for "${key}"`)
}

function without(container: object, key: string | undefined): unknown {
  if (Array.isArray(container)) return container.filter((_, index) => String(index) !== key)
  const { [key as string]: _, ...others } = container as Record<string, unknown>
  return others
}
