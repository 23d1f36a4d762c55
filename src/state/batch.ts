import type { Node } from './node'
import type { Op } from './op'
import { ROOT, type Path } from './path'
import { Tree } from './tree'
import type { View } from './view'

/**
 * The writes of an open batch, and the state as it is with them. Most batches never look at what they have written: only
 * one that does gets a tree of its own, with all its writes applied.
 */
export class Batch implements View {
  readonly ops: Op[] = []
  readonly #tree: Tree
  /** The texts of the written paths, and of all above them. */
  readonly #written = new Set<string>()
  readonly #above = new Set<string>()
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

  put(ops: readonly Op[]): void {
    for (const op of ops) {
      this.ops.push(op)
      if (!this.#aside) this.#note(this.#tree.named(op[0] === 'replace' ? '' : op[1]))
    }
    this.#aside?.apply(ops)
  }

  #note({ text, parent }: Node): void {
    this.#written.add(text)
    for (let above = parent; above && !this.#above.has(above.text); above = above.parent)
      this.#above.add(above.text)
  }

  #viewOf(path: Path): View {
    if (!this.#aside && this.#concerns(this.#tree.named(path.id))) {
      this.#aside = new Tree(this.#tree.root())
      this.#aside.apply(this.ops)
    }
    return this.#aside ?? this.#tree
  }

  /** Whether something at, above or below a node was written. */
  #concerns(node: Node): boolean {
    if (this.#above.has(node.text)) return true
    for (let at: Node | undefined = node; at; at = at.parent) if (this.#written.has(at.text)) return true
    return false
  }
}
