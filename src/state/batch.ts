import type { Node } from './node'
import type { Op } from './op'
import { ROOT, type Path } from './path'
import { Tree } from './tree'
import { isContainer, type View } from './view'

/**
 * The writes of an open batch, and the state as it is with them. Most batches never look at what they have written: only
 * one that does gets a tree of its own, with all its writes applied.
 */
export class Batch implements View {
  /** While it is, the nodes that it has marked as written are kept. */
  isOpen = true
  #ops: Op[] = []
  readonly #tree: Tree
  /** The texts of all paths above those of the first `#seen` writes: looked at by few batches, so made when it is. */
  readonly #above = new Set<string>()
  #seen = 0
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

  /** Ends the batch. The nodes that it has marked keep nothing of it alive. */
  end(): readonly Op[] {
    const ops = this.#ops
    this.#ops = []
    this.#aside = undefined
    this.isOpen = false
    return ops
  }

  put(ops: readonly Op[]): void {
    for (const op of ops) {
      this.#ops.push(op)
      if (!this.#aside) this.#nodeOf(op).batch = this
    }
    this.#aside?.apply(ops)
  }

  #nodeOf(op: Op): Node {
    return this.#tree.named(op[0] === 'replace' ? '' : op[1])
  }

  #viewOf(path: Path): View {
    if (!this.#aside && this.#ops.length > 0 && this.#concerns(this.#tree.named(path.id))) {
      this.#aside = new Tree(this.#tree.root())
      this.#aside.apply(this.#ops)
    }
    return this.#aside ?? this.#tree
  }

  /** Whether something at, above or below a node was written. */
  #concerns(node: Node): boolean {
    for (let at: Node | undefined = node; at; at = at.parent) if (at.batch === this) return true
    // Below a text or a number nothing is written before something else stands there.
    const value = this.#tree.peek(node)
    return (value === undefined || isContainer(value)) && this.#isAbove(node.text)
  }

  #isAbove(text: string): boolean {
    for (; this.#seen < this.#ops.length; this.#seen++) {
      const { parent } = this.#nodeOf(this.#ops[this.#seen] as Op)
      for (let at = parent; at && !this.#above.has(at.text); at = at.parent) this.#above.add(at.text)
    }
    return this.#above.has(text)
  }
}
