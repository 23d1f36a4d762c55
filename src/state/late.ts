import { isContainer } from './view'

/**
 * A getter that stands where a large list belongs whose items were not read yet. Reading the list reads all of them, for
 * good; `item` reads no more than it must.
 */
export interface Late {
  (): unknown
  readonly item: (index: string | number) => unknown
}

/** How many there are that nobody has read: mostly none, and nobody has to look. */
export const late = { count: 0 }

/** The list that was not read yet at a key of a container. */
export function lateAt(container: unknown, key: string | number): Late | undefined {
  const getter = isContainer(container) ? Object.getOwnPropertyDescriptor(container, key)?.get : undefined
  return getter && 'item' in getter ? (getter as Late) : undefined
}

/** Whether what was found is a list that was not read yet: a state holds no functions. */
export function isLate(found: unknown): found is Late {
  return typeof found === 'function'
}

/** A copy of an object that leaves unread what is. */
export function copyUnread(from: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, it] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
    if (it.get) Object.defineProperty(copy, key, { ...it, configurable: true })
    else if (it.enumerable) copy[key] = it.value
  }
  return copy
}
