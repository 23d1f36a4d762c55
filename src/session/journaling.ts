import type { Persistence } from '../storage/persistence'
import type { RecordSink } from './core'

/** Where the session's records go, with what the session shows of it. */
export interface Journaling extends RecordSink {
  readonly persistence: Persistence
  flush(): Promise<void>
  close(): Promise<void>
  abandon(): void
}
