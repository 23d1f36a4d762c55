/** What an append survives: `strict` a power cut, `relaxed` a crash or kill of the browser. */
export type Durability = 'strict' | 'relaxed'

/** What stored data says about its own shape. */
export interface StoredShape {
  /** The version of this layout. Newer code reads older layouts; older code refuses newer ones. */
  readonly format: number
  readonly workflow: string
  readonly version: number
  /** Milliseconds after `savedAt` until the session may be swept away. Default: 30 days. */
  readonly expireAfter?: number
}

/**
 * What every stored session says about itself, without its states. Plain data, readable without the session's serializer.
 * Its {@link StoredShape} is that of the stored data. Of a claim's shape only `expireAfter` is taken over; the rest changes
 * with a snapshot, and the format rises with the first batch that needs it.
 */
export interface StoredHead extends StoredShape {
  readonly id: string
  /** Who may write. Every claim gets an epoch that no claim of this storage had before. */
  readonly epoch: number
  /** The newest stored sequence number; 0 when nothing was written yet. */
  readonly seq: number
  /** The sequence number of the stored snapshot; 0 when there is none. */
  readonly snapshot: number
  readonly status: string
  readonly savedAt: number
  readonly size: number
}

/** The records `from` to `to` of one session as one stored value. */
export interface StoredBatch {
  readonly from: number
  readonly to: number
  /** The writer's clock, in milliseconds since 1970. */
  readonly at: number
  /** The session's status after `to`, for lists. */
  readonly status: string
  /** The serialized array of records. */
  readonly data: unknown
  /** The checksum of `data` when that is text or bytes, else 0. */
  readonly sum: number
  /** The layout of `data`. The format of the head rises to it; it need not be stored here. */
  readonly format?: number
}

/** A whole session at sequence number `seq`. */
export interface StoredSnapshot extends StoredShape {
  readonly seq: number
  readonly at: number
  readonly status: string
  /** With `parts`: the rest of the session, and where the parts belong. */
  readonly data: unknown
  readonly sum: number
  /** The parts that belong to it, for a large session. */
  readonly parts?: readonly StoredPartInfo[]
  /** The highest number that a part of this session ever had. Of the parts up to it only those in `parts` are needed. */
  readonly newestPart?: number
}

/** A part of a snapshot: some entries of a large list or object. A number is given to one part only. */
export type StoredPart = readonly [n: number, data: unknown]

/**
 * What a snapshot knows about one of its parts. `sum` is the checksum when the data is text or bytes, else 0. `count` is
 * the number of list items in the part, if it holds nothing else.
 */
export type StoredPartInfo = readonly [n: number, size: number, sum: number, count?: number]

/** The newest snapshot and the batches after it, in order. */
export interface StoredSession {
  readonly head: StoredHead
  readonly snapshot?: StoredSnapshot
  /** The parts of the snapshot, in any order. There may be others among them that belong to no snapshot. */
  readonly parts?: readonly StoredPart[]
  readonly batches: readonly StoredBatch[]
}

/** The state that all sessions of a workflow share, as one stored value. */
export interface StoredFlow extends StoredShape {
  /** Rises with every write. A write says which number it has seen. */
  readonly seq: number
  readonly at: number
  /** The names of the newest writes in it. A writer that does not know whether its write has landed finds it here. */
  readonly applied: readonly string[]
  readonly data: unknown
  readonly sum: number
}

/** A session with the copies that were set aside. `session` is missing when only those are left. */
export interface StoredExport {
  readonly session?: StoredSession
  readonly quarantine: readonly StoredSession[]
}

/** What is known of a stored session without reading it. */
export interface StoredSessionInfo {
  readonly id: string
  readonly workflow: string
  readonly version: number
  /** The session's status when it was saved. */
  readonly status: string
  /** Milliseconds since 1970. */
  readonly savedAt: number
  /** About how many bytes (characters of text) are stored. What a serializer makes of neither, such as a blob, is not counted. */
  readonly size: number
  readonly expireAfter?: number
}

/** Which sessions to list. All fields that are given must match. */
export interface StorageFilter {
  readonly workflow?: string | undefined
  readonly status?: string | undefined
  /** The beginning of the id. */
  readonly prefix?: string | undefined
}

/**
 * Where sessions survive. Write one for any medium that can do an atomic read-then-write on one session. The engine puts
 * its own time limit on every call, so a call may still land after it was given up, in any order with later ones: `append`
 * and `compact` say what they do then.
 */
