import type { Persistence } from '../storage/persistence'
import type { RecordSink } from './record-sink'

/** Where the session's records go, with what the session shows of it. */
export interface Journaling extends RecordSink {
  readonly persistence: Persistence
  /** The number up to which everything is stored. */
  readonly stored: number
  /** The journal cannot write before the session is claimed. Work begins after the claim, or when it fails. */
  readonly unclaimed?: boolean
  flush(): Promise<void>
  close(): Promise<void>
  /** Stops for good. With a reason, pending flushes reject with it. */
  abandon(reason?: Error): void
  /** The records that are not known to be stored, in order. */
  unacknowledged(): readonly { readonly seq: number }[]
}
