import { useSyncExternalStore } from 'use-sync-external-store/shim'

/** Something that changes, and that a component can show. */
export interface Source<T> {
  readonly subscribe: (listener: () => void) => () => void
  /** The same value until it has changed. */
  readonly get: () => T
}

/** The only door to React's subscriptions. `initial` is what a server renders, and the first render after it. */
export function useSnapshot<T>({ subscribe, get }: Source<T>, initial: () => T): T {
  return useSyncExternalStore(subscribe, get, initial)
}
