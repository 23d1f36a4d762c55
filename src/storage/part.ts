import { sizeOf } from './size'

/** A list or an object: what can be cut into runs of entries. */
export type Container = readonly unknown[] | Readonly<Record<string, unknown>>

/** A run of entries of one container, which is stored as one value. */
export interface Run {
  /** The keys of an object's entries; a list has none. */
  readonly keys: readonly string[] | undefined
  readonly values: readonly unknown[]
  /** Which of the values are empty containers here, because their entries are in parts of their own. */
  readonly apart: readonly number[]
  /** About how many characters it has. */
  readonly weight: number
}

/** A run that is stored. */
export interface Part extends Run {
  readonly n: number
  readonly size: number
  readonly sum: number
}

/** About so many characters are one part: a millisecond of work, and small enough for Chromium to keep it out of a file. */
const PART = 114_688

/** Whether a value is a list or a plain object, whose entries a part may hold. */
export function isPlain(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The parts that are stored already. A run of the same values, which never change, is not stored again. */
export class Parts {
  /** Not looked through before one is needed, because a page that was just opened has not read them all. */
  #unsorted: readonly Part[]
  readonly #byFirst = new Map<unknown, Part[]>()
  /** About how many characters a part has. */
  readonly size: number

  constructor(parts: readonly Part[] = [], size: number = PART) {
    this.#unsorted = parts
    this.size = size
  }

  add(part: Part): void {
    const [first] = part.values
    const others = this.#byFirst.get(first)
    if (others) others.push(part)
    else this.#byFirst.set(first, [part])
  }

  /** A smaller part is not worth a value of its own: it is stored again, together with new entries beside it. */
  get least(): number {
    return this.size / 16
  }

  /** The part that holds the entries from `at` on, and may be used where `usable` says so. */
  find(
    { keys, values }: Pick<Run, 'keys' | 'values'>,
    at: number,
    usable: (part: Part) => boolean,
  ): Part | undefined {
    for (const part of this.#unsorted) this.add(part)
    this.#unsorted = []
    return this.#byFirst
      .get(values[at])
      ?.find(
        (part) =>
          part.size >= this.least &&
          (part.keys === undefined) === (keys === undefined) &&
          part.values.every((it, index) => Object.is(it, values[at + index])) &&
          at + part.values.length <= values.length &&
          (part.keys?.every((it, index) => it === keys?.[at + index]) ?? true) &&
          usable(part),
      )
  }
}

/**
 * A blob is written with whatever holds it, but read only when somebody asks for its content. So a large one is worth a part of
 * its own, and no more: a journal may not grow by the size of what no load reads.
 */
const sizeOfBlob = (value: { readonly size?: unknown } | null): number =>
  Math.min(Number(value?.size) || 0, PART)

/** About how many characters a value is in JSON; counting ends beyond `limit`. */
export function weigh(value: unknown, limit: number): number {
  if (typeof value === 'string') return value.length + 3
  if (!isPlain(value)) return (typeof value === 'object' ? sizeOf(value) || sizeOfBlob(value) : 0) + 6
  let sum = 2
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && sum < limit; at++) sum += weigh(value[at], limit - sum)
    return sum
  }
  const map = value as Readonly<Record<string, unknown>>
  // Making a list of keys for each object took five times as long for the first megabyte that a page weighs.
  for (const key in map) {
    if (sum >= limit) break
    sum += key.length + 3 + weigh(map[key], limit - sum)
  }
  return sum
}
