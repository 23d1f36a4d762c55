import { keysOf, type Box, type ExitOptions } from '../storage/exit-journal'
import { seal, unseal, type Tail } from '../storage/tail'
import type { Asked } from '../session/followers/message'
import { wrongInAsked } from '../session/model/saved-check'
import { listOf } from './place'

/** What one tab had asked for without an answer when it was left. */
export interface Left extends Pick<Tail, 'version' | 'base' | 'lineage' | 'at'> {
  readonly asked: readonly Asked[]
  readonly text: string
}

/**
 * What tabs had asked for when they were left: followers of their leader, and pages of the storage of a flow state. Each adds
 * its part to a list beside the exit journal, for the present or next leader, or the next page. Every operation keeps its
 * name, so it is done once, even if it was asked for directly as well.
 *
 * Each tab has a list of its own: tabs that are left at one instant may be of processes that have not heard what the others
 * write. In a box that does not show its keys they share one.
 */
export class Unanswered {
  readonly #options: ExitOptions
  readonly #own: string

  constructor(options: ExitOptions, by: string) {
    this.#options = options
    this.#own = options.key.replace(':', `@${encodeURIComponent(by)}:`)
  }

  /** Returns whether all of it is kept. */
  write(asked: Left['asked'], about: Omit<Tail, 'from' | 'records'>): boolean {
    const { key, serializer } = this.#options
    const records = asked.map((it, index) => ({ ...it, seq: index + 1 }))
    return seal(serializer, { ...about, records }, (text) => {
      const put = (to: string): void => this.#keep(to, [...this.#textsOf(to), text])
      put(this.#own)
      if (this.#keys.includes(this.#own)) return
      put(key)
      this.#keep(this.#own, [])
    })
  }

  read(): Promise<readonly Left[]> {
    const texts = this.#keys.flatMap((key) => this.#textsOf(key))
    return Promise.all(
      texts.map(async (text) => {
        const { records, ...about } = (await unseal(this.#options.serializer, text)) ?? nothing
        return { ...about, asked: (records as object[] as Asked[]).filter((it) => !wrongInAsked(it)), text }
      }),
    )
  }

  clear(read: readonly Left[]): void {
    try {
      for (const key of this.#keys) {
        const texts = this.#textsOf(key)
        const left = texts.filter((it) => !read.some(({ text }) => text === it))
        if (left.length < texts.length) this.#keep(key, left)
      }
    } catch {
      // The next leader takes it up again, and finds that it is done.
    }
  }

  get #keys(): string[] {
    const { box, key } = this.#options
    try {
      const others = keysOf(box() ?? {}).filter((it) => it !== key && listOf(it) === key)
      return [key, ...others]
    } catch {
      return []
    }
  }

  #textsOf(key: string): string[] {
    try {
      const texts: unknown = JSON.parse(this.#options.box()?.getItem(key) ?? '[]')
      return Array.isArray(texts) ? texts.filter((it) => typeof it === 'string') : []
    } catch {
      return []
    }
  }

  /** Throws where there is no place for it, or where that is forbidden or full. */
  #keep(key: string, texts: readonly string[]): void {
    const place = this.#options.box() as Box
    if (texts.length === 0) place.removeItem(key)
    else place.setItem(key, JSON.stringify(texts))
  }
}

/** A text that cannot be read asks for nothing, and is removed with the others. */
const nothing = { version: 0, base: 0, lineage: '', at: 0, records: [] as Tail['records'] }
