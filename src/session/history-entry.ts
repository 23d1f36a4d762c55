import type { SessionRecord } from './record'

/**
 * One thing that happened to a session: the kind of its record as `type`, and what the record says beside it.
 * `snapshot` stands for everything before the first record that is kept.
 */
export interface HistoryEntry {
  /** What `rewind` and `fork` take. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly type: 'snapshot' | SessionRecord['kind']
  readonly [detail: string]: unknown
}

/** A recorded point has a type of its own: it stands under `point`. What a rewind carries is no news. */
export function entryOf(record: SessionRecord): HistoryEntry {
  const {
    seq,
    at,
    kind,
    type: point,
    past: _,
    ...details
  } = record as SessionRecord & {
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
