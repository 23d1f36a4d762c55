import type { Core } from '../core'
import type { SavedSession } from '../model/saved-session'
import type { Shown } from './message'

/**
 * Whether a new leader has heard of nobody and has begun another session, without a run. When nothing of the two is `stored`,
 * this one is only in the tabs that have heard it.
 */
export function isOnlyHere(
  { history }: Core,
  stored: number,
  model: SavedSession | undefined,
  { status }: Shown,
): boolean {
  const [first] = history.since(0)
  if (first?.kind !== 'created' || !model || status !== 'idle' || stored > 0) return false
  // After a reset or a rewind it has another lineage as well, but the same beginning.
  const other = model.history?.records[0]
  return model.seq === 0 || (other?.kind === 'created' && other.lineage !== first.lineage)
}

/**
 * Whether a new leader, which storage does not answer, has begun another session, while this one is `stored`. One of them gives
 * way when storage answers: nothing of this one is lost to the other before that.
 */
export function isAside(
  { model: own }: Core,
  stored: number,
  model: SavedSession | undefined,
  { persistence }: Shown,
): boolean {
  return (
    stored > 0 && persistence.status === 'degraded' && model !== undefined && model.lineage !== own.lineage
  )
}
