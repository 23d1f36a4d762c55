import { development, frozen } from './development'
import type { Op } from './op'
import { listIndex, toPath, type Path } from './path'
import { Subscribers, type Listener } from './subscribers'
import { at, hasAt, isContainer, valueAt, type View } from './view'

type Container = Record<string, unknown> | unknown[]

/** Who may change a container in place: the copy that a write made, until somebody has looked at it. */
interface Owner {
  readonly container: Container
  seen: boolean
  readonly above: Owner | undefined
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
  private current: unknown
  private readonly owners = new WeakMap<object, Owner>()
  private readonly subscribers: Subscribers
  /** The topmost container that the last write had to create, and what was there before. */
  private made: { readonly depth: number; readonly before: unknown } | undefined
  private handles: WeakMap<Path, Handle> | undefined

  constructor(root: unknown, report?: (error: unknown) => void) {
    this.current = root
    this.subscribers = new Subscribers(report)
  }

  read(path: Path): unknown {
    return this.handOut(valueAt(this.current, path.keys))
  }

  has(path: Path): boolean {
    return hasAt(this.current, path.keys)
  }

  root(): unknown {
    return this.handOut(this.current)
  }

  peek(): unknown {
    return this.current
  }

  /** Whether somebody is to be told: call {@link flush}. */
  get pending(): boolean {
    return this.subscribers.pending
  }

  flush(): void {
    this.subscribers.flush((keys) => valueAt(this.current, keys))
  }

  subscribe(path: Path, listener: Listener): () => void {
    return this.subscribers.subscribe(path, listener)
  }

  /** What a component needs of one path; the same object for the same path, so that nothing is subscribed anew. */
  handle(path: Path): Handle {
    this.handles ??= new WeakMap()
    let handle = this.handles.get(path)
    if (handle === undefined) {
      handle = { subscribe: (listener) => this.subscribe(path, listener), get: () => this.read(path) }
      this.handles.set(path, handle)
    }
    return handle
  }

  /** Another root, as after a rollback: exactly those are told whose value differs. */
  restore(root: unknown): void {
    const before = this.current
    this.current = root
    this.subscribers.compareRoots(before, root)
  }

  /**
   * Applies operations that were checked when they were made. It never throws, so that what is recorded can be
   * applied to another state as well: a parent that has vanished is made again, an index past the end appends.
   */
  apply(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op[0] === 'replace') this.restore(op[1])
      else this.applyAt(op, toPath(op[1]).keys)
    }
  }

  private applyAt(op: Exclude<Op, readonly ['replace', unknown]>, keys: readonly string[]): void {
    if (keys.length === 0) return
    const before = valueAt(this.current, keys)
    switch (op[0]) {
      case 'set':
        if (!Object.is(before, op[2])) this.put(keys, before, op[2])
        return
      case 'append':
        this.append(keys, before, op[2], op[3])
        return
      case 'delete':
        if (hasAt(this.current, keys)) this.remove(keys, before)
        return
      case 'splice':
        if (Array.isArray(before)) this.put(keys, before, spliced(before, op[2], op[3], op[4]))
    }
  }

  private put(keys: readonly string[], before: unknown, value: unknown): void {
    const parent = this.ownParent(keys)
    const key = keys.at(-1) as string
    if (!Array.isArray(parent)) parent[key] = value
    else {
      const index = listIndex(key)
      if (index >= 0 && index < parent.length) parent[index] = value
      else {
        this.touch([...keys.slice(0, -1), String(parent.push(value) - 1)], undefined, value)
        return
      }
    }
    if (this.made === undefined) this.touch(keys, before, value)
    else {
      // Parents were created on the way: the change is at the topmost of them.
      const { depth, before: was } = this.made
      const above = keys.slice(0, depth)
      this.touch(above, was, valueAt(this.current, above))
    }
  }

  private append(
    keys: readonly string[],
    before: unknown,
    item: unknown,
    as: 'text' | 'list' | undefined,
  ): void {
    if (typeof before === 'string' && typeof item === 'string') {
      if (item !== '') this.put(keys, before, before + item)
      return
    }
    if (!Array.isArray(before)) {
      const text = typeof item === 'string' && as !== 'list'
      return this.put(keys, before, text ? item : frozen([item]))
    }
    const list = this.ownParent([...keys, '0']) as unknown[]
    list.push(item)
    this.touch([...keys, String(list.length - 1)], undefined, item)
  }

  private remove(keys: readonly string[], before: unknown): void {
    const above = keys.slice(0, -1)
    const parent = valueAt(this.current, above)
    const key = keys.at(-1) as string
    if (!Array.isArray(parent)) {
      delete (this.ownParent(keys) as Record<string, unknown>)[key]
      this.touch(keys, before, undefined)
    } else if (above.length === 0) this.restore(spliced(parent, listIndex(key), 1, []))
    else this.put(above, parent, spliced(parent, listIndex(key), 1, []))
  }

  /** The container that holds the last key, owned, with everything above it. */
  private ownParent(keys: readonly string[]): Container {
    let owner = this.own(this.current, undefined)
    let container = (this.current = owner.container)
    this.made = undefined
    for (let depth = 0; depth < keys.length - 1; depth++) {
      const key = keys[depth] as string
      const child = at(container, key)
      if (!isContainer(child)) this.made ??= { depth: depth + 1, before: child }
      owner = this.own(child, owner)
      if (owner.container !== child) assign(container, key, owner.container)
      container = owner.container
    }
    return container
  }

  private own(value: unknown, above: Owner | undefined): Owner {
    if (isContainer(value)) {
      const owner = this.owners.get(value)
      if (owner !== undefined && !owner.seen && owner.above === above) return owner
    }
    const container: Container = !isContainer(value)
      ? {}
      : Array.isArray(value)
        ? value.slice()
        : { ...value }
    const owner: Owner = { container, seen: false, above }
    this.owners.set(container, owner)
    return owner
  }

  private handOut(value: unknown): unknown {
    if (!isContainer(value)) return value
    const owner = this.owners.get(value)
    if (owner !== undefined && !owner.seen) {
      owner.seen = true
      if (development) freezeDeep(value)
    }
    return value
  }

  private touch(keys: readonly string[], before: unknown, after: unknown): void {
    this.subscribers.touch(keys, before, after)
  }
}

/** A path as something that can be subscribed to and read. */
export interface Handle {
  readonly subscribe: (listener: Listener) => () => void
  readonly get: () => unknown
}

function assign(parent: Container, key: string, child: Container): void {
  if (!Array.isArray(parent)) parent[key] = child
  else if (listIndex(key) >= 0 && listIndex(key) < parent.length) parent[listIndex(key)] = child
  else parent.push(child)
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
