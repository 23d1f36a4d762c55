import { StateValidationError } from '../errors'
import type { Op } from './op'
import { toPath, type Path } from './path'
import type { CompiledSchema } from './schema'
import { currentOf, type Current } from './view'

/**
 * What to delete so that the schema accepts a state again. A rollback applies others' writes to a state for which they were
 * not checked: of an object that a failed step had made, only the text that somebody typed into it may be left. What is not
 * valid alone goes, because a state that its own schema refuses could never be loaded.
 */
export function mend(schema: CompiledSchema, state: unknown): Op[] {
  const current = currentOf(state)
  const paths = new Map<string, Path>()
  for (const path of refused(schema, state)) {
    const place = deletable(schema, current, path)
    if (place) paths.set(place.text, place)
  }
  return [...paths.values()].map(({ id }) => ['delete', id])
}

function refused(schema: CompiledSchema, state: unknown): Path[] {
  try {
    schema.initial(state)
    return []
  } catch (error) {
    return error instanceof StateValidationError ? error.issues.map((it) => toPath(it.path)) : []
  }
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
