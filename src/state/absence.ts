import { toPath } from './path'
import { stepInto, unwrap } from './schema-structure'
import { validate, type Schema } from './standard-schema'

/** Why a value at this path must not be absent; `undefined` when it may, or when that is not known. */
export function absence(schema: Schema, text: string): string | undefined {
  let here = unwrap(schema)
  let next: Schema | undefined
  for (const key of toPath(text).keys) {
    const { type } = here.def
    if (type === 'array' || type === 'tuple') return 'it leads into a list, which is stored as it is'
    next = stepInto(here, key)
    if (next === undefined) return type === 'object' ? 'the state has no such path' : undefined
    here = unwrap(next)
  }
  if (next === undefined || 'value' in validate(next, undefined)) return undefined
  return 'it is never stored, so it must be optional or have a default'
}
