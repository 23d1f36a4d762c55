/** Something that changes, and that a component can show. */
export interface Source<T> {
  readonly subscribe: (listener: () => void) => () => void
  /** The same value until it has changed. */
  readonly get: () => T
}

/**
 * The only door to React's subscriptions: `subscribe`, `get`, and what a server renders, which is also the first render
 * after it.
 */
export { useSyncExternalStore as useSnapshot } from 'use-sync-external-store/shim'

/** Subscribes to a value that never changes. */
export function toNothing(): () => void {
  return () => {}
}
