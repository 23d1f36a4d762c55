import type { Persistence } from '../storage/persistence'
import type { RecordSink } from './record-sink'

/** Where the session's records go, with what the session shows of it. */
export interface Journaling extends RecordSink {
  readonly persistence: Persistence
  /** The number up to which everything is stored. */
  readonly stored: number
  /** It cannot write before the session is claimed for this page; then, or when storage fails, the session begins. */
  readonly unclaimed?: boolean
  flush(): Promise<void>
  close(): Promise<void>
  /** Stops for good; with a reason, those who wait for a flush are told. */
  abandon(reason?: Error): void
  /** The records that are not known to be stored, in order. */
  unacknowledged(): readonly { readonly seq: number }[]
}
