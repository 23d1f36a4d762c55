import { ArgumentError } from '../errors'
import type { Recipe } from './edit'
import { Edits } from './edits'
import { askedOf, type Node } from './node'
import type { Exact, Item, Keys, Next, Path, Read, Write } from './path-types'
import { valueAt } from './view'
import { Writes, type StoreParts } from './writes'

/** What an async function writes after its first `await` would be in no batch. */
type Synchronous<R> =
  R extends PromiseLike<unknown> ? 'a batch is synchronous: what comes after an await is outside of it' : R

/**
 * A state that is read, written and subscribed to by path: `'user.name'`, `'items.0.price'`, or a list of segments when a
 * key has a dot. What it returns is immutable and shares structure; what it is given is copied.
 *
 * A path that no state can have is a PathError. A write that cannot be made throws a PathError, StateValidationError or
 * SerializationError, and changes nothing.
 */
export interface PlainStore<T> {
  /** The whole state. */
  get(): T
  /** The value at a path; `undefined` when there is none. `''` is the whole state. */
  get<const P extends Path<T> | Keys | ''>(path: Exact<T, P>): Read<T, P>
  /** The same with a fallback for a missing value; a stored null is a value. */
  get<const P extends Path<T> | Keys, F>(path: Exact<T, P>, fallback: F): Exclude<Read<T, P>, undefined> | F
  /** Whether there is a value at the path; a stored null is one. */
  has<const P extends Path<T> | Keys | ''>(path: Exact<T, P>): boolean
  /**
   * Replaces the value at a path, never merges. Missing parents are created. In a list, the index behind the last item
   * appends, and a later one is refused. `undefined` deletes.
   */
  set<const P extends Path<T> | Keys>(path: Exact<T, P>, value: Next<Read<T, P>, Write<T, P>>): void
  /**
   * Adds an item to a list, or text to a text. Where nothing is, it begins what the schema says there is; without a schema a
   * text begins a text, and anything else a list.
   */
  append<const P extends Path<T> | Keys>(path: Exact<T, P>, item: Item<Write<T, P>>): void
  /** Removes a key. In a list it removes the item, and everything behind it moves up. */
  delete<const P extends Path<T> | Keys>(
    path: undefined extends Read<T, P> ? Exact<T, P> : 'the schema requires this key',
  ): void
  /** Replaces the whole state. */
  replace(state: T): void
  /** Back to the state at the beginning: the schema's defaults, and what was given on top of them. */
  reset(): void
  /** Makes the synchronous writes inside one write: listeners hear of them once, and none remains when `writes` throws. */
  batch<R>(writes: () => Synchronous<R>): R
  /**
   * Calls `listener` after writes at, above or below the path that changed its value; `''` hears all. It is called
   * synchronously, once for each write, edit or batch.
   *
   * @returns a function that ends the subscription
   */
  subscribe<const P extends Path<T> | Keys | ''>(path: Exact<T, P>, listener: () => void): () => void
}

/** The same with drafts. */
export interface StateStore<T> extends PlainStore<T> {
  /**
   * Changes a draft; all changes land at once, or none when the recipe throws. Asynchronous recipes take turns, and their
   * changes land on top of what was written meanwhile.
   *
   * A recipe must change nothing but its draft: a plain function that returns a promise may be run again when its turn
   * comes. A recipe must not await another `edit` of the same store, or it waits for itself: after its first `await`
   * nothing tells that call from one that stands beside it.
   *
   * @throws NestedEditError for a write to the store inside the recipe
   */
  edit(recipe: (draft: T) => Promise<void>): Promise<void>
  edit(recipe: (draft: T) => void): void
}

/**
 * Any store, for code that takes several: what is read is unknown, and what is written is checked when it runs. A function that
 * reads what it knows takes `Pick<StateStore<{ title: string }>, 'get'>`.
 */
export interface AnyStore {
  get(): unknown
  get(path: string | Keys, fallback?: unknown): unknown
  has(path: string | Keys): boolean
  set(path: string | Keys, value: Next<unknown, unknown>): void
  append(path: string | Keys, item: unknown): void
  delete(path: string | Keys): void
  edit(recipe: (draft: unknown) => Promise<void>): Promise<void>
  edit(recipe: (draft: unknown) => void): void
  replace(state: unknown): void
  reset(): void
  batch<R>(writes: () => Synchronous<R>): R
  subscribe(path: string | Keys, listener: () => void): () => void
}

/** A path of a store as components use it. */
export interface Cell {
  /** With a listener it subscribes, without one it reads. One function, because a page may have thousands of them. */
  readonly show: Show
  readonly set: (next: unknown) => void
}

/** With `null` it reads the value at the beginning, which is what a server has shown. */
export interface Show {
  (listener: () => void): () => void
  (beginning?: null): unknown
}

/** The key of a store's function that makes its cells: faster than a WeakMap, and the same in two copies of Dogear. */
const cells: unique symbol = /* @__PURE__ */ Symbol.for('dogear.cells')

/** The cell of a path in any store: always the same one, so that nothing is subscribed anew. */
export function cellOf(store: PlainStore<unknown>, path: string | Keys): Cell {
  const make = (store as { readonly [cells]?: (path: string | Keys) => Cell } | undefined)?.[cells]
  if (!make) throw new ArgumentError('useWorkflowState()', store, 'a store of Dogear')
  return make(path)
}

/** The functions are kept at the path's node, and bound instead of closed over, which takes half the memory. */
function cellsOf(writes: Writes): (path: string | Keys) => Cell {
  const { tree, initial, base } = writes.parts
  function show(this: Node, listener?: (() => void) | null): unknown {
    if (listener) return tree.subscribe(this, listener)
    // A store alone is the same on a server as in the page: there is nothing that it would be read from.
    return listener === undefined || !base ? tree.read(this) : valueAt(initial(), this.keys)
  }
  // By the node itself: a batch of setters looks up no path.
  function set(this: Node, next: unknown): void {
    writes.put('set', this, next)
  }
  return (path) => {
    const node = tree.named(path, true)
    const asked = askedOf(node)
    asked.show ??= show.bind(node) as Show
    asked.set ??= set.bind(node)
    return asked as Cell
  }
}

/** The store over a tree, without drafts. Its methods can be taken off it. */
export function createPlainStateStore<T>(
  parts: StoreParts,
  writes: Writes = new Writes(parts),
  more?: Pick<StateStore<unknown>, 'edit'>,
): PlainStore<T> {
  const { tree } = parts
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
    ...more,
    [cells]: cellsOf(writes),
  }
  return Object.freeze(store) as unknown as PlainStore<T>
}

/** The store over a tree. That of a session keeps what is written before the session was read. */
export function createStateStore<T>(parts: StoreParts, writes: Writes = new Writes(parts)): StateStore<T> {
  const edits = new Edits(parts, writes)
  const edit = (recipe: Recipe): never => edits.edit(recipe) as never
  return createPlainStateStore<T>(parts, writes, { edit }) as StateStore<T>
}
