import type { Keys } from '../state/path-types'
import { handleOf, type StateStore } from '../state/store'
import type { Source } from './snapshot'

/** What components need of one path of a store: the same object for all of them. */
export interface Cell extends Source<unknown> {
  readonly set: (next: unknown) => void
}

const cells = new WeakMap<object, Cell>()

export function cellOf(store: StateStore<unknown>, path: string | Keys): Cell {
  const handle = handleOf(store, path)
  let cell = cells.get(handle)
  if (cell === undefined) {
    cell = { subscribe: handle.subscribe, get: handle.get, set: (next) => store.set(path, next) }
    cells.set(handle, cell)
  }
  return cell
}
