import type { LoadErrorCode } from '../storage-errors'
import type { CopyValue } from '../state/json'
import { applied } from '../state/applied'
import { mend } from '../state/mend'
import { keeps } from '../state/same'
import { compileSchema, type CompiledSchema } from '../state/schema'
import type { Definition } from '../workflow/workflow'
import { deepCopy } from '../storage/copy'
import { mustBeKnown, Refusal } from '../storage/refusal'
import type { Made, Upgrade } from '../session/upgrade'

/** Throws a Refusal when this code cannot go on with a session, whatever its state is. */
export function accept({ name, version, options, graph }: Definition, made: Made): void {
  if (made.workflow !== name)
    throw new Refusal('WRONG_WORKFLOW', `it belongs to workflow "${made.workflow}", not to "${name}"`)
  mustBeKnown('version', made.version, version, '; reload the page')
  // A document is edited while its code stays, so its nodes can read what they have written.
  if (graph !== undefined) return
  for (let step = made.version + 1; step <= version; step++)
    if (typeof options.migrations?.[step] !== 'function')
      throw new Refusal(
        'MIGRATION_MISSING',
        `it has version ${made.version}, and \`migrations\` has no entry for version ${step}`,
      )
}

/**
 * Runs this code's migrations on a state of an older version, one after the other, in memory. The schema checks the
 * result, and `copy` whether it can be stored. A rollback can leave what is not valid alone. That goes, if the migrations make
 * something valid of the state `before` it. Throws a Refusal.
 */
export async function migrated(
  definition: Definition,
  schema: CompiledSchema,
  copy: CopyValue,
  from: number,
  old: unknown,
  before: unknown = old,
): Promise<unknown> {
  const { version, options } = definition
  let state: unknown = deepCopy(old)
  for (let step = from + 1; step <= version; step++) {
    try {
      state = await options.migrations?.[step]?.(state)
      // A migration that changes its argument and returns nothing would begin anew with the defaults.
      if (state == null) throw new TypeError('it returned no state')
    } catch (error) {
      throw new Refusal(
        'MIGRATION_FAILED',
        `the migration to version ${step} failed: ${String(error)}`,
        error,
      )
    }
  }
  try {
    return accepting(schema, state, 'MIGRATION_FAILED', copy)
  } catch (error) {
    if (before === old) throw error
    await migrated(definition, schema, copy, from, before)
    return accepting(schema, applied(state, mend(schema, state)), 'MIGRATION_FAILED', copy)
  }
}

/** Migrates the sub-flows of a session. Throws a Refusal. */
export const upgraded: Upgrade = async (definition, made, states, copy) => {
  accept(definition, made)
  const schema = compileSchema(definition.options.state)
  return Promise.all(states.map((it) => migrated(definition, schema, copy, made.version, it)))
}

/** The state as the schema returns it. Throws a Refusal when the schema refuses it. */
export function accepting(
  schema: CompiledSchema,
  state: unknown,
  code: LoadErrorCode,
  copy: CopyValue = (it) => it,
): unknown {
  try {
    return copy(schema.initial(state), 'state')
  } catch (error) {
    throw new Refusal(code, `its state is refused: ${(error as Error).message}`, error)
  }
}

/** Throws a Refusal when the schema has not kept all of a state of its own version. */
export function mustKeep(accepted: unknown, state: unknown): void {
  if (keeps(accepted, state)) return
  const [before, after] = [state, Object(accepted)] as Record<string, unknown>[]
  const lost = Object.keys(before!).find((key) => !keeps(after![key], before![key]))
  throw new Refusal(
    'STATE_INVALID',
    `the schema would remove or change "${lost ?? 'parts'}" of its state; raise the version`,
  )
}
