import { LoadError, StorageError, type LoadRemedies } from '../storage-errors'
import { Refusal } from '../storage/refusal'
import type { LimitedStorage } from '../storage/limited'
import { storageError } from '../storage/storage-error'

interface Context extends Pick<LoadRemedies, 'retry' | 'reset'> {
  readonly storage: LimitedStorage
  readonly onError: (error: unknown) => void
}

/** Why a session was not loaded, with what the app can do. Sets refused bytes aside. */
export async function explained(
  thrown: unknown,
  id: string,
  { storage, onError, retry, reset }: Context,
): Promise<Error> {
  const remedies: LoadRemedies = { retry, reset, export: () => storage.export(id) }
  if (!(thrown instanceof Refusal)) {
    const error = storageError(thrown)
    return error instanceof StorageError ? Object.assign(error, remedies) : error
  }
  // A newer record is not touched at all.
  if (!thrown.code.startsWith('NEWER')) await storage.quarantine(id).catch(onError)
  return new LoadError(thrown.code, id, thrown.message, remedies, thrown.cause)
}
