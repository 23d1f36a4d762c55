import { development, frozen } from './development'
import type { Op } from './op'
import { listIndex, toPath, type Path } from './path'
import { Subscribers, type Listener } from './subscribers'
import { at, hasAt, isContainer, valueAt, type View } from './view'

type Container = Record<string, unknown> | unknown[]

/**
 * On the copy that a write made: it may be changed in place, until somebody has looked at it. A mark does not know
 * its container: it would keep every earlier version of the containers above it in memory.
 */
interface Mark {
  seen: boolean
  readonly above: Mark | undefined
}

/**
 * The state: immutable to everybody who looks at it, and yet cheap to write. A write copies the containers on
 * its way once; it *owns* the copies and changes them in place until a read hands one of them out. So a write
 * costs its depth, and the copy of a wide parent is made only when somebody holds the one before it.
 *
 * A container is owned while its own mark is unseen and hangs on the mark of its owned parent: handing a
 * container out is one assignment, whatever is below it.
 */
export class Tree implements View {
  #current: unknown
  readonly #marks = new WeakMap<object, Mark>()
  readonly #subscribers: Subscribers
  /** Of the container that was owned last. */
  #mark: Mark | undefined
  /** The topmost container that the last write had to create, and what was there before. */
  #made: { readonly depth: number; readonly before: unknown } | undefined
  #handles: WeakMap<Path, Handle> | undefined

  constructor(root: unknown, report?: (error: unknown) => void) {
    this.#current = root
    this.#subscribers = new Subscribers(report)
  }

  read(path: Path): unknown {
    return this.#handOut(valueAt(this.#current, path.keys))
  }

  has(path: Path): boolean {
    return hasAt(this.#current, path.keys)
  }

  root(): unknown {
    return this.#handOut(this.#current)
  }

  peek(): unknown {
    return this.#current
  }

  /** Whether somebody is to be told: call {@link flush}. */
  get pending(): boolean {
    return this.#subscribers.pending
  }

  flush(): void {
    this.#subscribers.flush((keys) => valueAt(this.#current, keys))
  }

  subscribe(path: Path, listener: Listener): () => void {
    return this.#subscribers.subscribe(path, listener)
  }

  /** What a component needs of one path; the same object for the same path, so that nothing is subscribed anew. */
  handle(path: Path): Handle {
    this.#handles ??= new WeakMap()
    let handle = this.#handles.get(path)
    if (handle === undefined) {
      handle = { subscribe: (listener) => this.subscribe(path, listener), get: () => this.read(path) }
      this.#handles.set(path, handle)
    }
    return handle
  }

  /** Another root, as after a rollback: exactly those are told whose value differs. */
  restore(root: unknown): void {
    const before = this.#current
    this.#current = root
    this.#subscribers.touch([], before, root)
  }

  /**
   * Applies operations that were checked when they were made. It never throws, so that what is recorded can be
   * applied to another state as well: a parent that has vanished is made again, an index past the end appends.
   */
  apply(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op[0] === 'replace') this.restore(op[1])
      else this.#applyAt(op, toPath(op[1]).keys)
    }
  }

  #applyAt(op: Exclude<Op, readonly ['replace', unknown]>, keys: readonly string[]): void {
    if (keys.length === 0) return
    const before = valueAt(this.#current, keys)
    switch (op[0]) {
      case 'set':
        if (!Object.is(before, op[2])) this.#put(keys, before, op[2])
        return
      case 'append':
        this.#append(keys, before, op[2], op[3])
        return
      case 'delete':
        if (hasAt(this.#current, keys)) this.#remove(keys, before)
        return
      case 'splice':
        if (Array.isArray(before)) this.#put(keys, before, spliced(before, op[2], op[3], op[4]))
    }
  }

  #put(keys: readonly string[], before: unknown, value: unknown): void {
    const key = keys.at(-1) as string
    const place = putInto(this.#ownParent(keys), key, value)
    if (this.#made === undefined) {
      this.#subscribers.touch(place === key ? keys : [...keys.slice(0, -1), place], before, value)
    } else {
      // Parents were created on the way: the change is at the topmost of them.
      const { depth, before: was } = this.#made
      const above = keys.slice(0, depth)
      this.#subscribers.touch(above, was, valueAt(this.#current, above))
    }
  }

  #append(keys: readonly string[], before: unknown, item: unknown, as: 'text' | 'list' | undefined): void {
    if (typeof before === 'string' && typeof item === 'string') {
      if (item !== '') this.#put(keys, before, before + item)
      return
    }
    if (Array.isArray(before)) this.#put([...keys, String(before.length)], undefined, item)
    else this.#put(keys, before, typeof item === 'string' && as !== 'list' ? item : frozen([item]))
  }

  #remove(keys: readonly string[], before: unknown): void {
    const above = keys.slice(0, -1)
    const parent = valueAt(this.#current, above)
    const key = keys.at(-1) as string
    if (!Array.isArray(parent)) {
      delete (this.#ownParent(keys) as Record<string, unknown>)[key]
      this.#subscribers.touch(keys, before, undefined)
      return
    }
    const rest = spliced(parent, listIndex(key), 1, [])
    if (above.length === 0) this.restore(rest)
    else this.#put(above, parent, rest)
  }

  /** The container that holds the last key, owned, with everything above it. */
  #ownParent(keys: readonly string[]): Container {
    let container = (this.#current = this.#own(this.#current, undefined))
    this.#made = undefined
    for (let depth = 0; depth < keys.length - 1; depth++) {
      const key = keys[depth] as string
      const child = at(container, key)
      if (!isContainer(child)) this.#made ??= { depth: depth + 1, before: child }
      const owned = this.#own(child, this.#mark)
      if (owned !== child) putInto(container, key, owned)
      container = owned
    }
    return container
  }

  /** The container itself when it is owned, else an owned copy; an object where there is none. */
  #own(value: unknown, above: Mark | undefined): Container {
    const container = isContainer(value) ? value : undefined
    this.#mark = container && this.#marks.get(container)
    if (container && this.#mark?.seen === false && this.#mark.above === above) return container
    const owned = Array.isArray(container) ? container.slice() : { ...container }
    this.#mark = { seen: false, above }
    this.#marks.set(owned, this.#mark)
    return owned
  }

  #handOut(value: unknown): unknown {
    if (!isContainer(value)) return value
    const mark = this.#marks.get(value)
    if (mark?.seen === false) {
      mark.seen = true
      if (development) freezeDeep(value)
    }
    return value
  }
}

/** A path as something that can be subscribed to and read. */
export interface Handle {
  readonly subscribe: (listener: Listener) => () => void
  readonly get: () => unknown
}

/** Puts a value under a key; past the end of a list, at its end. Answers the key that it stands under. */
function putInto(container: Container, key: string, value: unknown): string {
  if (Array.isArray(container)) {
    const index = listIndex(key)
    if (index < 0 || index >= container.length) return String(container.push(value) - 1)
    container[index] = value
  } else container[key] = value
  return key
}

function spliced(
  list: readonly unknown[],
  index: number,
  deleteCount: number,
  items: readonly unknown[],
): unknown[] {
  const copy = list.slice()
  copy.splice(index, deleteCount, ...items)
  return frozen(copy)
}

/** Whatever is frozen is frozen all the way down. */
function freezeDeep(value: Container): void {
  if (Object.isFrozen(value)) return
  Object.freeze(value)
  for (const child of Object.values(value)) if (isContainer(child)) freezeDeep(child)
}
