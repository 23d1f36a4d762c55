import { DogearError, StorageError } from '../errors'

/** Whatever a storage or a serializer throws, as an error that has a `code` to branch on. */
export function storageError(thrown: unknown): DogearError {
  if (thrown instanceof DogearError) return thrown
  // A browser aborts with null when the disk is full, or when it is about to end itself.
  const reason = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : JSON.stringify(thrown)
  return new StorageError(`storage failed: ${reason}`, { cause: thrown })
}
