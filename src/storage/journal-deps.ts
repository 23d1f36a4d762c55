import type { Compacted } from './compacting'
import type { SessionCopy, WriterDeps } from './writer'

/** What a journal needs from its session. The callbacks must not throw. */
export interface JournalDeps extends WriterDeps, Compacted {
  /** The session with all that was pushed. `brief`: without its history. */
  snapshot(brief?: boolean): SessionCopy
  /** Whether writing waits for a claim that is still to come. */
  unclaimed?(): boolean
  /** `persistence` has changed. */
  onChange(): void
  /** Once per outage, and when another writer has taken over. */
  onError(error: unknown): void
  /** The error of a failed write; nothing when that was put right, and a whole copy is owed now. */
  remedied?(error: unknown): Promise<unknown>
}
