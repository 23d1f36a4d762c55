import { StorageError } from '../../storage-errors'

/**
 * Chromium keeps IndexedDB in LevelDB, and LevelDB goes on in the log it finds. A browser that is killed in the middle of a
 * record leaves half of it there, and the next record is then read as the rest of it. So at the opening after the next one the
 * log counts as corrupt, and Chromium deletes all databases of the site. One kill, and a visit that ended as usual, cost
 * everything that was saved (https://github.com/google/leveldb/issues/1287, decision 19).
 *
 * When a database is deleted, LevelDB moves what its log holds to a table and begins another log.
 */
export function beginNewLog(name: string): void {
  if (!hasLevelDB()) return
  const request = indexedDB.open(`${name}-log`)
  request.onsuccess = () => {
    const { result: db } = request
    db.close()
    // A database that holds something is somebody else's.
    if (db.objectStoreNames.length === 0) indexedDB.deleteDatabase(db.name)
  }
}

/** Only Chromium has this on the upgrade event of a new database: whether there was one before that it could not read. */
interface DataLoss {
  readonly dataLoss?: 'none' | 'total'
  readonly dataLossMessage?: string
}

/** The error to report when the browser has thrown away what was stored. */
export function lossOf(event: IDBVersionChangeEvent & DataLoss, name: string): StorageError | undefined {
  if (event.dataLoss !== 'total') return undefined
  return new StorageError(
    `the browser could not read its database "${name}" (${event.dataLossMessage}) and has begun an empty one: what was saved in it is gone`,
  )
}

function hasLevelDB(): boolean {
  return typeof IDBVersionChangeEvent !== 'undefined' && 'dataLoss' in IDBVersionChangeEvent.prototype
}
