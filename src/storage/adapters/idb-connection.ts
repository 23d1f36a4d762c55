import { promisifyRequest } from 'idb-keyval'
import { DogearError } from '../../errors'
import { StorageError } from '../../storage-errors'
import { beginNewLog, lossOf } from './leveldb'
import { presence } from './presence'
import type { Durability } from '../storage'
import { absence, storageError } from '../storage-error'

/** One IndexedDB database with one object store, opened when it is needed, and again when it was lost. */
export interface Connection<Store> {
  /**
   * All requests of the callback are one transaction, which lands whole, or not at all when the callback throws. Reads resolve
   * with what the callback returns, writes when they are durable. Rejects with the callback's DogearError, or a StorageError.
   */
  transact<T>(
    mode: 'readonly' | 'readwrite',
    durability: Durability,
    callback: (store: Store) => T | Promise<T>,
  ): Promise<T>
  /** Begins to open the database. Resolves, once, with an error to report when what was stored in it is gone. */
  connect(): Promise<Error | undefined>
  /** The page is left: aborts what is under way. That begins again when the page is back, like later calls. */
  leave(): void
  /** Closes the database after what is under way; a later call opens it again. */
  close(): void
}

const STORE = 'sessions'
/** Milliseconds until a database that could not be opened is tried again. */
const PAUSE = 300

/** `onLost` is called when the connection was taken away: the database may have been deleted. */
export function connection(name: string, onLost = (): void => {}): Connection<IDBObjectStore> {
  const own = doorTo(name, onLost)
  const running = new Set<IDBTransaction>()
  const page = presence()
  return {
    transact(mode, durability, callback) {
      let used: Promise<IDBDatabase> | undefined
      const once = async () => {
        used = own.connect()
        const tx = (await used).transaction(STORE, mode, { durability })
        running.add(tx)
        if (page.away) abort(tx)
        const result = await landed(tx, callback).finally(() => running.delete(tx))
        if (mode === 'readwrite' && !page.away) own.wrote()
        return result
      }
      const again = (error: unknown) => {
        if (page.away || !wasTaken(error)) throw error
        own.drop(used)
        return once()
      }
      return page.here(() => once().catch(again)).catch(failed)
    },
    connect: () => own.connect().then(own.loss, () => undefined),
    leave: () => (page.leave(), running.forEach(abort)),
    close: () => own.drop(),
  }
}

/** The database while it is open. */
interface Door {
  /** Opens the database if it is not open. */
  connect(): Promise<IDBDatabase>
  /** Closes the database. */
  drop(which?: Promise<IDBDatabase>): void
  /** Something has landed in the database. */
  wrote(): void
  /** What was lost when it was opened. Returned once. */
  loss(): Error | undefined
}

function doorTo(name: string, onLost: () => void): Door {
  let opening: Promise<IDBDatabase> | undefined
  let renewed = false
  let lost: Error | undefined
  const drop = (which = opening): void => {
    which?.then((db) => db.close()).catch(() => {})
    if (opening === which) opening = undefined
  }
  const connect = (): Promise<IDBDatabase> => {
    const own = (opening ??= open(name, (error) => (lost = error)).then(
      (db) => {
        renewed = false
        // Another tab deletes the database: unless we close it, that request and every later open would hang.
        db.onclose = db.onversionchange = () => {
          drop(own)
          onLost()
        }
        return db
      },
      (cause) => {
        // A failed opening is not kept.
        drop(own)
        return absent(cause)
      },
    ))
    return own
  }
  return {
    connect,
    drop,
    wrote() {
      if (!renewed) beginNewLog(name)
      renewed = true
    },
    loss() {
      const told = lost
      lost = undefined
      return told
    },
  }
}

/** Runs the callback in the transaction and waits for the end of that, one way or the other. */
async function landed<T>(
  tx: IDBTransaction,
  callback: (store: IDBObjectStore) => T | Promise<T>,
): Promise<T> {
  // Only these two events count: a full disk may fail a transaction whose requests have all succeeded.
  const complete = new Promise<boolean>((resolve) => {
    tx.oncomplete = () => resolve(true)
    tx.onabort = () => resolve(false)
  })
  let result: T
  try {
    result = await callback(tx.objectStore(STORE))
    if (tx.mode === 'readonly') return result
    // Otherwise the browser waits for a turn of the event loop to see that nothing more is coming.
    tx.commit?.()
  } catch (error) {
    abort(tx)
    await complete
    throw error instanceof DogearError ? error : (tx.error ?? error)
  }
  if (await complete) return result
  throw tx.error
}

/**
 * Whether a transaction failed because the browser has taken its connection away: silently, as Safari does and a browser that
 * cleans up, so that none can begin; or with an abort of what is under way. Nothing has landed then. What is begun on that
 * connection before its `close` event never ends.
 */
function wasTaken(error: unknown): boolean {
  return /^(Abort|InvalidState|Unknown)Error$/.test((error as Error | null)?.name ?? '')
}

function failed(error: unknown): never {
  throw storageError(error)
}

/** A browser that opens no database has no storage: a private window, a setting, damaged files. */
function absent(cause: unknown): never {
  throw absence(storageError(cause))
}

/**
 * The first database that can be used. One that lacks our store belongs to somebody else and stays untouched. An
 * UnknownError at opening, twice, means damaged files: Firefox and Safari keep databases apart, so the next name
 * works. Everything else (a full disk, no permission) would be the same under another name. An AbortError is tried once
 * more, because a browser that clears the site's data aborts what is opened meanwhile.
 */
async function open(name: string, onLoss: (error: Error | undefined) => void): Promise<IDBDatabase> {
  if (typeof indexedDB === 'undefined') throw new StorageError('there is no IndexedDB here')
  let failure: unknown = new StorageError(`the databases "${name}" to "${name}-3" belong to somebody else`)
  for (const [at, suffix] of ['', '', '-2', '-2', '-3', '-3'].entries()) {
    try {
      // Without a version: the newest there is, or a new database. So there is never an upgrade to be blocked.
      const request = indexedDB.open(name + suffix)
      request.onupgradeneeded = (event) => {
        request.result.createObjectStore(STORE)
        onLoss(lossOf(event, name + suffix))
      }
      const db = await promisifyRequest(request)
      if (db.objectStoreNames.contains(STORE)) return db
      db.close()
    } catch (error) {
      const { name: kind } = error as Error
      const isAgain = (failure as Error).name === 'AbortError'
      if (isAgain || (kind !== 'UnknownError' && (kind !== 'AbortError' || at > 0))) throw error
      // A browser that was killed a moment ago may still hold the files; another name would look like an empty storage.
      if (at === 0) await new Promise((resolve) => setTimeout(resolve, PAUSE))
      failure = error
    }
  }
  throw failure
}

function abort(tx: IDBTransaction): void {
  try {
    tx.abort()
  } catch {
    // The transaction is over already.
  }
}
