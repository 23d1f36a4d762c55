import { checkArgument } from './argument'
import { copyJson } from './json'
import { untyped, type CompiledSchema } from './schema'
import { createPlainStateStore, type PlainStore } from './store'
import { Tree } from './tree'
import { Writer } from './writer'
import type { StoreParts } from './writes'

/**
 * Makes the smallest store: like `createStore`, but without a schema and without `edit`, and almost five kilobytes smaller.
 *
 * ```ts
 * const store = createPlainStore({ initial: { note: '' } })
 * store.set('note', 'Ring twice.')
 * ```
 *
 * `initial` is the state at the beginning; default: `{}`.
 *
 * @throws SerializationError when `initial` is not JSON
 */
export function createPlainStore<T = Record<string, unknown>>(options: { initial?: T } = {}): PlainStore<T> {
  checkArgument('createPlainStore()', options)
  return createPlainStateStore<T>(partsOf(untyped, options.initial))
}

/** A store that nothing records. */
export function partsOf(schema: CompiledSchema, given: unknown): StoreParts {
  const initial = copyJson(schema.initial(given), 'state')
  const tree = new Tree(initial)
  return {
    tree,
    writer: new Writer(schema, copyJson),
    commit: (ops) => {
      tree.apply(ops)
      tree.flush()
    },
    initial: () => initial,
  }
}
