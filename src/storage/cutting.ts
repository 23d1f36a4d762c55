import { isPlain, weigh } from './part'
import type { Container, Part, Parts, Run } from './part'

/** A value of fewer parts than this is stored whole, in one write of some milliseconds. */
const WHOLE = 9

/** Where the entries of a part go: the keys from the top to their container. */
export type Place = readonly [n: number, path: readonly string[]]

/** A value in parts: the rest of it, and where the parts go, in this order. */
export interface Parted {
  readonly value: unknown
  readonly places: readonly Place[]
  readonly parts: readonly Part[]
}

/**
 * Cuts a large value into runs of the entries of its large containers. It yields each run that is not stored yet, and the
 * caller gives back the stored part, so that there is time for others between two runs. Returns nothing for a value that is
 * small enough to stay whole.
 */
export function* cut(value: unknown, known: Parts): Generator<Run, Parted | undefined, Part> {
  if (!isPlain(value) || weigh(value, known.size * WHOLE) < known.size * WHOLE) return undefined
  const used: Used = { known, places: [], parts: new Set() }
  const left = yield* cutContainer(value, [], used)
  return { value: left, places: used.places, parts: [...used.parts] }
}

/** The stored form of a run: never a list, because a list means records. */
export function storedRun(run: Run): { readonly list: unknown } | { readonly map: unknown } {
  return run.keys ? { map: contentOf(run) } : { list: contentOf(run) }
}

interface Used {
  readonly known: Parts
  readonly places: Place[]
  readonly parts: Set<Part>
}

type Entries = Pick<Run, 'keys' | 'values'>

/** The rest of a container that is in no part: its few entries beside the large ones, or none. */
function* cutContainer(
  container: Container,
  path: readonly string[],
  used: Used,
): Generator<Run, unknown, Part> {
  const entries = entriesOf(container)
  const { keys, values } = entries
  const all = runOf(entries, 0, used.known)
  // The last entry may be the large one.
  if (all.values.length < values.length || all.weight >= used.known.least) {
    yield* cutRuns(entries, path, used)
    return keys ? {} : []
  }
  const left = [...values]
  for (const at of all.apart)
    left[at] = yield* cutContainer(values[at] as Container, [...path, keyOf(entries, at)], used)
  return containerOf(keys, left)
}

function* cutRuns(
  entries: Entries,
  path: readonly string[],
  { known, places, parts }: Used,
): Generator<Run, void, Part> {
  const { values } = entries
  const below: number[] = []
  // A part with an empty container in it would be filled twice if it were in two places.
  const usable = (it: Part): boolean => it.apart.length === 0 || !parts.has(it)
  for (let at = 0; at < values.length;) {
    let part = known.find(entries, at, usable)
    if (part === undefined) {
      part = yield runOf(entries, at, known, (from) => known.find(entries, from, usable) !== undefined)
      known.add(part)
    }
    for (const it of part.apart) below.push(at + it)
    parts.add(part)
    places.push([part.n, path])
    at += part.values.length
  }
  for (const at of below) {
    const inner = entriesOf(values[at] as Container)
    yield* cutRuns(inner, [...path, keyOf(entries, at)], { known, places, parts })
  }
}

/**
 * The entries from `from` on that make a part together: as many as are worth a value of their own, then on to where `ends` says
 * that another part may begin, which it may anywhere by default.
 */
function runOf(
  { keys, values }: Entries,
  from: number,
  { size, least }: Parts,
  ends: (at: number) => boolean = () => true,
): Run {
  const apart: number[] = []
  let weight = 0
  let at = from
  do {
    const value = values[at]
    const own = weigh(value, size)
    if (own >= size && isPlain(value)) apart.push(at - from)
    else weight += own
    weight += keys?.[at]?.length ?? 0
    at++
  } while (at < values.length && (weight < least || (weight < size && !ends(at))))
  return { keys: keys?.slice(from, at), values: values.slice(from, at), apart, weight }
}

function entriesOf(container: Container): Entries {
  return Array.isArray(container)
    ? { keys: undefined, values: container }
    : { keys: Object.keys(container), values: Object.values(container) }
}

function keyOf({ keys }: Entries, at: number): string {
  return keys?.[at] ?? String(at)
}

function contentOf({ keys, values, apart }: Run): unknown {
  const content = [...values]
  for (const at of apart) content[at] = Array.isArray(values[at]) ? [] : {}
  return containerOf(keys, content)
}

function containerOf(keys: readonly string[] | undefined, values: readonly unknown[]): unknown {
  return keys ? Object.fromEntries(keys.map((key, at) => [key, values[at]])) : values
}
