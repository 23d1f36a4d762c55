/** The sizes of a session's stored data. */
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
 * Says when a journal is due for a snapshot: when reading it back costs as much as reading the snapshot. So loading never
 * takes more than about twice the time it must, and a write pays for a snapshot of its own size and 2 kB, however large the
 * state is.
 */
export class Growth {
  #journal: number
  #snapshot: number

  constructor(stored?: StoredSizes) {
    this.#snapshot = stored?.snapshot ?? 0
    this.#journal = stored ? stored.journal + stored.batches * PER_BATCH : 0
  }

  /** Counts a batch. Returns whether a snapshot is due, and then counts from zero, so that a failed one is not tried at once. */
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
