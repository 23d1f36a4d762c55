import type { Mark, Node } from './node'
import type { Op } from './op'
import { ROOT, type Path } from './path'
import { Tree } from './tree'
import type { View } from './view'

/**
 * The writes of an open batch, and the state with them. Most batches never read what they have written; only one that does
 * gets a tree of its own, with all its writes applied.
 */
export class Batch implements View, Mark {
  isOpen = true
  /** Marks a node below which something was written. */
  readonly #below: Mark = { isOpen: true }
  #ops: Op[] = []
  readonly #tree: Tree
  #aside: Tree | undefined

  constructor(tree: Tree) {
    this.#tree = tree
  }

  read(path: Path): unknown {
    return this.#viewOf(path).read(path)
  }

  has(path: Path): boolean {
    return this.#viewOf(path).has(path)
  }

  root(): unknown {
    return this.#viewOf(ROOT).root()
  }

  peek(path: Path): unknown {
    return this.#viewOf(path).peek(path)
  }

  /** A batch inside this one ends with it. If it throws, its own writes are taken out again. */
  within<R>(run: () => R): R {
    const { length } = this.#ops
    try {
      return run()
    } catch (error) {
      this.#ops.length = length
      this.#aside = undefined
      throw error
    }
  }

  /** Ends the batch. The nodes that it has marked keep nothing of it alive. */
  end(): readonly Op[] {
    const ops = this.#ops
    this.#ops = []
    this.#aside = undefined
    this.isOpen = this.#below.isOpen = false
    return ops
  }

  put(ops: readonly Op[]): void {
    for (const op of ops) this.add(op)
  }

  add(op: Op): void {
    this.#ops.push(op)
    this.#mark(op)
    this.#aside?.apply([op])
  }

  #mark(op: Op): void {
    const node = this.#tree.named(op[0] === 'replace' ? '' : op[1])
    const { parent } = node
    // Taking an item out of a list moves the items behind it.
    const written = (op[0] === 'delete' && parent) || node
    written.batch = this
    for (let at = written.parent; at && !this.#knows(at); at = at.parent) at.batch = this.#below
  }

  #knows({ batch }: Node): boolean {
    return batch === this || batch === this.#below
  }

  #viewOf(path: Path): View {
    if (!this.#aside && this.#ops.length > 0 && this.#concerns(this.#tree.nodeOf(path))) {
      this.#aside = new Tree(this.#tree.root())
      this.#aside.apply(this.#ops)
    }
    return this.#aside ?? this.#tree
  }

  /** Whether something at, above or below a node was written. */
  #concerns(node: Node): boolean {
    let at: Node | undefined = node
    if (this.#knows(at)) return true
    while ((at = at.parent)) if (at.batch === this) return true
    return false
  }
}
