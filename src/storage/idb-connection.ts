import type { UseStore } from 'idb-keyval'
import { DogearError, StorageError } from '../errors'
import { database, nameOf, STORE } from './idb-database'
import type { Durability } from './storage'

/** One IndexedDB database with one object store. */
export interface Connection {
  /**
   * As idb-keyval's functions take it. All requests of the callback are one transaction: it lands whole, or not
   * at all when the callback throws. Reads resolve with what the callback answers, writes once they are durable.
   * Rejects with the callback's DogearError, or a StorageError.
   */
  store(durability: Durability): UseStore
  /** Takes back every transaction that has not landed yet. */
  abort(): void
  /** Closes the database after what is under way; a later call opens it again. */
  close(): void
}

export function connection(name: string): Connection {
  const { begin, close } = database(name)
  const live = new Set<IDBTransaction>()
  return {
    store: (durability) => async (mode, callback) => {
      try {
        const tx = await begin(mode, durability)
        live.add(tx)
        return await landed(tx, mode, callback).finally(() => live.delete(tx))
      } catch (error) {
        if (error instanceof DogearError) throw error
        throw new StorageError(`IndexedDB "${name}": ${reason(error)}`, { cause: error })
      }
    },
    abort() {
      for (const tx of live) abort(tx)
    },
    close,
  }
}

/** Runs the callback in the transaction and waits until that has come to its end, one way or the other. */
async function landed<T>(
  tx: IDBTransaction,
  mode: IDBTransactionMode,
  callback: (store: IDBObjectStore) => T | PromiseLike<T>,
): Promise<T> {
  // Only these two events count: a full disk may fail a transaction whose requests have all succeeded.
  const end = new Promise<'complete' | 'abort'>((resolve) => {
    tx.oncomplete = () => resolve('complete')
    tx.onabort = () => resolve('abort')
  })
  let result: T
  try {
    result = await callback(tx.objectStore(STORE))
    if (mode === 'readonly') return result
    // Otherwise the browser waits for a turn of the event loop to see that nothing more is coming.
    tx.commit?.()
  } catch (error) {
    abort(tx)
    await end
    throw error instanceof DogearError ? error : (tx.error ?? error)
  }
  if ((await end) === 'abort') throw tx.error
  return result
}

function abort(tx: IDBTransaction): void {
  try {
    tx.abort()
  } catch {
    // It has come to its end already.
  }
}

function reason(error: unknown): string {
  if (nameOf(error) === 'QuotaExceededError') return 'the storage is full'
  if (error instanceof Error) return `${error.name}: ${error.message}`
  return 'the browser aborted the transaction and gave no reason; a full disk, or it was about to end'
}
