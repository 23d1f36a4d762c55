import { development } from './development'
import { isLate, late } from './late'
import { nodeBelow } from './below'
import { childAt, disown, isOwned, Node } from './node'
import { Nodes } from './nodes'
import type { Op } from './op'
import type { Path } from './path'
import { Subscribers } from './subscribers'
import { subscribe, type Listener } from './subscription'
import { holds, isContainer, shallowCopy, type Container, type View } from './view'

/**
 * The state: immutable to everybody who looks at it, and yet cheap to write. A write copies the containers on
 * its way once; the tree *owns* the copies and changes them in place until a read hands one of them out. So a write
 * costs its depth, and the copy of a wide parent is made only when somebody holds the one before it.
 *
 * Owned containers are kept at the nodes of the written paths. Handing a container out ends the ownership of it and of
 * everything below it by one number at its node, however much is below.
 */
export class Tree implements View {
  #current: unknown
  readonly #nodes = new Nodes()
  readonly #subscribers: Subscribers
  /** Counts what begins and ends ownership. */
  #moment = 0

  constructor(root: unknown, report?: (error: unknown) => void) {
    this.#current = root
    this.#subscribers = new Subscribers((node) => this.#value(node), report)
  }

  /** The node of what a user names; it is the path for all other methods. `anew`: with a text that is not kept. */
  named(path: string | readonly (string | number)[] | Node, anew?: boolean): Node {
    // Most are texts, and a check for a class takes longer than one for a text.
    if (typeof path === 'string' || !(path instanceof Node)) return this.#nodes.named(path, anew)
    return this.#nodes.of(path)
  }

  /** The node of a checked path. */
  nodeOf(path: Path): Node {
    return this.#nodes.of(path)
  }

  /** With a node of this tree nothing has to be looked up, unless the node was forgotten meanwhile. */
  read(path: Path): unknown {
    const here = this.#nodes.of(path)
    return this.#handOut(here, this.#value(here))
  }

