import type { Node } from './node'

export type Listener = () => void

/** One listener at one node; the same function may come twice, and leaves once for each time. */
export class Subscription {
  readonly node: Node
  /** Nobody's from when it has left: a notification that is under way passes it over. */
  listener: Listener | undefined

  constructor(node: Node, listener: Listener) {
    this.node = node
    this.listener = listener
    const { listeners } = node
    if (listeners === undefined) node.listeners = this
    else if (listeners instanceof Set) listeners.add(this)
    else node.listeners = new Set([listeners, this])
  }

  end(): void {
    const { node } = this
    this.listener = undefined
    if (node.listeners instanceof Set) node.listeners.delete(this)
    else if (node.listeners === this) node.listeners = undefined
  }
}
