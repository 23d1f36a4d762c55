import { keptText } from './kept-text'
import type { Kind, Shelf } from './sessions'
import type { TextArea } from './web-storage'

/** One item of the area: what was read, and its lines by kind and number. */
interface Item {
  readonly key: string
  readonly before: string | null
  readonly lines: Map<string, string>
  changed: boolean
}

/**
 * A transaction on an area of texts. A session is one item with a line for each value: kind, number, JSON. The head is the
 * first line, so that a list parses nothing else. Writes are kept here until `land`, which writes only if everything that was
 * read is still the same.
 */
export class TextSheet implements Shelf {
  readonly #area: TextArea
  readonly #name: string
  readonly #items = new Map<string, Item>()

  constructor(area: TextArea, name: string) {
    this.#area = area
    this.#name = name
  }

  async get(kind: Kind, id: string, n: number): Promise<unknown> {
    const text = this.#item(kind, id).lines.get(kind + n)
    return text === undefined ? undefined : parsed(text)
  }

  async all(kind: Kind, id?: string): Promise<unknown[]> {
    const items = id === undefined ? this.#starting('') : [this.#item(kind, id)]
    return items.flatMap(({ lines }) =>
      numbersIn(lines, kind).map((n) => parsed(lines.get(kind + n) as string)),
    )
  }

  async numbers(kind: Kind, id: string): Promise<number[]> {
    return numbersIn(this.#item(kind, id).lines, kind)
  }

  put(kind: Kind, id: string, n: number, value: unknown): void {
    const item = this.#item(kind, id)
    item.lines.set(kind + n, keptText(value))
    item.changed = true
  }

  cut(kind: Kind, id: string, n: number, save?: readonly number[]): void {
    remove(this.#item(kind, id), kind, n, save)
  }

  clear(kind: Kind, prefix: string): void {
    for (const item of this.#starting(prefix)) remove(item, kind, Infinity)
  }

  /** Writes what was put; `false`, and nothing is written, when another tab has changed what was read. */
  land(): boolean {
    const area = this.#area
    const items = [...this.#items.values()]
    if (items.some((it) => area.getItem(it.key) !== it.before)) return false
    const written: Item[] = []
    try {
      for (const item of items.filter((it) => it.changed)) {
        store(area, item.key, item.lines.size > 0 ? textOf(item.lines) : null)
        written.push(item)
      }
    } catch (error) {
      // The area is full: what was there before has room again.
      for (const { key, before } of written) store(area, key, before)
      throw error
    }
    return true
  }

  #item(kind: Kind, id: string): Item {
    // A value that belongs to no session has a key that no session has.
    return this.#at(kind === 'e' ? this.#name : `${this.#name}/${id}`)
  }

  #at(key: string): Item {
    let item = this.#items.get(key)
    if (item === undefined) {
      const before = this.#area.getItem(key)
      item = { key, before, lines: linesOf(before ?? ''), changed: false }
      this.#items.set(key, item)
    }
    return item
  }

  /** The items of all sessions whose id begins like this. */
  #starting(prefix: string): Item[] {
    const keys = Array.from({ length: this.#area.length }, (_, at) => this.#area.key(at) ?? '')
    return keys.filter((key) => key.startsWith(`${this.#name}/${prefix}`)).map((key) => this.#at(key))
  }
}

/** Removes the numbers up to `n`, except those in `save`. */
function remove(item: Item, kind: Kind, n: number, save: readonly number[] = []): void {
  for (const line of item.lines.keys()) {
    const at = Number(line.slice(1))
    if (line.startsWith(kind) && at <= n && !save.includes(at)) item.changed = item.lines.delete(line)
  }
}

function numbersIn(lines: ReadonlyMap<string, string>, kind: Kind): number[] {
  const keys = [...lines.keys()].filter((it) => it.startsWith(kind))
  return keys.map((it) => Number(it.slice(1)))
}

function store(area: TextArea, key: string, text: string | null): void {
  if (text === null) area.removeItem(key)
  else area.setItem(key, text)
}

function linesOf(text: string): Map<string, string> {
  const lines = new Map<string, string>()
  for (const line of text === '' ? [] : text.split('\n')) {
    const [, key, json] = /^([a-z]\d+) (.*)$/s.exec(line) ?? []
    // A foreign line does not count as nothing: it is read as a batch that nobody can decode.
    if (key === undefined || json === undefined) lines.set('j0', `${lines.get('j0') ?? ''}${line}`)
    else lines.set(key, json)
  }
  return lines
}

function textOf(lines: ReadonlyMap<string, string>): string {
  const head = lines.has('h0') ? ['h0'] : []
  const keys = [...head, ...[...lines.keys()].filter((it) => it !== 'h0')]
  return keys.map((key) => `${key} ${lines.get(key)}`).join('\n')
}

/** Damaged text is passed on as it is: the load refuses it, and sets it aside. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
