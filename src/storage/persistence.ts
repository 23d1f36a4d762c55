/**
 * - `saved`: everything that happened is stored.
 * - `saving`: some of it is on its way.
 * - `unsaved`: storage refused it; it is kept in memory and tried again.
 * - `memory-only`: storage that outlives the page was wanted and is not there.
 * - `degraded`: storage does not answer; the session goes on in memory.
 * - `outdated`: somebody else writes this session now; what happens here is not stored any more.
 * - `error`: the session could not be loaded; nothing is stored.
 */
export type PersistenceStatus =
  'saved' | 'saving' | 'unsaved' | 'memory-only' | 'degraded' | 'outdated' | 'error'

/** How far a session's changes have got. A new object whenever something of it changes. */
export interface Persistence {
  readonly status: PersistenceStatus
  /** When everything before that moment was stored, in milliseconds since 1970. */
  readonly savedAt?: number | undefined
  /** Why it is anything but `saved` or `saving`. */
  readonly error?: Error | undefined
}
