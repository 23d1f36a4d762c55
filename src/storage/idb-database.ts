import type { UseStore } from 'idb-keyval'
import { promisifyRequest } from 'idb-keyval'
import { StorageError } from '../errors'
import type { Durability } from './storage'

/** The one object store of each of our databases. */
export const STORE = 'sessions'
/** How many names are tried: `dogear`, `dogear-2`, `dogear-3`. */
const NAMES = 3

/** Starts a transaction, on a database that is opened when needed and opened again when it was lost. */
export interface Database<Transaction> {
  begin(mode: Parameters<UseStore>[0], durability: Durability): Promise<Transaction>
  /** Closes the database after what is under way. */
  close(): void
}

export function database(name: string): Database<IDBTransaction> {
  let opening: Promise<IDBDatabase> | undefined
  const forget = (): void => {
    opening = undefined
  }
  const opened = (): Promise<IDBDatabase> => {
    opening ??= open(name).then((db) => {
      db.onclose = forget
      // Another tab deletes the database: without this its request, and every later open, would hang.
      db.onversionchange = () => {
        db.close()
        forget()
      }
      return db
    })
    // A failed open is not kept: the next call may fare better.
    opening.catch(forget)
    return opening
  }
  return {
    async begin(mode, durability) {
      try {
        return (await opened()).transaction(STORE, mode, { durability })
      } catch (error) {
        // Safari, and a browser that cleans up, close connections without a word.
        if (nameOf(error) !== 'InvalidStateError') throw error
        forget()
        return (await opened()).transaction(STORE, mode, { durability })
      }
    },
    close() {
      opening?.then((db) => db.close()).catch(forget)
      forget()
    },
  }
}

/** The `name` of a DOMException. */
export function nameOf(error: unknown): string | undefined {
  return (error as { name?: string } | null)?.name
}

/**
 * The first database that can be used. One that lacks our store belongs to somebody else and stays untouched. An
 * UnknownError at opening, twice, means damaged files: Firefox and Safari keep databases apart, so the next name
 * works. Everything else (a full disk, no permission) would be the same under another name.
 */
async function open(name: string): Promise<IDBDatabase> {
  if (typeof indexedDB === 'undefined') throw new StorageError('there is no IndexedDB here')
  let failure: unknown = new StorageError(
    `the databases "${name}" to "${name}-${NAMES}" belong to somebody else`,
  )
  for (let n = 1; n <= NAMES; n++) {
    try {
      const db = await openTwice(n === 1 ? name : `${name}-${n}`)
      if (db.objectStoreNames.contains(STORE)) return db
      db.close()
    } catch (error) {
      if (nameOf(error) !== 'UnknownError') throw error
      failure = error
    }
  }
  throw failure
}

function openTwice(name: string): Promise<IDBDatabase> {
  return openOnce(name).catch((error: unknown) => {
    if (nameOf(error) !== 'UnknownError') throw error
    return openOnce(name)
  })
}

function openOnce(name: string): Promise<IDBDatabase> {
  // Without a version: the newest there is, or a new database. So there is never an upgrade to be blocked.
  const request = indexedDB.open(name)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE)
  return promisifyRequest(request)
}
