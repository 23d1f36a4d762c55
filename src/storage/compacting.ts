import { whenIdle, type Clock } from '../clock'
import { StaleEpochError } from '../storage-errors'
import type { StoredSizes } from './load'
import { Snapshots } from './snapshots'
import type { StoredParts } from './snapshots'
import type { SessionCopy, Writer, Written } from './writer'

/** Below this a journal is not worth a snapshot, however small the state. */
const LEAST = 262_144
/** Reading a batch back takes 9 µs on top of its size: as long as this many characters of a snapshot. */
const PER_BATCH = 2048

/** What the next snapshot must know of the stored session. */
export interface Compacted {
  /** What is stored already, as `loadStored` found it. Default: nothing. */
  readonly stored?: StoredSizes | undefined
  /** The parts of the stored snapshot. */
  readonly parted?: StoredParts | undefined
  /** About how many characters a part of a snapshot has. Default: 114,688. */
  readonly partSize?: number
}

/** The journal that is made shorter. */
interface Journaled {
  /** The session with all that was pushed. `brief`: without its history. */
  copy(brief?: boolean): SessionCopy
  /** A piece is due. */
  write(): void
}

/**
 * Makes a snapshot when the journal has outgrown it: when reading it back costs as much as reading the snapshot. So loading
 * never takes more than about twice the time it must, and a write pays for a snapshot of its own size and 2 kB, however large
 * the state is. It is made piece by piece, each in an idle moment, so that neither the page nor a save waits for more than one
 * of them.
 */
export class Compacting {
  readonly #clock: Clock
  readonly #journal: Journaled
  readonly #snapshots: Snapshots
  /** How much more the journal may take before the next snapshot, and how much that is after one. */
  #room!: number
  #most!: number
  #steps: AsyncGenerator<undefined, Written> | undefined
  /** The number of the newest copy that storage was offered in place of what it refuses. */
  #tried = 0
  /** Whether it is time for the next piece. */
  due = false
  /** Whether what was stored may not be there any more, at the next whole copy. */
  gone = false
  /** Whether a piece waits for an idle moment. */
  #planned = false

  constructor(
    { clock, stored, parted, partSize }: Compacted & { readonly clock: Clock },
    writer: Writer,
    journal: Journaled,
  ) {
    this.#clock = clock
    this.#journal = journal
    // What the page before this one has stored since it was read must not get the same numbers.
    const known = parted && { ...parted, newest: Math.max(parted.newest, clock.now()) }
    this.#snapshots = new Snapshots(writer, known, partSize)
    this.#restart(stored?.snapshot ?? 0)
    if (stored) this.#room -= stored.journal + stored.batches * PER_BATCH
  }

  /** Counts a batch. When a snapshot is due the count begins anew, so that a failed one is not tried at once. */
  add(size: number): void {
    this.#room -= size + PER_BATCH
    if (this.#room >= 0) return
    this.#room = this.#most
    this.#plan()
  }

  /** A snapshot of that size is stored, or none. */
  #restart(size: number): void {
    this.#room = this.#most = Math.max(LEAST, size)
  }

  /**
   * Writes a piece. A snapshot only makes the journal shorter: when it fails nothing is lost, and the next one will come.
   * Resolves with what is stored when the whole snapshot is.
   */
  async step(): Promise<Written | undefined> {
    this.due = this.#planned = false
    try {
      const { done, value } = await (this.#steps ??= this.#snapshots.steps(this.#journal.copy())).next()
      if (!done) this.#plan()
      else this.#steps = undefined
      return value && this.#stored(value)
    } catch {
      this.#steps = undefined
      return undefined
    }
  }

  /** A snapshot that is due no longer waits for an idle moment. Returns whether there is one. A snapshot in parts is left. */
  hurry(): boolean {
    return (this.due ||= this.#planned && !this.#steps)
  }

  /** Writes a whole copy at once: nothing else may come before it. */
  async store(copy: SessionCopy): Promise<Written> {
    const { gone } = this
    this.gone = false
    this.#steps = undefined
    return this.#stored(await this.#snapshots.store(copy, gone))
  }

  /**
   * Storage refuses what is due, but may take the session as it is by now, or that without its history, when what was too
   * large is gone again. Tried only when something has happened since the last try, or rarely: a full disk takes neither.
   */
  async instead(refused: number, failures: number): Promise<Written | undefined> {
    const tried = Math.max(refused, this.#tried)
    for (const brief of [false, true]) {
      const copy = this.#journal.copy(brief)
      // Without a history, a brief copy is the same once more.
      if ((brief && !copy.taken) || (copy.seq <= tried && failures % 8 > 0)) return undefined
      this.#tried = copy.seq
      try {
        const written = await this.store(copy)
        copy.taken?.()
        return written
      } catch (error) {
        // Otherwise the trouble is the same as before, or no worse: the first refusal is reported.
        if (error instanceof StaleEpochError) throw error
      }
    }
    return undefined
  }

  #stored(written: Written): Written {
    this.#restart(written.size)
    return written
  }

  #plan(): void {
    this.#planned = true
    whenIdle(this.#clock, () => {
      this.due = true
      this.#journal.write()
    })
  }
}
