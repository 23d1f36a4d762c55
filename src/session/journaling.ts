import type { Persistence } from '../storage/persistence'
import type { Durability } from '../storage/storage'
import type { SessionRecord } from './model/record'

/** Where the session's records go, with what the session shows of it. */
export interface Journaling {
  /** `strict` ones are written at the end of the present burst of work, `relaxed` ones a little later. */
  push(record: SessionRecord, durability: Durability): void
  readonly persistence: Persistence
  flush(): Promise<void>
  close(): Promise<void>
  /** Stops for good. With a reason, pending flushes reject with it. */
  abandon(reason?: Error): void

  // What is missing where nothing is stored:

  /** Whether the record is the newest and not on its way yet: a field edit may still be joined to it. */
  isOpen?(record: SessionRecord): boolean
  /** See `Core.durable`. */
  durable?(seq?: number): Promise<void>
  /** The number up to which everything is stored. */
  readonly stored?: number
  /** The journal cannot write before the session is claimed. Work begins after the claim, or when it fails. */
  readonly unclaimed?: boolean
  /** The records that are not known to be stored, in order. */
  unacknowledged?(): readonly { readonly seq: number }[]
}
