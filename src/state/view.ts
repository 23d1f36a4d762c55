import { listIndex, type Path } from './path'

export type Container = Record<string, unknown> | unknown[]

/** A state to look at: the live tree, or the state at an earlier moment. */
export interface View {
  /** The value at a path, immutable from then on; `undefined` when there is none. */
  read(path: Path): unknown
  has(path: Path): boolean
  root(): unknown
  /** The value at a path, only to look at: nothing of it may be kept, because the next write may change it in place. */
  peek(path: Path): unknown
}

/** The state before a write, by which the write is checked. */
export type Current = Pick<View, 'peek' | 'read'>

/** The same for a state that no longer changes. */
export function currentOf(root: unknown): Current {
  const read = (path: Path): unknown => valueAt(root, path.keys)
  return { peek: read, read }
}

/** What a container holds under a key: own keys and list indices, nothing inherited. Bytes are one value. */
export function at(container: unknown, key: string | number): unknown {
  if (!isContainer(container)) return undefined
  if (Array.isArray(container)) return container[typeof key === 'number' ? key : listIndex(key)]
  // Asked of every container, it would make a read take a third longer.
  if (typeof key === 'number' && ArrayBuffer.isView(container)) return undefined
  return Object.hasOwn(container, key) ? container[key] : undefined
}

/** Whether it holds anything under a key. */
export function holds(container: unknown, key: string | number): boolean {
  if (!isContainer(container) || ArrayBuffer.isView(container)) return false
  if (!Array.isArray(container)) return Object.hasOwn(container, key)
  const index = typeof key === 'number' ? key : listIndex(key)
  return index >= 0 && index < container.length
}

export function valueAt(root: unknown, keys: readonly string[]): unknown {
  let value = root
  for (const key of keys) value = ArrayBuffer.isView(value) ? undefined : at(value, key)
  return value
}

export function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null
}

/** An object of so many keys or more is copied key by key. */
const WIDE = 200

/** A copy of an object, with the same values in it. */
export function shallowCopy(from: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const keys = Object.keys(from)
  if (keys.length < WIDE) return { ...from }
  // Into one without a prototype. Otherwise it grows through one hidden class after the other, two to three times as slow.
  const copy = Object.create(null) as Record<string, unknown>
  for (const key of keys) copy[key] = from[key]
  return Object.setPrototypeOf(copy, Object.prototype) as Record<string, unknown>
}
