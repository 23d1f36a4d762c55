import { SessionClosedError } from '../errors'
import { LoadError, StorageError, type LoadRemedies } from '../storage-errors'
import { Refusal } from '../storage/refusal'
import type { LimitedStorage } from '../storage/limited'
import { storageError } from '../storage/storage-error'

interface Context extends Pick<LoadRemedies, 'retry' | 'reset'> {
  readonly storage: LimitedStorage
  readonly onError: (error: unknown) => void
  readonly isClosed: () => boolean
}

/** Why a session was not loaded, with what the app can do. Sets refused bytes aside. */
export async function explained(
  thrown: unknown,
  id: string,
  { storage, onError, isClosed, retry, reset }: Context,
): Promise<Error> {
  // By then the session may be open with other code, or gone.
  const open = (remedy: () => Promise<void>) => async (): Promise<void> => {
    if (isClosed()) throw new SessionClosedError(id)
    await remedy()
  }
  const remedies: LoadRemedies = {
    retry: open(retry),
    reset: open(reset),
    export: () => storage.export(id),
  }
  if (!(thrown instanceof Refusal)) {
    const error = storageError(thrown)
    return error instanceof StorageError ? Object.assign(error, remedies) : error
  }
  // A newer record is not touched at all.
  if (!thrown.code.startsWith('NEWER')) await storage.quarantine(id).catch(onError)
  return new LoadError(thrown.code, id, thrown.message, remedies, thrown.cause)
}
