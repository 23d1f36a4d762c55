import { ArgumentError, SchemaError, type Issue } from '../errors'
import { development } from './development'
import { nameOf, type Where } from './json'

/**
 * What this library needs of a schema: the part of Standard Schema (https://standardschema.dev) that carries the types and
 * checks a value. Schemas of Zod, Valibot, ArkType and others have it.
 */
export interface Schema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly types?: { readonly input: In; readonly output: Out } | undefined
    readonly vendor: string
    readonly version: 1
    readonly validate: (value: unknown) => unknown
  }
}

/** What a schema accepts. */
export type Input<S extends Schema> = NonNullable<S['~standard']['types']>['input']

/** What a schema makes of it. */
export type Output<S extends Schema> = NonNullable<S['~standard']['types']>['output']

/** Either the schema's output, or what it found. */
export type Validated = { readonly value: unknown } | { readonly issues: readonly Issue[] }

interface Finding {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Runs a schema. Throws a SchemaError, with `what` was to be checked, when it is asynchronous: a write cannot wait. */
export function validate(schema: Schema, value: unknown, what: Where = 'a value', root?: string): Validated {
  const standard = (schema as Partial<Schema> | null)?.['~standard']
  if (!standard) throw new ArgumentError('a schema', schema, 'a Standard Schema')
  const result = judged(standard, value) as
    | { readonly value: unknown; readonly issues?: undefined }
    | { readonly issues: readonly Finding[] }
    | PromiseLike<unknown>
  if ('then' in result) {
    result.then(undefined, () => undefined) // else its rejection would surface a second time, without a handler
    throw new SchemaError(
      `the schema of ${nameOf(what, root)} must be synchronous: use no async refinement, and none that throws`,
    )
  }
  return result.issues === undefined
    ? { value: result.value }
    : { issues: result.issues.map((it) => ({ path: textOf(it), message: it.message })) }
}

/** In development all state is frozen. ArkType's copy of a frozen value is frozen too, and ArkType cannot fill it in. */
function judged(standard: Schema['~standard'], value: unknown): unknown {
  try {
    return standard.validate(value)
  } catch (error) {
    if (!development) throw error
    return standard.validate(structuredClone(value))
  }
}

function textOf(finding: Finding): string {
  return (finding.path ?? []).map((it) => String(typeof it === 'object' ? it.key : it)).join('.')
}
