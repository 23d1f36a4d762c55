import type { Place } from './cutting'
import { isContainer } from './part'
import type { Part } from './part'
import type { StoredPartInfo } from './storage'

/** A snapshot put together from its parts. */
export interface Assembled {
  readonly value: unknown
  readonly parts: readonly Part[]
}

/** Decodes the part with that number, or throws. */
export type DecodePart = (info: StoredPartInfo) => Promise<unknown>

/** Puts the entries of all parts where they belong. Throws for what does not fit together: it is data, whatever it says. */
export async function assembled(
  envelope: unknown,
  infos: readonly StoredPartInfo[],
  decode: DecodePart,
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
  for (const [n, path] of places) {
    const info = known.get(n)
    if (info === undefined) throw new TypeError(`part ${n} is missing`)
    const run = fill(containerAt(value, path), decoded.get(n), below.get(JSON.stringify(path)))
    parts.set(n, { n, size: info[1], weight: info[1], sum: info[2], ...run })
  }
  return { value, parts: [...parts.values()] }
}

function containerAt(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const key of path) {
    if (!isContainer(here) || !Object.hasOwn(here, key)) throw new TypeError('a part has no place')
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
  if (!isContainer(container) || Array.isArray(container) || !isContainer(map) || Array.isArray(map))
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
