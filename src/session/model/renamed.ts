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

function walk(value: unknown, names: Renamed): unknown {
  if (Array.isArray(value)) return value.map((it) => walk(it, names))
  if (typeof value !== 'object' || value === null) return value
  const made: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    if (OPAQUE.has(key)) made[key] = inner
    else if (key === 'step' && typeof inner === 'string') made[key] = rename(inner, names)
    else if (Array.isArray(inner)) {
      const items = inner.map((it: unknown) => renamedItem(key, it, names))
      made[key] = /^(queues|gathered|buffers)$/.test(key) ? merged(items as Named[]) : items
    } else made[key] = walk(inner, names)
  }
  return made
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

/** An item that is a step's name, or is kept under one. */
function renamedItem(key: string, it: unknown, names: Renamed): unknown {
  if (typeof it === 'string') return /^(to|gather|passed)$/.test(key) ? rename(it, names) : it
  if (!Array.isArray(it)) return walk(it, names)
  const [name, list] = it as [string, unknown]
  if (key === 'buffers') return [renamedBuffer(name, names), list]
  return [/^(queues|gathered)$/.test(key) ? rename(name, names) : name, walk(list, names)]
}

/** See `bufferName`. */
function renamedBuffer(name: string, names: Renamed): string {
  const step = stepOf(name)
  return bufferName(rename(step, names), name.slice(bufferName(step, '').length))
}

function rename(step: string, names: Renamed): string {
  return Object.hasOwn(names, step) ? (names[step] as string) : step
}
