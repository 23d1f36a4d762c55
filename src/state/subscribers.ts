import { nodesBelow } from './below'
import { askedOf, childAt, isHeard, Node, untouched } from './node'
import type { Subscription } from './subscription'

const deep = Symbol('deep')
type Report = (error: unknown) => void

/**
 * Who hears of which change. A write walks up from its own node and down into what it replaced. So it costs its depth and the
 * listeners that are called, never all listeners.
 */
export class Subscribers {
  /** Mostly it is one node, which needs no list. */
  #touched: Node | Node[] | undefined
  #passing = false
  readonly #read: (node: Node) => unknown
  readonly #report: Report

  /** `read` finds what stands at a node now. */
  constructor(read: (node: Node) => unknown, report: Report = reportLater) {
    this.#read = read
    this.#report = report
  }

  get pending(): boolean {
    return this.#touched !== undefined
  }

  /** Something below a node has changed. */
  touchAbove(node: Node | undefined): void {
    if (node === undefined) return
    this.touchAbove(node.parent)
    this.#mark(node, deep)
  }

  /** The value at a node was `before` and is `after` now; both may be containers. */
  touch(node: Node, before: unknown, after: unknown): void {
    this.touchAbove(node.parent)
    this.#compare(node, before, after)
  }

  /** Touches all nodes at and below a node whose value differs. The same object is the same all the way down. */
  #compare(node: Node, before: unknown, after: unknown): void {
    if (Object.is(before, after)) return
    this.#mark(node, before)
    if (!node.below) return
    for (const child of nodesBelow(node)) this.#compare(child, childAt(before, child), childAt(after, child))
  }

  #mark(node: Node, before: unknown): void {
    // The first value stays, because it is what the listener last saw.
    const { asked } = node
    if (!asked || asked.before !== untouched || !isHeard(node)) return
    asked.before = before
    if (this.#touched === undefined) this.#touched = node
    else if (this.#touched instanceof Node) this.#touched = [this.#touched, node]
    else this.#touched.push(node)
  }

  /** Calls the listeners whose value changed since the last pass. What they write comes in a later pass. */
  flush(): void {
    if (this.#passing) return
    this.#passing = true
    try {
      for (let pass = this.#touched; pass; pass = this.#touched) {
        this.#touched = undefined
        if (pass instanceof Node) this.#tell(pass)
        else for (const node of pass) this.#tell(node)
      }
    } finally {
      this.#passing = false
    }
  }

  #tell(node: Node): void {
    const asked = askedOf(node)
    const { before, others } = asked
    asked.before = untouched
    if (!isHeard(node) || (before !== deep && Object.is(before, this.#read(node)))) return
    // A copy: a listener that comes meanwhile hears of the next write.
    const rest = others && [...others]
    this.#call(asked)
    if (rest) for (const it of rest) this.#call(it)
  }

  #call(subscription: Subscription): void {
    try {
      subscription.listener?.()
    } catch (error) {
      this.#report(error)
    }
  }
}

declare const reportError: ((error: unknown) => void) | undefined

/** Nobody can catch an error of a listener, so it surfaces as the platform shows such errors. */
export function reportLater(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else
    queueMicrotask(() => {
      throw error
    })
}
