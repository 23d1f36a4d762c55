import type { Privacy } from './privacy'
import type { SessionRecord } from './record'

/** What every entry says. */
interface Stamped {
  /** What `rewind` and `fork` take. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** What started the run, was sent, or (of type `opened`) asks; waits and effects are opened without one. */
  readonly event?: { readonly type: string; readonly data?: unknown }
  readonly [detail: string]: unknown
}

/** Fields of records that are for the fold, and typed for nobody else. */
type Unnamed = 'past' | 'ops' | 'child' | 'record' | 'first' | 'names' | 'private' | 'by' | 'n' | 'worked'

type EntryOf<R> = R extends SessionRecord
  ? Stamped & {
      readonly [
        K in keyof R as K extends Unnamed ? never : K extends 'kind' ? 'type' : K extends 'type' ? 'point' : K
      ]: R[K]
    }
  : never

/**
 * One thing that happened to a session: the kind of its record as `type`, and the other fields of the record, which that
 * `type` types. `snapshot` stands for everything before the first record that is kept.
 */
export type HistoryEntry = EntryOf<SessionRecord> | (Stamped & { readonly type: 'snapshot' })

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
