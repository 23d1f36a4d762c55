/**
 * - `saved`: everything that happened is stored.
 * - `saving`: some of it is on its way to storage.
 * - `unsaved`: storage refused some of it, which is kept in memory and tried again.
 * - `memory-only`: storage that outlives the page was wanted and is not there.
 * - `degraded`: storage does not answer; the session goes on in memory.
 * - `outdated`: somebody else writes this session now, or newer code has written it; what happens here is not stored.
 * - `error`: the session could not be loaded; nothing is stored.
 */
export type PersistenceStatus =
  'saved' | 'saving' | 'unsaved' | 'memory-only' | 'degraded' | 'outdated' | 'error'

/** How far a session's changes are saved. A new object whenever something in it changes. */
export interface Persistence {
  readonly status: PersistenceStatus
  /** Everything up to this moment is stored. In milliseconds since 1970. */
  readonly savedAt?: number | undefined
  /** Why the status is not `saved` or `saving`. */
  readonly error?: Error | undefined
}
