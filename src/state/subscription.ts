import { checkArgument } from './argument'
import type { Node } from './node'

export type Listener = () => void

/** One listener at one node; the same function may come twice, and leaves once for each time. */
export interface Subscription {
  readonly node: Node
  /** `undefined` once it has left: a notification that is under way skips it. */
  listener: Listener | undefined
}

/** Returns a function that ends the subscription. */
export function subscribe(node: Node, listener: Listener): () => void {
  checkArgument('subscribe()', listener, 'function')
  const subscription: Subscription = { node, listener }
  const { listeners } = node
  if (!listeners) node.listeners = subscription
  else if (listeners instanceof Set) listeners.add(subscription)
  else node.listeners = new Set([listeners, subscription])
  // Bound, not closed over: half the memory, once for every component.
  return end.bind(subscription)
}

function end(this: Subscription): void {
  const { node } = this
  this.listener = undefined
  if (node.listeners instanceof Set) node.listeners.delete(this)
  else if (node.listeners === this) node.listeners = undefined
}
