import { listIndex } from './path'
import { validate } from './standard-schema'
import type { Schema } from './standard-schema'

/**
 * The inside of a zod 4 schema, classic or mini, as zod documents it for library authors. It is read by its shape, so that
 * zod is never loaded from here. A schema without such an inside stays closed.
 */
interface Definition {
  readonly type: string
  readonly checks?: readonly unknown[]
  readonly innerType?: Schema
  readonly getter?: () => Schema
  readonly shape?: Readonly<Record<string, Schema>>
  readonly catchall?: Schema
  readonly element?: Schema
  readonly items?: readonly Schema[]
  readonly rest?: Schema | null
  readonly keyType?: Schema
  readonly valueType?: Schema
  readonly partial?: boolean
}

interface Inside {
  readonly def: Definition
  readonly values?: unknown
  readonly optout?: string
}

/** A schema without its wrappers. */
export interface Structure {
  /** Undefined below a closed schema. */
  readonly schema: Schema | undefined
  readonly def: Definition
  /** Whether a refinement on it, or on a wrapper, must check every write below it. */
  readonly checked: boolean
}

/** Wrappers that only widen what is accepted: below them, the wrapped schema decides. */
const WRAPPERS = ['optional', 'nullable', 'default', 'prefault', 'readonly', 'catch', 'nonoptional']
const MOST_WRAPPERS = 100
const NOTHING: Definition = { type: '' }

/** What is below a schema that cannot be taken apart. */
export const CLOSED: Structure = { schema: undefined, def: NOTHING, checked: false }

/** Takes the wrappers off: optional, nullable, default, lazy and the like. */
export function unwrap(schema: Schema): Structure {
  let inner = schema
  let checked = false
  for (let count = 0; count < MOST_WRAPPERS; count++) {
    const def = insideOf(inner)?.def ?? NOTHING
    checked ||= (def.checks?.length ?? 0) > 0
    const next =
      def.type === 'lazy' ? def.getter?.() : WRAPPERS.includes(def.type) ? def.innerType : undefined
    if (next === undefined) return { schema: inner, def, checked }
    inner = next
  }
  return { schema, def: NOTHING, checked }
}

/** The schema under a key; undefined when only the schema itself can check the value there. */
export function stepInto({ schema, def }: Structure, key: string): Schema | undefined {
  switch (def.type) {
    case 'object':
      return knows(def, key)
        ? def.shape?.[key]
        : insideOf(def.catchall)?.def.type === 'never'
          ? undefined
          : def.catchall
    case 'array':
      return listIndex(key) < 0 ? undefined : def.element
    case 'tuple':
      return listIndex(key) < 0 ? undefined : (def.items?.[listIndex(key)] ?? def.rest ?? undefined)
    case 'record':
      return takesKey(def, key) ? def.valueType : undefined
    case 'any':
    case 'unknown':
      return schema
    default:
      return undefined
  }
}

/** Whether a key may be removed; `next` is the schema under it. False also means "not known from here". */
export function mayBeAbsent({ def }: Structure, key: string, next: Schema): boolean {
  if (def.type === 'tuple') return false
  if (def.type === 'record') return def.partial === true || insideOf(def.keyType)?.values === undefined
  if (def.type !== 'object' || !knows(def, key)) return true
  if (insideOf(next)?.optout !== 'optional') return false
  const absent = validate(next, undefined)
  return 'value' in absent && absent.value === undefined
}

function knows(def: Definition, key: string): boolean {
  return Object.hasOwn(def.shape ?? {}, key)
}

function takesKey(def: Definition, key: string): boolean {
  if (def.keyType === undefined) return false
  const judged = validate(def.keyType, key)
  return 'value' in judged && judged.value === key
}

function insideOf(schema: Schema | undefined): Inside | undefined {
  const { _zod: inside } = (schema ?? {}) as { readonly _zod?: Inside }
  return inside
}
