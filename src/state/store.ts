import { NestedEditError } from '../errors'
import type { Op } from './op'
import { toPath } from './path'
import type { Exact, Item, Keys, Next, Path, Read, Write } from './path-types'
import { Tree, type Handle } from './tree'
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
   * turns, and their changes land on top of what was written meanwhile.
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
  /** Makes operations real: records and applies them, then tells the subscribers. */
  readonly commit: (ops: readonly Op[]) => void
  readonly initial: () => unknown
}

interface Batch {
  readonly tree: Tree
  readonly ops: Op[]
}

const trees = new WeakMap<object, Tree>()

/** Any store's path as something that a component can subscribe to. */
export function handleOf(store: object, path: string | Keys): Handle {
  const tree = trees.get(store)
  if (tree === undefined) throw new TypeError('this is no state store of Dogear')
  return tree.handle(toPath(path))
}

/** The store over a tree. Its methods can be taken off it. */
export function createStateStore<T>({ tree, writer, commit, initial }: StoreParts): StateStore<T> {
  let batch: Batch | undefined
  let editing = false
  let edits: Promise<void> | undefined

  const view = (): Tree => batch?.tree ?? tree
  const write = (make: (view: Tree) => Op | undefined): void => {
    if (editing) throw new NestedEditError()
    const op = make(view())
    if (op !== undefined) land([op])
  }
  const land = (ops: readonly Op[]): void => {
    if (ops.length === 0) return
    if (batch === undefined) return commit(ops)
    batch.ops.push(...ops)
    batch.tree.apply(ops)
  }
  const runEdit = (recipe: (draft: unknown) => unknown): void | Promise<void> => {
    if (editing) throw new NestedEditError('an edit')
    editing = true
    let ops
    try {
      ops = writer.edit(view(), recipe)
    } finally {
      editing = false
    }
    return ops instanceof Promise ? ops.then(land) : land(ops)
  }
  const edit = (recipe: (draft: unknown) => unknown): void | Promise<void> => {
    // One that is known to be asynchronous must not look before the one in front of it has landed.
    const waits = edits !== undefined && recipe.constructor.name === 'AsyncFunction'
    const done = waits ? (edits as Promise<void>).then(() => runEdit(recipe)) : runEdit(recipe)
    if (!(done instanceof Promise)) return undefined
    const tail: Promise<void> = done.then(nothing, nothing).then(() => {
      if (edits === tail) edits = undefined
    })
    edits = tail
    return done
  }
  const runBatch = <R>(writes: () => R): R => {
    if (batch !== undefined) return writes()
    const open: Batch = { tree: new Tree(tree.root()), ops: [] }
    let result: R
    batch = open
    try {
      result = writes()
    } finally {
      batch = undefined
    }
    land(open.ops)
    return result
  }
  const store = {
    get: (...args: [path?: string | Keys, fallback?: unknown]) => {
      if (args[0] === undefined) return view().root()
      const path = toPath(args[0])
      return args.length > 1 && !view().has(path) ? args[1] : view().read(path)
    },
    has: (path: string | Keys) => view().has(toPath(path)),
    set: (path: string | Keys, value: unknown) => write((it) => writer.set(it, toPath(path), value)),
    append: (path: string | Keys, item: unknown) => write((it) => writer.append(it, toPath(path), item)),
    delete: (path: string | Keys) => write((it) => writer.delete(it, toPath(path))),
    replace: (state: unknown) => write((it) => writer.replace(it, state)),
    reset: () => write((it) => writer.replace(it, initial())),
    edit,
    batch: runBatch,
    subscribe: (path: string | Keys, listener: () => void) => tree.subscribe(toPath(path), listener),
  }
  trees.set(store, tree)
  return Object.freeze(store) as unknown as StateStore<T>
}

function nothing(): void {}
