import { listIndex, type Path } from './path'

/** A state to look at: the live tree, or the state at an earlier moment. */
export interface View {
  /** The value at a path, immutable from then on; `undefined` when there is none. */
  read(path: Path): unknown
  has(path: Path): boolean
  root(): unknown
  /** The root to look at in passing: nothing of it may be kept, the next write may change it in place. */
  peek(): unknown
}

/** The view of a state that does not change any more. */
export function viewOf(root: unknown): View {
  return {
    read: (path) => valueAt(root, path.keys),
    has: (path) => hasAt(root, path.keys),
    root: () => root,
    peek: () => root,
  }
}

/** What a container holds under a key: own keys and list indices, nothing inherited. */
export function at(container: unknown, key: string): unknown {
  if (typeof container !== 'object' || container === null) return undefined
  if (Array.isArray(container)) return (container as unknown[])[listIndex(key)]
  return Object.hasOwn(container, key) ? (container as Record<string, unknown>)[key] : undefined
}

export function valueAt(root: unknown, keys: readonly string[]): unknown {
  let value = root
  for (const key of keys) value = at(value, key)
  return value
}

export function hasAt(root: unknown, keys: readonly string[]): boolean {
  let value = root
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return false
    const there = Array.isArray(value)
      ? listIndex(key) >= 0 && listIndex(key) < value.length
      : Object.hasOwn(value, key)
    if (!there) return false
    value = at(value, key)
  }
  return true
}

export function isContainer(value: unknown): value is Record<string, unknown> | unknown[] {
  return typeof value === 'object' && value !== null
}
