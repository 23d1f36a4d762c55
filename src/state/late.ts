import { childAt, isOwned, type Node } from './node'
import { isContainer } from './view'

/**
 * A getter that stands where a large list belongs whose items were not read yet. Reading the list reads all of them, for
 * good; `item` reads no more than it must.
 */
export interface Late {
  (): unknown
  readonly item: (index: string | number) => unknown
}

/** What a tree must know of such lists. It comes with the first of them: a store that reads none does not contain it. */
export interface Sight {
  readonly lateAt: typeof lateAt
  readonly peekLate: typeof peekLate
  readonly copyUnread: typeof copyUnread
}

/** How many there are that nobody has read, mostly none; while there are, `sight` is there. */
export const late = { count: 0 } as { count: number; sight: Sight }

/** To be called before there is one, or some that are read together; who has read them counts down. */
export function expectLate(): void {
  late.sight ??= { lateAt, peekLate, copyUnread }
  late.count++
}

/** The list that was not read yet at a key of a container. */
function lateAt(container: unknown, key: string | number): Late | undefined {
  const getter = isContainer(container) ? Object.getOwnPropertyDescriptor(container, key)?.get : undefined
  return getter && 'item' in getter ? (getter as Late) : undefined
}

/** Whether what was found is a list that was not read yet: a state holds no functions. */
export function isLate(found: unknown): found is Late {
  return typeof found === 'function'
}

/** What stands at a node, reading of a list that nobody has read no more than one item; the list itself stays unread. */
function peekLate(node: Node, root: unknown): unknown {
  if (isOwned(node)) return node.own
  if (node.parent === undefined) return root
  const above = peekLate(node.parent, root)
  return isLate(above) ? above.item(node.key) : (lateAt(above, node.key) ?? childAt(above, node))
}

/** A copy of an object that leaves unread what is. */
function copyUnread(from: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, it] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
    if (it.get) Object.defineProperty(copy, key, { ...it, configurable: true })
    else if (it.enumerable) copy[key] = it.value
  }
  return copy
}
