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

/** A list or object that was cut, with its parts in order, and which of its entries have parts of their own. */
interface Cut {
  readonly path: readonly string[]
  readonly numbers: number[]
  readonly below: Set<string>
}

/** Puts the entries of all parts where they belong. Throws when they do not fit together, because stored data may be anything. */
export async function assembled(
  envelope: unknown,
  infos: readonly StoredPartInfo[],
  decode: DecodePart,
  made: (list: unknown[]) => void = () => {},
): Promise<Assembled> {
  const { value, places } = envelope as { readonly value: unknown; readonly places: readonly Place[] }
  const contents = await Promise.all(infos.map(decode))
  const at = new Map(infos.map(([n], index) => [n, index]))
  const parts = new Map<number, Part>()
  const unread: Unread[] = []
  for (const { path, numbers, below } of cutIn(places)) {
    const own = numbers.map((n) => contents[at.get(n) ?? misfit()])
    const late = below.size === 0 && own.every((it) => it instanceof LatePart) && own
    const holder = late && holderOf(value, path)
    if (late && holder) {
      unread.push(putLate(holder, path.at(-1) as string, late, made))
      for (const it of late) parts.set(it.n, it)
    } else
      for (const [index, n] of numbers.entries()) {
        const [, size, sum] = infos[at.get(n) as number] as StoredPartInfo
        parts.set(n, { n, size, weight: size, sum, ...fill(containerAt(value, path), own[index], below) })
      }
  }
  return { value, parts: [...parts.values()], unread }
}

/** Those further up come first. */
function cutIn(places: readonly Place[]): Iterable<Cut> {
  const all = new Map<string, Cut>()
  for (const [n, path] of places) {
    const key = JSON.stringify(path)
    const cut = all.get(key) ?? { path, numbers: [], below: new Set<string>() }
    cut.numbers.push(n)
    all.set(key, cut)
  }
  for (const { path } of all.values())
    all.get(JSON.stringify(path.slice(0, -1)))?.below.add(String(path.at(-1)))
  return all.values()
}

/** Which part does not fit, nobody could use: all of the session is refused. */
function misfit(): never {
  throw new TypeError('a part does not fit')
}

/** What may hold a list that stays unread, if the one at that path may. Only an object can, and not the topmost. */
function holderOf(value: unknown, path: readonly string[]): object | undefined {
  const list = containerAt(value, path)
  const holder = containerAt(value, path.slice(0, -1))
  const isFit = path.length > 1 && !Array.isArray(holder) && Array.isArray(list) && list.length === 0
  return isFit ? (holder as object) : undefined
}

function containerAt(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const key of path) {
    if (!isPlain(here) || !Object.hasOwn(here, key)) misfit()
    here = (here as Record<string, unknown>)[key]
  }
  return here
}

/** Adds the entries of a part to the container that they were cut from. */
function fill(
  container: unknown,
  content: unknown,
  below: ReadonlySet<string>,
): Pick<Part, 'keys' | 'values' | 'apart'> {
  if (content instanceof LatePart) content = { list: content.values }
  const { list, map } = content as { readonly list?: unknown; readonly map?: unknown }
  if (Array.isArray(container) && Array.isArray(list)) {
    const from = container.length
    for (const it of list) container.push(it)
    const apart = below.size === 0 ? [] : [...list.keys()].filter((it) => below.has(String(from + it)))
    return { keys: undefined, values: list, apart }
  }
  if (!isPlain(container) || Array.isArray(container) || !isPlain(map) || Array.isArray(map)) return misfit()
  const keys = Object.keys(map)
  for (const key of keys) {
    if (key === '__proto__') misfit()
    ;(container as Record<string, unknown>)[key] = (map as Record<string, unknown>)[key]
  }
  const apart = [...keys.keys()].filter((it) => below.has(keys[it] as string))
  return { keys, values: Object.values(map), apart }
}
