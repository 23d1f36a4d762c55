import { StorageError } from '../storage-errors'
import type { Part } from './part'
import type { StoredPartInfo } from './storage'

/** Items of a list as they are stored: text or its bytes, with a right checksum. Parsed when somebody needs one of them. */
export class LatePart implements Part {
  readonly n: number
  readonly size: number
  readonly sum: number
  readonly weight: number
  readonly count: number
  readonly keys = undefined
  readonly apart: readonly number[] = []
  #stored: unknown
  readonly #parse: (stored: unknown) => unknown
  #values: readonly unknown[] | undefined

  constructor(
    [n, size, sum, count = 0]: StoredPartInfo,
    stored: unknown,
    parse: (stored: unknown) => unknown,
  ) {
    this.n = n
    this.size = this.weight = size
    this.sum = sum
    this.count = count
    this.#stored = stored
    this.#parse = parse
  }

  get values(): readonly unknown[] {
    return (this.#values ??= this.#read())
  }

  #read(): readonly unknown[] {
    let cause: unknown
    try {
      const { list } = this.#parse(this.#stored) as { readonly list?: unknown }
      if (Array.isArray(list) && list.length === this.count) {
        this.#stored = undefined
        return list
      }
    } catch (error) {
      cause = error
    }
    throw new StorageError(`part ${this.n} of a stored session cannot be read`, { cause })
  }
}

/** What reads the list on, a part at a time. */
export interface Unread {
  readonly parts: readonly LatePart[]
  /** Reads the list itself, which is quick once its parts are read. */
  readonly settle: () => void
}

/** Puts a list that is still to be read at a key of an object, as a getter with `item`. */
export function putLate(
  holder: object,
  key: string,
  parts: readonly LatePart[],
  made: (list: unknown[]) => void,
): Unread {
  let all: unknown[] | undefined
  const read = (): unknown[] => {
    if (all) return all
    const list = parts.flatMap((it) => it.values)
    made(list)
    return (all = list)
  }
  const set = function (this: object, value: unknown): void {
    // In a frozen object the getter stays.
    Reflect.defineProperty(this, key, { value, enumerable: true, configurable: true, writable: true })
  }
  const get = function (this: object): unknown[] {
    const list = read()
    set.call(this, list)
    return list
  }
  const item = (index: unknown): unknown => {
    if (all) return all[index as number]
    let from = 0
    for (const it of parts) {
      if ((index as number) < from + it.count) return it.values[(index as number) - from]
      from += it.count
    }
    return undefined
  }
  Object.defineProperty(holder, key, {
    get: Object.assign(get, { item }),
    set,
    enumerable: true,
    configurable: true,
  })
  return { parts, settle: () => void (holder as Record<string, unknown>)[key] }
}
