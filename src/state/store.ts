import type { Recipe } from './edit'
import { Edits } from './edits'
import type { Node } from './node'
import type { Exact, Item, Keys, Next, Path, Read, Write } from './path-types'
import { Writes, type StoreParts } from './writes'

/**
 * A state that is read, written and subscribed to by path: `'user.name'`, `'items.0.price'`, or the segments
 * when a key has a dot. What it hands out is immutable and shares structure; what it is given is copied.
 */
export interface PlainStore<T> {
  /** The whole state. */
  get(): T
  /** The value at a path; `undefined` when there is none. `''` is the whole state. */
  get(path: ''): T
  get<const P extends Path<T> | Keys>(path: Exact<T, P>): Read<T, P>
  /** With a fallback for a missing value; a stored null is a value. */
  get<const P extends Path<T> | Keys, F>(path: Exact<T, P>, fallback: F): Exclude<Read<T, P>, undefined> | F
  has(path: ''): boolean
  has<const P extends Path<T> | Keys>(path: Exact<T, P>): boolean
  /**
   * Replaces the value at a path, never merges. Missing parents are created. `undefined` deletes.
   *
   * @throws PathError, StateValidationError, SerializationError; then nothing was changed
   */
  set<const P extends Path<T> | Keys>(path: Exact<T, P>, value: Next<Read<T, P>, Write<T, P>>): void
  /** Adds an item to a list, or text to a text. */
  append<const P extends Path<T> | Keys>(path: Exact<T, P>, item: Item<Write<T, P>>): void
  /** Removes a key; in a list, the item with everything behind it moving up. */
  delete<const P extends Path<T> | Keys>(
    path: undefined extends Read<T, P> ? Exact<T, P> : 'the schema requires this key',
  ): void
  /** Replaces the whole state. */
  replace(state: T): void
  /** Back to the state at the beginning. */
  reset(): void
  /** Makes the synchronous writes inside one: one notification, and none of them when it throws. */
  batch<R>(writes: () => R): R
  /**
   * Calls `listener` after writes at, above and below a path that changed its value; `''` hears all. Once a
   * write, edit or batch, synchronously.
   *
   * @returns what ends it
   */
  subscribe<const P extends Path<T> | Keys | ''>(path: P, listener: () => void): () => void
}

/** The same with drafts. */
export interface StateStore<T> extends PlainStore<T> {
  /**
   * Changes a draft; all of it lands at once, or nothing when the recipe throws. Asynchronous recipes take
   * turns, and their changes land on top of what was written meanwhile. A recipe works on its draft alone: a
   * plain function that returns a promise may be run again when it is its turn.
   *
   * @throws NestedEditError for a write to the store inside the recipe
   */
  edit(recipe: (draft: T) => Promise<void>): Promise<void>
  edit(recipe: (draft: T) => void): void
}

const known = new WeakMap<object, Writes>()

/** A path of a store as something that components can subscribe to, read and write. */
export interface Cell {
  readonly subscribe: (listener: () => void) => () => void
  readonly get: () => unknown
  readonly set: (next: unknown) => void
}

/** The cell of any store's path: the same object for everybody, so that nothing is subscribed anew. */
export function cellOf(store: PlainStore<unknown>, path: string | Keys): Cell {
  const writes = known.get(store)
  if (writes === undefined) throw new TypeError('this is no state store of Dogear')
  const node = writes.tree.named(path)
  return node.cell ?? makeCell(writes, node)
}

function makeCell(writes: Writes, node: Node): Cell {
  const { tree } = writes
  return (node.cell = {
    subscribe: (listener) => tree.subscribe(node, listener),
    get: () => tree.readAt(node),
    // By the node itself: a batch of setters looks up no path.
    set: (next) => writes.put('set', node, next),
  })
}

/** The store over a tree, without drafts. Its methods can be taken off it. */
export function createPlainStateStore<T>(
  parts: StoreParts,
  more?: (writes: Writes) => Pick<StateStore<unknown>, 'edit'>,
): PlainStore<T> {
  const { tree } = parts
  const writes = new Writes(parts)
  const store = {
    get(input?: string | Keys, fallback?: unknown) {
      const { view } = writes
      if (input === undefined) return view.root()
      const path = tree.named(input)
      return fallback !== undefined && !view.has(path) ? fallback : view.read(path)
    },
    has: (path: string | Keys) => writes.view.has(tree.named(path)),
    set: (path: string | Keys, value: unknown) => writes.put('set', path, value),
    append: (path: string | Keys, item: unknown) => writes.put('append', path, item),
    delete: (path: string | Keys) => writes.put('delete', path),
    replace: (state: unknown) => writes.put('replace', '', state),
    reset: () => writes.put('replace', '', parts.initial()),
    batch: <R>(run: () => R) => writes.batch(run),
    subscribe: (path: string | Keys, listener: () => void) => tree.subscribe(tree.named(path), listener),
    ...more?.(writes),
  }
  known.set(store, writes)
  return Object.freeze(store) as unknown as PlainStore<T>
}

/** The store over a tree. */
export function createStateStore<T>(parts: StoreParts): StateStore<T> {
  return createPlainStateStore<T>(parts, (writes) => {
    const edits = new Edits(parts, writes)
    return { edit: (recipe: Recipe) => edits.edit(recipe) as never }
  }) as StateStore<T>
}
