import { StorageError } from '../errors'
import type { SessionStorage } from './storage'

/** A write as `failAt` and `crashAt` see it: `discard` and `clear` count as `delete`. */
export interface WriteOperation {
  readonly kind: 'append' | 'compact' | 'delete'
  /** The session; of `clear` the prefix. */
  readonly id: string
}

/** Picks writes: by number, from 1 (appends, compactions and deletions count), or by a predicate. */
export type WritePick = number | ((n: number, operation: WriteOperation) => boolean)

/** Trouble on demand. By default there is none. */
export interface Trouble {
  /** These writes reject with a StorageError and change nothing. */
  readonly failAt?: WritePick
  /**
   * The page dies right before this write: neither it nor anything later lands, and no call settles any more,
   * reads included. `restart()` is the next page.
   */
  readonly crashAt?: WritePick
}

/** The storage, with the trouble that was asked for. `die` must see to it that nothing settles any more. */
export function troubled<
  S extends Pick<SessionStorage, 'append' | 'compact' | 'delete' | 'discard' | 'clear'>,
>(storage: S, { failAt, crashAt }: Trouble, die: () => void): S {
  let writes = 0
  const write = async (
    kind: WriteOperation['kind'],
    id: string,
    call: () => Promise<void>,
  ): Promise<void> => {
    const n = ++writes
    const picks = (pick?: WritePick): boolean =>
      typeof pick === 'function' ? pick(n, { kind, id }) : pick === n
    if (picks(crashAt)) die()
    else if (picks(failAt)) throw new StorageError(`${kind} of "${id}" failed, as failAt wants it`)
    return call()
  }
  return {
    ...storage,
    append: (id, ...rest) => write('append', id, () => storage.append(id, ...rest)),
    compact: (id, ...rest) => write('compact', id, () => storage.compact(id, ...rest)),
    delete: (id) => write('delete', id, () => storage.delete(id)),
    discard: (id) => write('delete', id, () => storage.discard(id)),
    clear: (prefix = '') => write('delete', prefix, () => storage.clear(prefix)),
  }
}
