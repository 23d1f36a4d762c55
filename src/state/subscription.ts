import { checkArgument } from './argument'
import { Asked, askedOf, isHeard, type Node } from './node'

export type Listener = () => void

/** One more listener at a node that has one; the same function may come twice, and leaves once for each time. */
export interface Subscription {
  /** `undefined` once it has left: a notification that is under way skips it. */
  listener: Listener | null | undefined
  readonly among?: Set<Subscription>
}

/** Returns a function that ends the subscription. */
export function subscribe(node: Node, listener: Listener): () => void {
  checkArgument('subscribe()', listener, 'function')
  const asked = askedOf(node)
  let subscription: Subscription = asked
  if (isHeard(node)) {
    const among = (asked.others ??= new Set())
    among.add((subscription = { listener, among }))
  } else {
    // Mostly there is one, for which nothing is made. It may end twice, so nobody uses what it leaves.
    if (asked.listener === undefined) subscription = node.asked = Object.assign(new Asked(), asked)
    subscription.listener = listener
  }
  // Bound, not closed over: half the memory, once for every component.
  return end.bind(subscription)
}

function end(this: Subscription): void {
  this.listener = undefined
  this.among?.delete(this)
}
