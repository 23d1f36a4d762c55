import type { Privacy } from './privacy'
import type { SessionRecord } from './record'

/**
 * One thing that happened to a session: the kind of its record as `type`, and the other fields of the record. `snapshot`
 * stands for everything before the first record that is kept.
 */
export interface HistoryEntry {
  /** What `rewind` and `fork` take. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly type: 'snapshot' | SessionRecord['kind']
  /** What started the run, was sent, or (of type `opened`) asks; waits and effects are opened without one. */
  readonly event?: { readonly type: string; readonly data?: unknown }
  readonly [detail: string]: unknown
}

/**
 * The type of a recorded point is given as `point`. What a rewind carries is left out, because it is no news. Private values
 * are left out, because whoever reads a history shows it, logs it or sends it somewhere.
 */
export function entryOf(record: SessionRecord, privacy: Privacy): HistoryEntry {
  const {
    seq,
    at,
    kind,
    type: point,
    past: _,
    ...details
  } = privacy.record(record) as SessionRecord & {
    readonly type?: string
    readonly past?: unknown
  }
  const entry: Record<string, unknown> = {
    seq,
    at,
    type: kind,
    ...(point !== undefined && { point }),
    ...details,
  }
  // A field edit may still grow.
  if (Array.isArray(entry['ops'])) entry['ops'] = Object.freeze([...(entry['ops'] as unknown[])])
  return Object.freeze(entry) as unknown as HistoryEntry
}
