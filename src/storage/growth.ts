/** What is stored of a session, in the sizes of its serialized data. */
export interface StoredSizes {
  /** The newest sequence number. */
  readonly seq: number
  readonly savedAt: number
  /** The size of the snapshot; 0 when there is none. */
  readonly snapshot: number
  /** The size of the batches after it, together. */
  readonly journal: number
  /** How many batches those are. */
  readonly batches: number
}

/** Below this a journal is not worth a snapshot, however small the state. */
const LEAST = 262_144
/** Reading a batch back takes 9 µs on top of its size: as long as this many characters of a snapshot. */
const PER_BATCH = 2048

/**
 * Says when a journal is due for a snapshot: when reading it back costs as much as reading the snapshot does. So
 * loading never takes more than about twice the time it must, and a write pays for its own size of snapshot and
 * 2 kB, however large the state is.
 */
export class Growth {
  #journal: number
  #snapshot: number

  constructor(stored?: StoredSizes) {
    this.#snapshot = stored?.snapshot ?? 0
    this.#journal = stored ? stored.journal + stored.batches * PER_BATCH : 0
  }

  /** Counts a batch. Whether a snapshot is due; then counts from zero, so that one which fails has time. */
  add(size: number): boolean {
    this.#journal += size + PER_BATCH
    const due = this.#journal > Math.max(LEAST, this.#snapshot)
    if (due) this.#journal = 0
    return due
  }

  /** A snapshot of that size was stored. */
  restart(size: number): void {
    this.#snapshot = size
    this.#journal = 0
  }
}
