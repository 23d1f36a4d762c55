import { StateValidationError } from '../errors'
import { applied } from './applied'
import type { Op } from './op'
import { parentOf, toPath, type Path } from './path'
import { sameContent } from './same'
import { tried, type CompiledSchema } from './schema'
import { towards } from './towards'
import { at, currentOf, type Current } from './view'

/**
 * What to change so that the schema accepts a state as it is. A rollback applies others' writes to a state for which they
 * were not checked: of an object that a failed step had made, only the text that somebody typed into it may be left. What
 * it lacks gets its default. What is not valid alone goes, because a state that its own schema refuses could never be loaded.
 */
export function mend(schema: CompiledSchema, state: unknown): Op[] {
  try {
    return towards(schema.initial(state), state, [])
  } catch (error) {
    const ops = error instanceof StateValidationError ? removals(schema, state, error) : []
    return ops.length === 0 ? ops : mended(schema, state, ops)
  }
}

/** Operations on a state, with what mends it then. */
function mended(schema: CompiledSchema, state: unknown, ops: readonly Op[]): Op[] {
  return [...ops, ...mend(schema, applied(state, ops))]
}

/** Operations that were made for one state and land on another, with what mends it then. */
export function fitted(
  schema: CompiledSchema,
  from: unknown,
  to: unknown,
  ops: readonly Op[],
): readonly Op[] {
  return from === to || ops.length === 0 ? ops : mended(schema, to, ops)
}

function removals(schema: CompiledSchema, state: unknown, { issues }: StateValidationError): Op[] {
  const current = currentOf(state)
  const ops = new Map<string, Op>()
  // The last items first, so that the others keep their indices.
  const last = [...issues].sort((a, b) => b.path.localeCompare(a.path, 'en', { numeric: true }))
  for (const { path } of last) {
    const op = removal(schema, current, toPath(keysIn(state, path.split('.'))))
    if (op) ops.set(String(op[1]), op)
  }
  return [...ops.values()]
}

/** The keys that an issue's path means, as far as they are there; a key may have dots in it. */
function keysIn(state: unknown, parts: readonly string[]): string[] {
  for (let length = parts.length; length > 0; length--) {
    const key = parts.slice(0, length).join('.')
    const value = at(state, key)
    if (value !== undefined) return [key, ...keysIn(value, parts.slice(length))]
  }
  return []
}

/** Of a list that is refused as a whole, as one with doubles, what can stay: `list`, and of `more` what goes with it. */
function fitting(
  isTaken: (list: unknown[]) => boolean,
  list: unknown[],
  more: readonly unknown[],
): unknown[] {
  const all = [...list, ...more]
  if (isTaken(all)) return all
  const half = more.length >> 1
  if (half === 0) return list
  return fitting(isTaken, fitting(isTaken, list, more.slice(0, half)), more.slice(half))
}

/** Takes out the nearest place at or above a path that may be absent, or that has a default. */
function removal(schema: CompiledSchema, current: Current, path: Path): Op | undefined {
  for (let depth = path.keys.length; depth > 0; depth--) {
    const place = toPath(path.keys.slice(0, depth))
    const value = current.peek(place)
    if (depth === path.keys.length && Array.isArray(value)) {
      const rest = fitting((list) => tried(() => schema.check(current, place, list)) !== undefined, [], value)
      if (rest.length > 0) return ['set', place.id, rest]
    }
    const gone = tried((): Op => {
      schema.checkDelete(current, place)
      return ['delete', place.id]
    })
    if (gone) return gone
    // The value must be there, but perhaps it has a default, or its container may be absent.
    const made = tried(() => schema.check(current, place, undefined))
    if (made?.path === place && !sameContent(made.value, value)) return ['set', place.id, made.value]
    // One of several items that the schema of their list refuses: not all of the list goes.
    if (Array.isArray(current.peek(parentOf(place)))) return ['delete', place.id]
  }
  return undefined
}
