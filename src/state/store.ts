import { NestedEditError } from '../errors'
import { Batch } from './batch'
import type { Op } from './op'
import type { Exact, Item, Keys, Next, Path, Read, Write } from './path-types'
import type { Tree } from './tree'
import type { View } from './view'
import type { Writer } from './writer'

/**
 * A state that is read, written and subscribed to by path: `'user.name'`, `'items.0.price'`, or the segments
 * when a key has a dot. What it hands out is immutable and shares structure; what it is given is copied.
 */
export interface StateStore<T> {
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
  /**
   * Changes a draft; all of it lands at once, or nothing when the recipe throws. Asynchronous recipes take
   * turns, and their changes land on top of what was written meanwhile. A recipe works on its draft alone: a
   * plain function that returns a promise may be run again when it is its turn.
   *
   * @throws NestedEditError for a write to the store inside the recipe
   */
  edit(recipe: (draft: T) => Promise<void>): Promise<void>
  edit(recipe: (draft: T) => void): void
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

export interface StoreParts {
  readonly tree: Tree
  readonly writer: Writer
  /** Makes operations real: records and applies them, then tells the subscribers. `again` makes them anew. */
  readonly commit: (ops: readonly Op[], again: () => readonly Op[]) => void
  /** Whether writes may have to be made anew, because the state is not known yet. Default: never. */
  readonly early?: () => boolean
  /** What the state belongs to. When that is another one at the end of an edit, the recipe runs again on it. */
  readonly base?: () => unknown
  readonly initial: () => unknown
  /**
   * Whether a write that changes nothing is a write all the same: somebody else's before it may still be taken out
   * again. Default: never.
   */
  readonly always?: () => boolean
}

/** Makes the operations of one call, for the state as it is. */
type Make = (view: View) => Op | readonly Op[] | undefined

const trees = new WeakMap<object, Tree>()

/** A path of a store as something that components can subscribe to, read and write. */
export interface Cell {
  readonly subscribe: (listener: () => void) => () => void
  readonly get: () => unknown
  readonly set: (next: unknown) => void
}

/** The cell of any store's path: the same object for everybody, so that nothing is subscribed anew. */
export function cellOf(store: StateStore<unknown>, path: string | Keys): Cell {
  const tree = trees.get(store)
  if (tree === undefined) throw new TypeError('this is no state store of Dogear')
  const node = tree.named(path)
  return (node.cell ??= {
    subscribe: (listener) => tree.subscribe(node, listener),
    get: () => tree.readAt(node),
    set: (next) => store.set(node.id, next),
  })
}

/** The store over a tree. Its methods can be taken off it. */
export function createStateStore<T>(parts: StoreParts): StateStore<T> {
  const { tree, writer } = parts
  const writes = new Writes(parts)
  const store = {
    get(input?: string | Keys, fallback?: unknown) {
      const { view } = writes
      if (input === undefined) return view.root()
      const path = tree.named(input)
      return fallback !== undefined && !view.has(path) ? fallback : view.read(path)
    },
    has: (path: string | Keys) => writes.view.has(tree.named(path)),
    set: (path: string | Keys, value: unknown) =>
      writes.put((it) => writer.set(it, tree.named(path), value, parts.always?.())),
    append: (path: string | Keys, item: unknown) =>
      writes.put((it) => writer.append(it, tree.named(path), item)),
    delete: (path: string | Keys) =>
      writes.put((it) => writer.delete(it, tree.named(path), parts.always?.())),
    replace: (state: unknown) => writes.put((it) => writer.replace(it, state)),
    reset: () => writes.put((it) => writer.replace(it, parts.initial())),
    edit: (recipe: Recipe) => writes.edit(recipe),
    batch: <R>(run: () => R) => writes.batch(run),
    subscribe: (path: string | Keys, listener: () => void) => tree.subscribe(tree.named(path), listener),
  }
  trees.set(store, tree)
  return Object.freeze(store) as unknown as StateStore<T>
}

type Recipe = (draft: unknown) => unknown

/** What is open in a store: its batch, and the edits that take turns. */
class Writes {
  readonly #parts: StoreParts
  #open: Batch | undefined
  /** The calls of the open batch. */
  #makes: Make[] = []
  #editing = false
  #edits: Promise<void> | undefined

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  /** What a read sees: in a batch, with what it has written. */
  get view(): View {
    return this.#open ?? this.#parts.tree
  }

  /** What a write is made for; there is none inside an edit. */
  target(): View {
    if (this.#editing) throw new NestedEditError()
    return this.view
  }

  put(make: (view: View) => Op | undefined): void {
    const op = make(this.target())
    if (op !== undefined) this.#land([op], make)
  }

  batch<R>(run: () => R): R {
    if (this.#open !== undefined) return run()
    const open = new Batch(this.#parts.tree)
    const makes: Make[] = (this.#makes = [])
    let result: R
    this.#open = open
    try {
      result = run()
    } finally {
      this.#open = undefined
    }
    this.#land(open.ops, () => {
      if (makes.length === 0) return open.ops
      const again = new Batch(this.#parts.tree)
      for (const make of makes) again.put(remade(make, again, none))
      return again.ops
    })
    return result
  }

  edit(recipe: Recipe): void | Promise<void> {
    const edits = this.#edits
    // One that is known to be asynchronous must not look before the one in front of it has landed.
    const known = recipe.constructor.name === 'AsyncFunction'
    let done = edits !== undefined && known ? edits.then(() => this.#run(recipe)) : this.#run(recipe)
    if (!(done instanceof Promise)) return undefined
    if (edits !== undefined && !known) {
      // It has looked too early: what comes of that is dropped, and it runs again when it is its turn.
      done.catch(nothing)
      done = edits.then(() => this.#run(recipe))
    }
    const base = this.#parts.base?.()
    const landed = done
      // Begun before the session was read: it has not seen what it is to change.
      .then((ops) => (this.#parts.base?.() === base ? ops : this.#run(recipe)))
      .then((ops) => this.#land(ops, () => ops))
    const tail: Promise<void> = landed.then(nothing, nothing).then(() => {
      if (this.#edits === tail) this.#edits = undefined
    })
    this.#edits = tail
    return landed
  }

  #run(recipe: Recipe): readonly Op[] | Promise<readonly Op[]> {
    if (this.#editing) throw new NestedEditError('an edit')
    this.#editing = true
    let ops
    try {
      ops = this.#parts.writer.edit(this.view, recipe)
    } finally {
      this.#editing = false
    }
    if (!(ops instanceof Promise)) this.#land(ops, (view) => this.#parts.writer.edit(view, recipe) as Op[])
    return ops instanceof Promise ? ops : none
  }

  #land(ops: readonly Op[], make: Make): void {
    const { tree, commit } = this.#parts
    if (ops.length === 0) return
    if (this.#open === undefined) return commit(ops, () => remade(make, tree, ops))
    this.#open.put(ops)
    if (this.#parts.early?.()) this.#makes.push((view) => remade(make, view, ops))
  }
}

const none: readonly Op[] = []

/** The operations for another state; where they cannot be made, those of the first time. */
function remade(make: Make, view: View, made: readonly Op[]): readonly Op[] {
  try {
    const ops = make(view) ?? none
    return ops instanceof Promise ? made : isOp(ops) ? [ops] : ops
  } catch {
    return made
  }
}

function nothing(): void {}

function isOp(ops: Op | readonly Op[]): ops is Op {
  return typeof ops[0] === 'string'
}
