import type { SavedModel } from './saved-model'
import type { SavedSession } from './saved-session'
import type { SessionRecord } from './record'

/** The new names of steps, by the old ones. */
export type Renamed = Readonly<Record<string, string>>

/** What belongs to users: no name of a step is looked for in there. */
const OPAQUE = new Set(['data', 'value', 'state', 'ops', 'back', 'roots', 'result', 'error', 'reason'])

/** A record as it would stand there had its steps always had their new names. */
export function renamedRecord(record: SessionRecord, names: Renamed): SessionRecord {
  return walk(record, names) as SessionRecord
}

/** The same of a snapshot, with its history. */
export function renamedSession(saved: SavedSession, names: Renamed): SavedSession {
  const { history, ...rest } = walk(saved, names) as SavedSession
  const model = renamedTables(rest, names)
  const base = history?.base && renamedTables(history.base, names)
  return { ...model, ...(history && { history: { ...history, ...(base && { base }) } }) }
}

/** What stands under a step's name. */
function renamedTables<T extends Pick<SavedModel, 'queues' | 'buffers'>>(saved: T, names: Renamed): T {
  return {
    ...saved,
    queues: saved.queues.map(([step, events]) => [rename(step, names), events] as const),
    // A buffer's name begins with its step's.
    buffers: saved.buffers.map(([name, events]) => {
      const end = name.lastIndexOf('/')
      return [rename(name.slice(0, end), names) + name.slice(end), events] as const
    }),
  }
}

function walk(value: unknown, names: Renamed): unknown {
  if (Array.isArray(value)) return value.map((it) => walk(it, names))
  if (typeof value !== 'object' || value === null) return value
  const made: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    if (OPAQUE.has(key)) made[key] = inner
    else if (key === 'step' && typeof inner === 'string') made[key] = rename(inner, names)
    else if ((key === 'to' || key === 'gather') && Array.isArray(inner))
      made[key] = inner.map((it) => (typeof it === 'string' ? rename(it, names) : walk(it, names)))
    else if (key === 'gathered' && Array.isArray(inner))
      made[key] = inner.map((it: unknown) =>
        Array.isArray(it) ? [rename(it[0] as string, names), walk(it[1], names)] : it,
      )
    else made[key] = walk(inner, names)
  }
  return made
}

function rename(step: string, names: Renamed): string {
  return Object.hasOwn(names, step) ? (names[step] as string) : step
}
