import { bufferName, stepOf } from './model'

/** The new names of steps, by the old ones. */
export type Renamed = Readonly<Record<string, string>>

/** Parts that belong to users, and sub-flows, whose steps are their own. No names of steps are looked for in these. */
const OPAQUE = new Set([
  'data',
  'value',
  'state',
  'ops',
  'back',
  'roots',
  'result',
  'error',
  'reason',
  'begin',
  'child',
  'flow',
  'record',
])

/** A record, or a snapshot with its history, as it would be if the steps had always had their new names. */
export function renamed<T>(value: T, names: Renamed | undefined): T {
  return names ? (walk(value, names) as T) : value
}

/** `name`: the key under which the value, or the list that it is in, is kept. */
function walk(value: unknown, names: Renamed, name = ''): unknown {
  if (typeof value === 'string') return /^(step|to|gather|passed)$/.test(name) ? rename(value, names) : value
  if (typeof value !== 'object' || value === null || OPAQUE.has(name)) return value
  if (Array.isArray(value)) {
    if (!/^(queues|gathered|buffers)$/.test(name)) return value.map((it) => walk(it, names, name))
    const renamedKey = name === 'buffers' ? renamedBuffer : rename
    return merged(
      (value as Named[]).map(([key, list]) => [renamedKey(key, names), walk(list, names) as Named[1]]),
    )
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, names, key)]))
}

type Named = readonly [name: string, list: readonly { readonly id?: number }[]]

/** Steps that have the same new name share their events, the oldest first. */
function merged(lists: readonly Named[]): Named[] {
  const all = new Map<string, Named[1]>()
  for (const [name, list] of lists) {
    const before = all.get(name)
    all.set(name, before ? [...before, ...list].sort((a, b) => (a.id ?? 0) - (b.id ?? 0)) : list)
  }
  return [...all]
}

/** See `bufferName`. */
function renamedBuffer(name: string, names: Renamed): string {
  const step = stepOf(name)
  return bufferName(rename(step, names), name.slice(bufferName(step, '').length))
}

/** The name that a step has now. */
export function rename(step: string, names: Renamed = {}): string {
  return Object.hasOwn(names, step) ? (names[step] as string) : step
}
