import type { Place } from './cutting'
import { LatePart, putLate, type Unread } from './late-part'
import { isPlain, type Part } from './part'
import type { StoredPartInfo } from './storage'

/** A snapshot put together from its parts. */
export interface Assembled {
  readonly value: unknown
  readonly parts: readonly Part[]
  /** Lists whose items are still text. */
  readonly unread: readonly Unread[]
}

/** Decodes the part with that number, or throws; a LatePart is decoded when it is needed. */
export type DecodePart = (info: StoredPartInfo) => Promise<unknown>

/** Puts the entries of all parts where they belong. Throws when they do not fit together, because stored data may be anything. */
export async function assembled(
  envelope: unknown,
  infos: readonly StoredPartInfo[],
  decode: DecodePart,
  made: (list: unknown[]) => void = () => {},
): Promise<Assembled> {
  const { value, places } = envelope as { readonly value: unknown; readonly places: readonly Place[] }
  const decoded = new Map<number, unknown>()
  const contents = await Promise.all(infos.map(decode))
  const known = new Map(infos.map((it) => [it[0], it]))
  for (const [at, [n]] of infos.entries()) decoded.set(n, contents[at])
  const below = new Map<string, Set<string>>()
  for (const [, path] of places) {
    const above = JSON.stringify(path.slice(0, -1))
    below.set(above, (below.get(above) ?? new Set()).add(String(path.at(-1))))
  }
  const parts = new Map<number, Part>()
  const lists = new Lists(places, decoded, made)
  for (const [n, path] of places) {
    const info = known.get(n)
    if (info === undefined) throw new TypeError(`part ${n} is missing`)
    const inner = below.get(JSON.stringify(path))
    const content = decoded.get(n)
    if (content instanceof LatePart) parts.set(n, content)
    if (!inner && lists.put(value, path)) continue
    const run = fill(
      containerAt(value, path),
      content instanceof LatePart ? { list: content.values } : content,
      inner,
    )
    parts.set(n, { n, size: info[1], weight: info[1], sum: info[2], ...run })
  }
  return { value, parts: [...parts.values()], unread: lists.unread }
}

/** The lists that can wait until somebody needs their items, because all of their parts can. */
class Lists {
  readonly unread: Unread[] = []
  readonly #lists = new Map<string, LatePart[] | undefined>()
  readonly #put = new Set<string>()
  readonly #made: (list: unknown[]) => void

  constructor(
    places: readonly Place[],
    decoded: ReadonlyMap<number, unknown>,
    made: (list: unknown[]) => void,
  ) {
    this.#made = made
    for (const [n, path] of places) {
      const key = JSON.stringify(path)
      const part = decoded.get(n)
      const before = this.#lists.has(key) ? this.#lists.get(key) : []
      this.#lists.set(key, part instanceof LatePart ? before && [...before, part] : undefined)
    }
  }

  /** Returns whether the unread list at that path is in place now. Only an object can hold one, and not the topmost. */
  put(value: unknown, path: readonly string[]): boolean {
    const text = JSON.stringify(path)
    const parts = this.#lists.get(text)
    const above = path.slice(0, -1)
    const key = path.at(-1)
    if (this.#put.has(text)) return true
    if (parts === undefined || key === undefined || above.length === 0) return false
    const holder = containerAt(value, above)
    const list = containerAt(value, path)
    if (!isPlain(holder) || Array.isArray(holder) || !Array.isArray(list) || list.length > 0) return false
    this.unread.push(putLate(holder, key, parts, this.#made))
    this.#put.add(text)
    return true
  }
}

function containerAt(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const key of path) {
    if (!isPlain(here) || !Object.hasOwn(here, key)) throw new TypeError('a part has no place')
    here = (here as Record<string, unknown>)[key]
  }
  return here
}

/** Adds the entries of a part to the container that they were cut from. */
function fill(
  container: unknown,
  content: unknown,
  below: ReadonlySet<string> = new Set(),
): Pick<Part, 'keys' | 'values' | 'apart'> {
  const { list, map } = content as { readonly list?: unknown; readonly map?: unknown }
  if (Array.isArray(container) && Array.isArray(list)) {
    const from = container.length
    for (const it of list) container.push(it)
    const apart = below.size === 0 ? [] : [...list.keys()].filter((it) => below.has(String(from + it)))
    return { keys: undefined, values: list, apart }
  }
  if (!isPlain(container) || Array.isArray(container) || !isPlain(map) || Array.isArray(map))
    throw new TypeError('a part does not fit its place')
  const keys = Object.keys(map)
  for (const key of keys) {
    if (key === '__proto__') throw new TypeError('a part has a key "__proto__"')
    ;(container as Record<string, unknown>)[key] = (map as Record<string, unknown>)[key]
  }
  return {
    keys,
    values: Object.values(map),
    apart: [...keys.keys()].filter((it) => below.has(keys[it] as string)),
  }
}
