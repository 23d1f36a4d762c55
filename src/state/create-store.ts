import { checkArgument } from './argument'
import { partsOf } from './create-plain-store'
import { compileSchema } from './schema'
import type { Input, Output, Schema } from './standard-schema'
import { createStateStore, type StateStore } from './store'

/**
 * Makes a store by itself: no workflow, no engine, nothing persisted. For state that may be lost, and for tests of
 * code that takes a {@link StateStore}.
 *
 * ```ts
 * const store = createStore({ schema: z.object({ count: z.number().default(0) }) })
 * store.set('count', (it) => it + 1)
 * ```
 *
 * `schema` checks every write at its path; without it any JSON is taken, and types are what you say:
 * `createStore<Cart>({ initial })`. `initial` is the state at the beginning. Default: the schema's defaults, or `{}`.
 *
 * @throws StateValidationError when the schema refuses the initial state; SerializationError when that is not JSON
 */
export function createStore(options?: {
  schema?: undefined
  initial?: unknown
}): StateStore<Record<string, unknown>>
export function createStore<T extends object>(options: { schema?: undefined; initial: T }): StateStore<T>
export function createStore<S extends Schema>(options: {
  schema: S
  initial?: Input<S> | undefined
}): StateStore<Output<S>>
export function createStore(options: { schema?: Schema | undefined; initial?: unknown } = {}): unknown {
  checkArgument('createStore()', options)
  return createStateStore<unknown>(partsOf(compileSchema(options.schema), options.initial))
}
