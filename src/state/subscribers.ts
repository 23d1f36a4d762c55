import { childAt, untouched, type Node } from './node'
import type { Subscription } from './subscription'

const deep = Symbol('deep')
type Report = (error: unknown) => void

/**
 * Who hears of which change. A write walks up from its own node and down into what it replaced. So it costs its depth and the
 * listeners that are called, never all listeners.
 */
export class Subscribers {
  /** Not an empty list: mostly it is one node, and a push to an empty list makes room for sixteen more. */
  #touched: Node[] | undefined
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
    for (let child = node.first; child; child = child.next)
      this.#compare(child, childAt(before, child), childAt(after, child))
  }

  #mark(node: Node, before: unknown): void {
    // The first value stays, because it is what the listener last saw.
    if (node.listeners === undefined || node.before !== untouched) return
    if (this.#touched) this.#touched.push(node)
    else this.#touched = [node]
    node.before = before
  }

  /** Calls the listeners whose value changed since the last pass. What they write comes in a later pass. */
  flush(): void {
    if (this.#passing) return
    this.#passing = true
    try {
      for (let pass = this.#touched; pass; pass = this.#touched) {
        this.#touched = undefined
        for (const node of pass) this.#tell(node)
      }
    } finally {
      this.#passing = false
    }
  }

  #tell(node: Node): void {
    const { before, listeners } = node
    node.before = untouched
    if (listeners === undefined || (before !== deep && Object.is(before, this.#read(node)))) return
    // A copy: a listener that comes meanwhile hears of the next write.
    if (listeners instanceof Set) for (const it of [...listeners]) this.#call(it)
    else this.#call(listeners)
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
