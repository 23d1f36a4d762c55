import { whenIdle, type Clock } from '../clock'
import { StaleEpochError } from '../storage-errors'
import { Growth } from './growth'
import type { StoredSizes } from './growth'
import { Snapshots } from './snapshots'
import type { StoredParts } from './snapshots'
import type { SessionCopy, Writer, Written } from './writer'

/** What of the stored session counts for the next snapshot. */
export interface Compacted {
  /** What is stored already, as `loadStored` found it. Default: nothing. */
  readonly stored?: StoredSizes | undefined
  /** The parts of the stored snapshot. */
  readonly parted?: StoredParts | undefined
  /** About how many characters a part of a snapshot has. Default: 114,688. */
  readonly partSize?: number
}

/** What is made shorter. */
interface Journaled {
  /** The session for a snapshot; `undefined`: not now. `brief`: without a history, if it has one. */
  copy(brief?: boolean): SessionCopy | undefined
  /** A piece is due. */
  write(): void
}

/**
 * Makes a snapshot when the journal has outgrown it: piece by piece, each in an idle moment, so that neither the page
 * nor a save waits for more than one of them.
 */
export class Compacting {
  readonly #clock: Clock
  readonly #journal: Journaled
  readonly #snapshots: Snapshots
  readonly #growth: Growth
  #steps: AsyncGenerator<undefined, Written | undefined> | undefined
  /** The newest that storage was offered in place of what it refuses. */
  #tried = 0
  /** Whether it is time for the next piece. */
  due = false
  /** Whether one waits for an idle moment. */
  #planned = false

  constructor(
    { clock, stored, parted, partSize }: Compacted & { readonly clock: Clock },
    writer: Writer,
    journal: Journaled,
  ) {
    this.#clock = clock
    this.#journal = journal
    this.#snapshots = new Snapshots(writer, parted, partSize)
    this.#growth = new Growth(stored)
  }

  /** Counts a batch. */
  add(size: number): void {
    if (this.#growth.add(size)) this.#plan()
  }

  /**
   * Writes a piece. A snapshot only makes the journal shorter: when it fails nothing is lost, and the next one will
   * come. Answers with what is stored once all of it is.
   */
  async step(): Promise<Written | undefined> {
    this.due = this.#planned = false
    try {
      const { done, value } = await (this.#steps ??= this.#begun()).next()
      if (!done) this.#plan()
      else this.#steps = undefined
      return value && this.#stored(value)
    } catch {
      this.#steps = undefined
      return undefined
    }
  }

  /** A snapshot that nobody has begun waits no longer for an idle moment; answers whether there is one. One in parts is left. */
  hurry(): boolean {
    return (this.due ||= this.#planned && !this.#steps)
  }

  /** Writes all of a copy, at once: nothing else may come before it. */
  async store(copy: SessionCopy, gone = true): Promise<Written> {
    this.#steps = undefined
    return this.#stored(await this.#snapshots.store(copy, gone))
  }

  /**
   * Storage refuses what is due, and may take the session as it is by now, or that without its history: what was too large for
   * it is out of it again. Only when something has happened since the last try, or seldom: a full disk takes neither.
   */
  async instead(refused: number, failures: number): Promise<Written | undefined> {
    const tried = Math.max(refused, this.#tried)
    for (const brief of [false, true]) {
      const copy = this.#journal.copy(brief)
      if (copy === undefined || (copy.seq <= tried && failures % 8 > 0)) return undefined
      this.#tried = copy.seq
      try {
        const written = await this.store(copy, false)
        copy.taken?.()
        return written
      } catch (error) {
        // Else it is the same as before, or nothing worse: what was refused first is told.
        if (error instanceof StaleEpochError) throw error
      }
    }
    return undefined
  }

  async *#begun(): AsyncGenerator<undefined, Written | undefined> {
    const copy = this.#journal.copy()
    return copy && (yield* this.#snapshots.steps(copy))
  }

  #stored(written: Written): Written {
    this.#growth.restart(written.size)
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
