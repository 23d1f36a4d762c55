import type { Durability } from '../storage/storage'
import type { SessionRecord } from './model/record'

/** Where records go. Written by the storage layer; a session only appends. */
export interface RecordSink {
  /** `strict` ones are written at the end of the present burst of work, `relaxed` ones a little later. */
  push(record: SessionRecord, durability: Durability): void
  /** Whether the record is the newest and not on its way yet: a field edit may still be joined to it. */
  isOpen(record: SessionRecord): boolean
  /** Resolves when that record, or the newest, is durable, or when storage has failed: trouble there never stops a flow. */
  durable(seq?: number): Promise<void>
}

/** Until a session was read, and where nothing is kept. */
export const nowhere: RecordSink = { push: () => {}, isOpen: () => false, durable: () => Promise.resolve() }
