import type { Op } from './op'
import { Tree } from './tree'

/** What operations make of a state, on the side. */
export function applied(state: unknown, ops: readonly Op[]): unknown {
  const tree = new Tree(state)
  tree.apply(ops)
  return tree.root()
}
