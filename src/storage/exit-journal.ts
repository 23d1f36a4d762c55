import type { Serializer } from './serializer'
import { seal, unseal, type Tail } from './tail'

/** What is needed of `localStorage`. Where there is no `key`, `engine.clear` looks at its own keys. */
export interface Box {
  readonly length?: number
  key?(index: number): string | null
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** The keys of what it holds, as far as it shows them. */
export function keysOf(box: Partial<Box>): string[] {
  return box.key
    ? Array.from({ length: Number(box.length) }, (_, at) => `${box.key?.(at)}`)
    : Object.keys(box)
}

export interface ExitOptions {
  /** Throws where it is forbidden. */
  readonly box: () => Box | undefined
  readonly key: string
  readonly serializer: Serializer
}

/**
 * The last moments of a page, in a place that takes them at once: while a page is left, nothing else lands for sure in every
 * browser. It holds what the session's storage had not acknowledged, for the next page to store, and is empty at all other
 * times. A box that is full or forbidden has no other consequence.
 */
export class ExitJournal {
  readonly #options: ExitOptions

  constructor(options: ExitOptions) {
    this.#options = options
  }

  /** Leaves the records. Returns whether all of them are there. */
  write(tail: Omit<Tail, 'from'>): boolean {
    const { box, key, serializer } = this.#options
    // Without a box, too, this throws.
    return seal(serializer, tail, (text) => (box() as Box).setItem(key, text))
  }

  /** Whether what is left of this session goes up to that record already, or is by a newer leader. */
  reaches(seq: number, lineage: string, epoch: number): boolean {
    try {
      const { lineage: of, to, epoch: by } = JSON.parse(this.#text) as Record<string, unknown>
      return Number(by) > epoch || (of === lineage && Number(to) >= seq)
    } catch {
      return false
    }
  }

  /** What a page has left; `undefined` when there is nothing, or it is not whole. */
  read(): Promise<Tail | undefined> {
    return unseal(this.#options.serializer, this.#text)
  }

  clear(): void {
    try {
      this.#options.box()?.removeItem(this.#options.key)
    } catch {
      // The box is forbidden, so there is nothing in it either.
    }
  }

  get #text(): string {
    const { box, key } = this.#options
    try {
      return box()?.getItem(key) ?? ''
    } catch {
      return ''
    }
  }
}
