import { StorageError } from '../errors'

/** A write as `failAt` and `crashAt` see it: `discard` and `clear` count as `delete`. */
export interface WriteOperation {
  readonly kind: 'append' | 'compact' | 'delete'
  /** The session; of `clear` the prefix. */
  readonly id: string
}

/** Picks writes: by number, from 1 (appends, compactions and deletes count), or by a predicate. */
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

/** The door of a storage that calls pass through: let in, refused, or swallowed for ever. */
export interface Door {
  readonly act: <T>(fn: () => T) => Promise<T>
  readonly write: (kind: WriteOperation['kind'], id: string, fn: () => void) => Promise<void>
  readonly crash: () => void
}

export function door({ failAt, crashAt }: Trouble): Door {
  let writes = 0
  let crashed = false
  const act = <T>(fn: () => T): Promise<T> =>
    // A call that was made before the crash does not answer after it either.
    new Promise((resolve, reject) => {
      if (crashed) return
      try {
        const result = fn()
        queueMicrotask(() => crashed || resolve(result))
      } catch (error) {
        queueMicrotask(() => crashed || reject(error))
      }
    })
  return {
    act,
    write(kind, id, fn) {
      const operation: WriteOperation = { kind, id }
      const n = ++writes
      crashed ||= picks(crashAt, n, operation)
      return act(() => {
        if (picks(failAt, n, operation))
          throw new StorageError(`${kind} of "${id}" failed, as failAt wants it`)
        fn()
      })
    },
    crash() {
      crashed = true
    },
  }
}

function picks(pick: WritePick | undefined, n: number, operation: WriteOperation): boolean {
  return typeof pick === 'function' ? pick(n, operation) : pick === n
}