  has(path: Path): boolean {
    const node = this.#nodes.of(path)
    return node.parent === undefined || holds(this.#container(node.parent), node.key)
  }

  root(): unknown {
    return this.#handOut(this.#nodes.root, this.#current)
  }

  peek(path: Path): unknown {
    return this.#value(this.#nodes.of(path))
  }

  /** Whether there are listeners to call: then call {@link flush}. */
  get pending(): boolean {
    return this.#subscribers.pending
  }

  flush(): void {
    this.#subscribers.flush()
  }

  subscribe(path: Path, listener: Listener): () => void {
    return subscribe(this.#nodes.of(path), listener)
  }

  /** Sets another root, as after a rollback. Exactly those listeners are called whose value differs. */
  restore(root: unknown): void {
    const before = this.#current
    this.#current = root
    this.#changed(this.#nodes.root, before, root)
  }

  /**
   * Applies operations that were checked when they were made. It never throws, so that what is recorded can be
   * applied to another state as well: a parent that has vanished is made again, an index past the end appends.
   */
  apply(ops: readonly Op[]): void {
    for (const op of ops)
      if (op[0] === 'replace') this.restore(op[1])
      else this.#applyAt(op, this.named(op[1]))
  }

  #applyAt(op: Exclude<Op, readonly ['replace', unknown]>, node: Node): void {
    const { parent } = node
    if (parent === undefined) return
    const before = this.#value(node)
    switch (op[0]) {
      case 'set':
        if (!Object.is(before, op[2])) this.#put(node, parent, before, op[2])
        return
      case 'append':
        this.#append(node, parent, before, op[2], op[3])
        return
      case 'delete':
        if (holds(this.#container(parent), node.key)) this.#remove(node, parent, before)
        return
      case 'splice':
        if (Array.isArray(before)) this.#put(node, parent, before, spliced(before, op[2], op[3], op[4]))
    }
  }

  #put(node: Node, parent: Node, before: unknown, value: unknown): void {
    // Whatever holds a value is there.
    const made = before === undefined ? this.#topmostMissing(parent) : undefined
    const was = made && this.#value(made)
    const container = this.#own(parent)
    const place = this.#placeIn(container, parent, node)
    ;(container as Record<string, unknown>)[place.key] = value
    // Parents were created on the way, so the change is at the topmost of them.
    if (made) this.#changed(made, was, this.#value(made))
    else this.#changed(place, before, value)
  }

  /** The highest node, at or above this one, that has no container. */
  #topmostMissing(node: Node | undefined): Node | undefined {
    if (node === undefined || isContainer(this.#container(node))) return undefined
    return this.#topmostMissing(node.parent) ?? node
  }

  #append(node: Node, parent: Node, before: unknown, item: unknown, as: 'text' | 'list' | undefined): void {
    if (typeof before === 'string' && typeof item === 'string') {
      if (item !== '') this.#put(node, parent, before, before + item)
      return
    }
    if (!Array.isArray(before)) {
      this.#put(node, parent, before, typeof item === 'string' && as !== 'list' ? item : [item])
      return
    }
    const length = (this.#own(node) as unknown[]).push(item)
    const place = nodeBelow(node, length - 1)
    if (place) this.#changed(place, undefined, item)
    else this.#subscribers.touchAbove(node)
  }

  #remove(node: Node, parent: Node, before: unknown): void {
    const container = this.#container(parent)
    if (!Array.isArray(container)) {
      delete (this.#own(parent) as Record<string, unknown>)[node.key]
      this.#changed(node, before, undefined)
      return
    }
    const rest = spliced(container, node.key as number, 1, [])
    if (parent.parent) this.#put(parent, parent.parent, container, rest)
    else this.restore(rest)
  }

  /** A node has another value: nothing there or below is owned any more, and its listeners will be called. */
  #changed(node: Node, before: unknown, after: unknown): void {
    disown(node, ++this.#moment)
    this.#subscribers.touch(node, before, after)
  }

  #value(node: Node): unknown {
    if (late.count > 0) {
      const found = late.sight.peekLate(node, this.#current)
      if (!isLate(found)) return found
    }
    return node.parent ? childAt(this.#container(node.parent), node) : this.#current
  }

  /** The value at a node, found from the nearest owned container above it. */
  #container(node: Node): unknown {
    return isOwned(node) ? node.own : this.#value(node)
  }

  /** The container at a node, owned: it may be changed in place. */
  #own(node: Node): Container {
    if (isOwned(node)) return node.own as Container
    const { parent } = node
    const above = parent && this.#own(parent)
    const place = above ? this.#placeIn(above, parent, node) : node
    const found = above ? childAt(above, place) : this.#current
    const owned = copyOf(found)
    if (above) (above as Record<string, unknown>)[place.key] = owned
    else this.#current = owned
    place.own = owned
    place.moment = ++this.#moment
    return owned
  }

  /** The node itself, or, for a list of which it is no index, or past its end, the place behind the last item. */
  #placeIn(container: Container, parent: Node, node: Node): Node {
    const { key } = node
    if (!Array.isArray(container) || (typeof key === 'number' && key <= container.length)) return node
    return this.#nodes.named([...parent.keys, container.length])
  }

  #handOut(node: Node, value: unknown): unknown {
    if (isContainer(value)) {
      disown(node, ++this.#moment)
      if (development) freezeDeep(value)
    }
    return value
  }
}

function copyOf(value: unknown): Container {
  if (Array.isArray(value)) return value.slice()
  if (!isContainer(value)) return {}
  return late.count > 0 ? late.sight.copyUnread(value) : shallowCopy(value as Record<string, unknown>)
}

function spliced(
  list: readonly unknown[],
  index: number,
  deleteCount: number,
  items: readonly unknown[],
): unknown[] {
  const copy = list.slice()
  copy.splice(index, deleteCount, ...items)
  return copy
}

/** Whatever is frozen is frozen all the way down. An unread list is frozen when it is read. */
export function freezeDeep(value: Container): void {
  // The platform refuses to freeze a view of a buffer.
  if (Object.isFrozen(value) || ArrayBuffer.isView(value)) return
  // Inside another call, because one whose result nobody takes is dropped by a minifier (tsup.config.ts).
  for (const key of Object.keys(Object.freeze(value))) {
    const child =
      late.count > 0 && late.sight.lateAt(value, key) ? undefined : (value as Record<string, unknown>)[key]
    if (isContainer(child)) freezeDeep(child)
  }
}
