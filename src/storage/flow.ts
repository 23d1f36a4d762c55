import { checksum, sumOf } from './checksum'
import { FORMAT } from './format'
import { mustBeKnown, mustBeWhole } from './refusal'
import { decoded } from './stored-value'
import { serialized } from './serialized'
import type { Serializer } from './serializer'
import type { StoredFlow } from './storage'

/** A flow state as it is stored, decoded. */
export interface LoadedFlow {
  readonly seq: number
  /** The names of the newest writes in it. */
  readonly applied: readonly string[]
  readonly state: unknown
}

/** What is stored of a flow state that nobody has written. */
export const NOTHING: Pick<LoadedFlow, 'seq' | 'applied'> = { seq: 0, applied: [] }

/** A page's write, by what identifies it in the stored value. */
export interface NamedWrite {
  /** The page that made it, and its number there. The stored value has the highest number of each page. 0: no name. */
  readonly by: string
  readonly n: number
  /** The name of a step's write, which no page makes twice. */
  readonly key: string | undefined
}

/** How many names of writes are kept, for a page that died before it had an answer. */
const MOST_NAMES = 64

/** The names of the newest writes, with these added: those of pages by their highest number, those of steps one by one. */
export function named(before: readonly string[], writes: readonly NamedWrite[]): string[] {
  const keys = writes.map((it) => it.key).filter((it) => it !== undefined)
  const highest = new Map(writes.filter(({ n }) => n > 0).map(({ by, n }) => [by, n]))
  const others = before.filter((it) => !highest.has(it.slice(0, it.lastIndexOf('#'))))
  return [...others, ...keys, ...[...highest].map(([by, n]) => `${by}#${n}`)].slice(-MOST_NAMES)
}

/** Whether a write is among those named. */
export function isNamed(names: readonly string[], { by, n, key }: NamedWrite): boolean {
  const highest = names.find((it) => it.startsWith(`${by}#`))?.slice(by.length + 1)
  return (n > 0 && n <= Number(highest ?? 0)) || (key !== undefined && names.includes(key))
}

/** Whether the first names tell of all the writes of which the others do. */
export function hasAll(names: readonly string[], others: readonly string[]): boolean {
  return others.every((it) => isNamed(names, writeOf(it)))
}

/** Whether there is a page, or a step's write, of which both tell. */
export function shareAny(names: readonly string[], others: readonly string[]): boolean {
  return others.some((it) => isNamed(names, { ...writeOf(it), n: 1 }))
}

function writeOf(key: string): NamedWrite {
  const at = key.lastIndexOf('#')
  return { by: key.slice(0, at), n: Number(key.slice(at + 1)), key }
}

/** The number of the next write: higher, and unlikely to be the one that another page takes at the same moment. */
export function nextSeq({ seq }: LoadedFlow, now: number, name: string): number {
  // After a removal the count goes on from the time, so that no page takes a new value for an old one.
  return (seq || Math.floor(now)) + 1 + (checksum(name) % 1000)
}

/** Whose flow state it is. */
interface Owner {
  readonly name: string
  readonly version: number
}

export async function encodeFlow(
  { seq, applied, state }: LoadedFlow,
  { name: workflow, version }: Owner,
  deps: Parameters<typeof serialized>[0],
): Promise<StoredFlow> {
  const at = deps.clock.now()
  const data = await serialized(deps, state, `flow state "${workflow}"`)
  return { format: FORMAT, workflow, version, seq, at, applied, data, sum: sumOf(data) }
}

/** Throws a Refusal for what is newer or damaged. */
export async function decodeFlow(
  stored: StoredFlow,
  { version }: Owner,
  serializer: Serializer,
): Promise<LoadedFlow> {
  const { seq, applied } = stored
  mustBeKnown('format', stored.format, FORMAT)
  mustBeKnown('version', stored.version, version)
  mustBeWhole(Number.isSafeInteger(seq) && Array.isArray(applied), 'number or list of writes')
  return { seq, applied, state: await decoded(stored, serializer) }
}
