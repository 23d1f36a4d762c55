import { DogearError, TimeoutError } from '../errors'
import { StorageError } from '../storage-errors'

/** Whatever a storage or a serializer throws, as an error that has a `code` to branch on. */
export function storageError(thrown: unknown): DogearError {
  if (thrown instanceof DogearError) return thrown
  // A browser aborts with null when the disk is full, or when it is about to quit; or with an error that has only a name.
  return new StorageError(`storage failed: ${String(thrown)}`, { cause: thrown })
}

const absences = new WeakSet<Error>()

/** Marks an error that says that there is no storage at all, as opposed to one that failed this time. */
export function absence(error: DogearError): DogearError {
  absences.add(error)
  return error
}

/** Whether memory has to replace the storage. */
export function isAbsence(error: unknown): boolean {
  return absences.has(error as Error)
}

/** Whether a session can go on without that answer: storage is silent, or not there at all. */
export function isOutage(error: unknown): error is Error {
  return error instanceof TimeoutError || isAbsence(error)
}
