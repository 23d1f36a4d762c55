import { DogearError } from './errors'

/** Storage refused an append: another writer has taken the session over. */
export class StaleEpochError extends DogearError {
  override readonly name = 'StaleEpochError'
  readonly code = 'STALE_EPOCH'
  declare readonly id: string
  declare readonly epoch: number
  declare readonly newest: number
  /** What was done here and is not stored: the kinds of the records, `answered` for a reply, or the calls of a follower. */
  declare lost?: readonly string[]
  constructor(id: string, epoch: number, newest: number) {
    super(
      newest === 0
        ? `session "${id}" was deleted by another tab or engine; reload`
        : `session "${id}" is written by another tab or engine now; reload`,
    )
    this.id = id
    this.epoch = epoch
    this.newest = newest
  }
}

/** The storage could not do what it was asked to. `cause` is what it threw. */
export class StorageError extends DogearError {
  override readonly name = 'StorageError'
  readonly code = 'STORAGE'
  /** Present when a session could not be read: what the app can do, as with a LoadError. */
  declare readonly retry?: LoadRemedies['retry']
  declare readonly reset?: LoadRemedies['reset']
  declare readonly export?: LoadRemedies['export']
  /** Present when the storage of a flow state was emptied and another page was faster: the paths where its values stay. */
  declare readonly lost?: readonly string[]
}

/**
 * Why a stored session was refused: it belongs to another workflow; it was written by newer code of the library or of the
 * workflow; it is damaged; the schema refuses its state; a migration is missing, or has failed.
 */
export type LoadErrorCode =
  | 'WRONG_WORKFLOW'
  | 'NEWER_FORMAT'
  | 'NEWER_VERSION'
  | 'UNREADABLE_RECORD'
  | 'STATE_INVALID'
  | 'MIGRATION_MISSING'
  | 'MIGRATION_FAILED'

/** What the app can do about a session that could not be loaded. */
export interface LoadRemedies {
  /**
   * Reads the session again, after the cause was removed. Rejects with a new LoadError when the cause is still there, and
   * with a SessionClosedError when the session was closed since, or opened with other code.
   */
  readonly retry: () => Promise<void>
  /** Gives up the stored session and starts over. A copy of its bytes stays set aside. */
  readonly reset: () => Promise<void>
  /** The stored bytes as they are, for a download or a support request. */
  readonly export: () => Promise<unknown>
}

/** A stored session, flow state or imported session was refused. Stored bytes are untouched. */
export class LoadError extends DogearError {
  override readonly name = 'LoadError'
  declare readonly retry: LoadRemedies['retry']
  declare readonly reset: LoadRemedies['reset']
  declare readonly export: LoadRemedies['export']
  declare readonly code: LoadErrorCode
  /** The session's; for a flow state, the workflow's name. */
  declare readonly id: string
  constructor(
    code: LoadErrorCode,
    id: string,
    reason: string,
    remedies: LoadRemedies,
    cause?: unknown,
    what = 'session',
    advice = ' (retry, reset or export it)',
  ) {
    const name = id && ` "${id}"`
    super(`${what}${name} was not loaded: ${reason}; nothing stored was changed${advice}`, { cause })
    this.retry = remedies.retry
    this.reset = remedies.reset
    this.export = remedies.export
    this.code = code
    this.id = id
  }
}
