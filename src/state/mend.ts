import { StateValidationError } from '../errors'
import type { Op } from './op'
import { toPath, type Path } from './path'
import type { CompiledSchema } from './schema'
import { Tree } from './tree'
import { at, currentOf, isContainer, type Current } from './view'

/**
 * What to change so that the schema accepts a state as it is. A rollback applies others' writes to a state for which they
 * were not checked: of an object that a failed step had made, only the text that somebody typed into it may be left. What
 * it lacks gets its default. What is not valid alone goes, because a state that its own schema refuses could never be loaded.
 */
export function mend(schema: CompiledSchema, state: unknown): Op[] {
  try {
    return lacking(state, schema.initial(state), [])
  } catch (error) {
    const ops = error instanceof StateValidationError ? deletions(schema, state, error) : []
    if (ops.length === 0) return ops
    const tree = new Tree(state)
    tree.apply(ops)
    return [...ops, ...mend(schema, tree.root())]
  }
}

/** Operations that were made for one state and land on another, with what mends it then. */
export function fitted(
  schema: CompiledSchema,
  from: unknown,
  to: unknown,
  ops: readonly Op[],
): readonly Op[] {
  if (from === to || ops.length === 0) return ops
  const tree = new Tree(to)
  tree.apply(ops)
  return [...ops, ...mend(schema, tree.root())]
}

/** What the schema's output has and the state has not. */
function lacking(state: unknown, complete: unknown, keys: readonly string[]): Op[] {
  if (state === complete || !isContainer(state) || !isContainer(complete)) return []
  return Object.keys(complete).flatMap((key): Op[] => {
    const [value, whole] = [at(state, key), at(complete, key)]
    if (value !== undefined) return isContainer(value) ? lacking(value, whole, [...keys, key]) : []
    return whole === undefined ? [] : [['set', toPath([...keys, key]).id, whole]]
  })
}

function deletions(schema: CompiledSchema, state: unknown, { issues }: StateValidationError): Op[] {
  const current = currentOf(state)
  const paths = new Map<string, Path>()
  for (const { path } of issues) {
    const place = deletable(schema, current, toPath(path))
    if (place) paths.set(place.text, place)
  }
  return [...paths.values()].map(({ id }) => ['delete', id])
}

/** The nearest place at or above a path that may be absent. */
function deletable(schema: CompiledSchema, current: Current, path: Path): Path | undefined {
  for (let depth = path.keys.length; depth > 0; depth--) {
    const place = toPath(path.keys.slice(0, depth))
    if (current.peek(place) === undefined) continue
    try {
      schema.checkDelete(current, place)
      return place
    } catch {
      // The value must be there, but perhaps its container may be absent.
    }
  }
  return undefined
}
