import { childAt, isOwned, type Node } from './node'
import { isContainer } from './view'

/**
 * A getter in place of a large list whose items were not read yet. Reading the list reads all of them, for good; `item` reads
 * no more than it must.
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

/** How many unread lists there are, mostly none. While there are any, `sight` is there. */
export const late = { count: 0 } as { count: number; sight: Sight }

/** Call it before there is an unread list, or several that are read together. Whoever has read them counts down. */
export function expectLate(): void {
  late.sight ??= { lateAt, peekLate, copyUnread }
  late.count++
}

/** The list that was not read yet at a key of a container. */
function lateAt(container: unknown, key: string | number): Late | undefined {
  const getter = isContainer(container) ? Object.getOwnPropertyDescriptor(container, key)?.get : undefined
  return getter && 'item' in getter ? (getter as Late) : undefined
}

/** Whether what was found is an unread list. A state holds no functions otherwise. */
export function isLate(found: unknown): found is Late {
  return typeof found === 'function'
}

/** The value at a node, reading at most one item of an unread list; the list itself stays unread. */
function peekLate(node: Node, root: unknown): unknown {
  if (isOwned(node)) return node.own
  if (node.parent === undefined) return root
  const above = peekLate(node.parent, root)
  return isLate(above) ? above.item(node.key) : (lateAt(above, node.key) ?? childAt(above, node))
}

/** A copy of an object in which unread lists stay unread. */
function copyUnread(from: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, it] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
    if (it.get) Object.defineProperty(copy, key, { ...it, configurable: true })
    else if (it.enumerable) copy[key] = it.value
  }
  return copy
}
