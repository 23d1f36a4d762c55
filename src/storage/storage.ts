/** How safely an append is kept: `strict` survives a power cut, `relaxed` a crash or kill of the browser. */
export type Durability = 'strict' | 'relaxed'

/** What every stored session says about itself. Plain data, readable without the session's serializer. */
export interface StoredHead {
  /** The version of this layout; newer code reads older, older code refuses newer. */
  readonly format: number
  readonly id: string
  readonly workflow: string
  readonly version: number
  /** Who may write: raised by every opener. */
  readonly epoch: number
}

/** Records `from` to `to` of one session as one stored value. */
export interface StoredBatch {
  readonly from: number
  readonly to: number
  /** The writer's clock, in milliseconds since 1970. */
  readonly at: number
  /** The session's status after `to`, for lists. */
  readonly status: string
  /** The serialized array of records. */
  readonly data: unknown
  /** The checksum of `data` when that is text. */
  readonly sum?: number
}

/** A whole session at sequence number `seq`. */
export interface StoredSnapshot {
  readonly seq: number
  readonly at: number
  readonly status: string
  readonly data: unknown
  readonly sum?: number
  readonly workflow: string
  readonly version: number
  readonly format: number
}

/** The newest snapshot and the batches after it, in order. */
export interface StoredSession {
  readonly head: StoredHead
  readonly snapshot?: StoredSnapshot
  readonly batches: readonly StoredBatch[]
}

export interface StoredSessionInfo {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly status: string
  /** Milliseconds since 1970. */
  readonly savedAt: number
  /** About how many bytes (characters of serialized text) are stored. */
  readonly size: number
}

/** Which sessions to list; all that are given must hold. */
export interface StorageFilter {
  readonly workflow?: string
  readonly status?: string
  /** The beginning of the id. */
  readonly prefix?: string
}

/**
 * Where sessions survive. Write one for any medium that can do an atomic read-then-write on one session; the
 * engine puts its own time limit on every call.
 */
export interface SessionStorage {
  /** `'memory'` when nothing outlives the process and that is what was asked for. */
  readonly kind: string
  /** The newest snapshot and the batches after it; `undefined` when nothing was ever appended or compacted. */
  read(id: string): Promise<StoredSession | undefined>
  /**
   * Makes the caller the only writer: raises the stored epoch by one (from 0) and answers with it and with the
   * newest stored sequence number (0 when none). Atomic. When `expected` is not the newest stored sequence
   * number, nothing is changed and `epoch` is `undefined`: read again.
   */
  claim(
    id: string,
    head: Pick<StoredHead, 'format' | 'workflow' | 'version'>,
    expected: number,
  ): Promise<{ readonly epoch: number | undefined; readonly seq: number }>
  /** All or nothing, in order. A stale epoch, or a batch that does not follow the newest, is refused with StaleEpochError. */
  append(id: string, epoch: number, batch: StoredBatch, options: { readonly durability: Durability }): Promise<void>
  /** The snapshot in and the batches it covers out, atomically. A stale epoch is refused with StaleEpochError. */
  compact(id: string, epoch: number, snapshot: StoredSnapshot): Promise<void>
  /** Newest first. Reads no states. Sessions that were claimed and never written are left out. */
  list(filter?: StorageFilter): Promise<StoredSessionInfo[]>
  /** Removes the session with everything that belongs to it, quarantine included. */
  delete(id: string): Promise<void>
  /** Sets a copy of what is stored aside, once per content; the session itself stays as it is. */
  quarantine(id: string): Promise<void>
  /** The stored bytes of a session, readable or not, for `LoadError.export`. */
  export(id: string): Promise<unknown>
  /** Lets go of connections. */
  close(): Promise<void>
}
