import { ExitJournal, type Box, type ExitOptions, type Tail } from '../storage/exit-journal'
import type { Asked } from '../session/followers/message'
import { wrongInAsked } from '../session/model/saved-check'

/** What one tab had asked for without an answer when it was left. */
export interface Left extends Pick<Tail, 'version' | 'base' | 'lineage' | 'at'> {
  readonly asked: readonly Asked[]
  readonly text: string
}

/**
 * What tabs had asked for when they were left: followers of their leader, and pages of the storage of a flow state. Each adds
 * its part to a list beside the exit journal, for the present or next leader, or the next page. Every operation keeps its
 * name, so it is done once, even if it was asked for directly as well.
 */
export class Unanswered {
  readonly #options: ExitOptions

  constructor(options: ExitOptions) {
    this.#options = options
  }

  /** Returns whether it is kept. */
  write(asked: Left['asked'], about: Omit<Tail, 'from' | 'records'>): boolean {
    const records = asked.map((it, index) => ({ ...it, seq: index + 1 }))
    const add = (_: string, text: string): void => this.#keep([...this.#texts, text])
    return this.#sheet({ setItem: add }).write({ ...about, records })
  }

  async read(): Promise<readonly Left[]> {
    const found: Left[] = []
    for (const text of this.#texts) {
      const {
        version = 0,
        base = 0,
        lineage = '',
        at = 0,
        records = [],
      } = (await this.#sheet({ getItem: () => text }).read()) ?? {}
      found.push({
        version,
        base,
        lineage,
        at,
        asked: (records as object[] as Asked[]).filter((it) => !wrongInAsked(it)),
        text,
      })
    }
    return found
  }

  clear(read: readonly Left[]): void {
    try {
      this.#keep(this.#texts.filter((it) => !read.some(({ text }) => text === it)))
    } catch {
      // The next leader takes it up again, and finds that it is done.
    }
  }

  #sheet(box: object): ExitJournal {
    return new ExitJournal({ ...this.#options, box: () => box as ReturnType<ExitOptions['box']> })
  }

  get #texts(): string[] {
    try {
      const texts: unknown = JSON.parse(this.#options.box()?.getItem(this.#options.key) ?? '[]')
      return Array.isArray(texts) ? texts.filter((it) => typeof it === 'string') : []
    } catch {
      return []
    }
  }

  /** Throws where there is no place for it, or where that is forbidden or full. */
  #keep(texts: readonly string[]): void {
    const { box, key } = this.#options
    const place = box() as Box
    if (texts.length === 0) place.removeItem(key)
    else place.setItem(key, JSON.stringify(texts))
  }
}