export interface SessionStorage {
  /** `'memory'` when nothing outlives the process and that is what was asked for. */
  readonly kind: string
  /** Tells this storage from others of its kind. Tabs that share a storage find each other by kind and name. */
  readonly name?: string
  /**
   * Called when the engine is made: what takes time to open may be opened now. What fails is tried again when it is needed.
   * Resolves with an error, once, when what was stored has turned out to be lost; the engine reports it.
   */
  connect?(): Promise<Error | undefined>
  /** The newest snapshot and the batches after it; `undefined` when nothing was ever appended or compacted. */
  read(id: string): Promise<StoredSession | undefined>
  /**
   * Makes the caller the only writer: stores a new, higher epoch and resolves with it and with the newest stored sequence
   * number (0 when there is none). Atomic. When `expected` is not that number, nothing is changed and `epoch` is
   * `undefined`: read again. `shape` counts only while nothing is stored, but an `expireAfter` in it always. `at` is the
   * time, for `sweep`.
   */
  claim(
    id: string,
    shape: StoredShape,
    expected: number,
    at?: number,
  ): Promise<{ readonly epoch: number | undefined; readonly seq: number }>
  /**
   * Stores a batch, all or nothing, in order. Refuses another epoch than the stored one, or a gap, with StaleEpochError.
   * With the right epoch, a batch that is there already resolves and changes nothing (an earlier call has landed late), and
   * a batch that begins before the newest number is stored whole (a snapshot that was ahead has landed late).
   */
  append(
    id: string,
    epoch: number,
    batch: StoredBatch,
    options: { readonly durability: Durability },
  ): Promise<void>
  /**
   * Stores the snapshot and removes the batches that it covers, atomically and strictly. The snapshot may be ahead of the
   * batches. Refuses another epoch with StaleEpochError; a snapshot no newer than the stored one changes nothing. Also
   * removes the parts up to its `newestPart` that it does not name.
   */
  compact(id: string, epoch: number, snapshot: StoredSnapshot): Promise<void>
  /**
   * Keeps a part of a snapshot to come, strictly. The part counts when a snapshot names it. Refuses another epoch with
   * StaleEpochError. A storage without this method gets every snapshot whole, however large.
   */
  keepPart?(id: string, epoch: number, part: StoredPart): Promise<void>
  /**
   * Whether the data of a part may also be a Uint8Array. Then parts of JSON are bytes, which a page that comes back to
   * megabytes checks in a third of the time.
   */
  readonly keepsBytes?: boolean
  /** Lists sessions, newest first, without reading states. Sessions that were claimed and never written are left out. */
  list(filter?: StorageFilter): Promise<StoredSessionInfo[]>
  /** Removes the session with everything that belongs to it, quarantine included, and fences its writer. */
  delete(id: string): Promise<void>
  /** Removes the session and keeps its quarantine: for `LoadError.reset`. */
  discard(id: string): Promise<void>
  /**
   * Deletes every session whose id begins with `prefix`, also those that no list shows. Without a prefix it deletes all
   * sessions and every flow state.
   */
  clear(prefix?: string): Promise<void>
  /**
   * Removes the claims that nothing was ever written under, and that are past their `expireAfter` (default: 30 days) at the
   * time `now`. A page that still has such a session open claims it anew when it writes. Atomic: no other claim and nothing that
   * is written goes with them. Without this method every session that was only opened leaves its claim for good.
   */
  sweep?(now: number): Promise<void>
  /** Sets aside a copy of what is stored, once for each writer. The session itself stays as it is. */
  quarantine(id: string): Promise<void>
  /** All there is of a session, readable or not, for `LoadError.export`. `undefined` when there is nothing. */
  export(id: string): Promise<StoredExport | undefined>
  /**
   * Called when the page is left. Gives up what is under way, because a page that is frozen with it may hold up every other
   * page, and begins nothing until the page is back. What was not written is kept elsewhere.
   */
  release?(): void
  /** The flow state of a workflow; `undefined` when there is none. */
  readFlow(workflow: string): Promise<StoredFlow | undefined>
  /**
   * Compare-and-set, atomic: stores the flow state when the newest one has the number `expected` (0: there is none), and
   * resolves with whether it did. Pages that write at one moment hardly ever take the same number.
   */
  writeFlow(flow: StoredFlow, expected: number): Promise<boolean>
  /** Sets aside a copy of a workflow's flow state, once for each `seq`. With `remove` it also removes the flow state. */
  quarantineFlow(workflow: string, remove?: boolean): Promise<void>
  /**
   * The first epoch that was given out since the storage was made or emptied; 0 when none was. A flow state that is stored
   * before any session takes one too. With it a writer whose session is gone can tell a storage that was emptied under the
   * page from a session that was deleted. Without it, the writer takes the session for deleted.
   */
  began?(): Promise<number>
  /** Calls `listener` when something may have been removed under the page. Returns a function that ends this. */
  watch?(listener: () => void): () => void
  /** Lets go of connections. */
  close(): Promise<void>
}
