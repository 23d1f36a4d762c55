import { NestedEditError } from '../errors'
import { Batch } from './batch'
import type { Op } from './op'
import type { Exact, Item, Keys, Next, Path, Read, Write } from './path-types'
import type { Node } from './node'
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
  /** Makes operations real: records and applies them, then tells the subscribers. */
  readonly commit: (ops: readonly Op[]) => void
  /** While the state is not known yet: who makes the writes anew when it is. */
  readonly early?: () => Remake[] | undefined
  /** What the state belongs to. When that is another one at the end of an edit, the recipe runs again on it. */
  readonly base?: () => unknown
  readonly initial: () => unknown
  /**
   * Whether a write that changes nothing is a write all the same: somebody else's before it may still be taken out
   * again. Default: never.
   */
  readonly always?: () => boolean
}

/** Makes operations anew, for the state as it is by then. */
export type Remake = () => readonly Op[]

type Again = (view: View) => readonly Op[]
type Call = 'set' | 'append' | 'delete' | 'replace'

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
  return node.cell ?? makeCell(store, tree, node)
}

function makeCell(store: StateStore<unknown>, tree: Tree, node: Node): Cell {
  return (node.cell = {
    subscribe: (listener) => tree.subscribe(node, listener),
    get: () => tree.readAt(node),
    set: (next) => store.set(node.id, next),
  })
}

/** The store over a tree. Its methods can be taken off it. */
export function createStateStore<T>(parts: StoreParts): StateStore<T> {
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
  /** How the writes of the open batch are made anew. */
  #calls: Again[] = []
  #editing = false
  #edits: Promise<void> | undefined

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  /** What a read sees: in a batch, with what it has written. */
  get view(): View {
    return this.#open ?? this.#parts.tree
  }

  put(call: Call, path: string | Keys, value?: unknown): void {
    const op = this.#make(this.view, call, path, value)
    if (op === undefined) return
    if (this.#parts.early?.()) this.#rememberCall(op, call, path, value)
    this.#land([op])
  }

  /** The operation of a call; there is none inside an edit. */
  #make(view: View, call: Call, input: string | Keys, value: unknown): Op | undefined {
    if (this.#editing) throw new NestedEditError()
    const { tree, writer, always } = this.#parts
    const path = tree.named(input)
    if (call === 'set') return writer.set(view, path, value, always?.())
    if (call === 'append') return writer.append(view, path, value)
    return call === 'delete' ? writer.delete(view, path, always?.()) : writer.replace(view, value)
  }

  batch<R>(run: () => R): R {
    if (this.#open !== undefined) return run()
    const open = (this.#open = new Batch(this.#parts.tree))
    const calls = (this.#calls = [] as Again[])
    let result: R
    let ops = none
    try {
      result = run()
    } finally {
      this.#open = undefined
      ops = open.end()
    }
    this.#remember(ops, () => {
      const again = new Batch(this.#parts.tree)
      for (const call of calls) again.put(call(again))
      return again.end()
    })
    this.#land(ops)
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
      .then((ops) => {
        this.#remember(ops, () => ops)
        this.#land(ops)
      })
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
    if (ops instanceof Promise) return ops
    this.#remember(ops, (view) => this.#parts.writer.edit(view, recipe))
    this.#land(ops)
    return none
  }

  #land(ops: readonly Op[]): void {
    if (ops.length === 0) return
    if (this.#open === undefined) this.#parts.commit(ops)
    else this.#open.put(ops)
  }

  /** Apart, so that a write which is not early makes nothing for it. */
  #rememberCall(op: Op, call: Call, path: string | Keys, value: unknown): void {
    this.#remember([op], (view) => {
      const made = this.#make(view, call, path, value)
      return made ? [made] : none
    })
  }

  /** An early write is made anew for the state that is read; where that is impossible, it is what it was. */
  #remember(ops: readonly Op[], make: (view: View) => readonly Op[] | Promise<readonly Op[]>): void {
    const early = this.#parts.early?.()
    if (!early || ops.length === 0) return
    const again = (view: View): readonly Op[] => {
      try {
        const made = make(view)
        return made instanceof Promise ? ops : made
      } catch {
        return ops
      }
    }
    if (this.#open) this.#calls.push(again)
    else early.push(() => again(this.#parts.tree))
  }
}

const none: readonly Op[] = []

function nothing(): void {}
