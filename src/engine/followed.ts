import type { LiveSession } from '../session/live-session'
import type { SessionRecord } from '../session/model/record'
import type { Found } from './finding'
import { isKnown } from './overtaken'
import type { Surroundings } from './surroundings'

/**
 * Where storage is silent: the session as its last leader has told it, for this tab to go on from. Nothing when this tab
 * is not to execute, or may not have heard everything.
 */
export async function followed({ core }: LiveSession, around: Surroundings): Promise<Found | undefined> {
  const { tabs, page } = around
  const tail = await page?.left()
  const { following } = tabs
  const last = tail?.records.at(-1) as SessionRecord | undefined
  if (!tabs.leads || !following?.heardOf) return undefined
  const { durable: seq, heardOf: epoch, welcomed, persistence } = following
  // A page from the cache may have missed what another tab has stored. Below 1, no storage has given an epoch to anybody.
  if (!welcomed && epoch >= 1) return undefined
  // What was left must be known here: from its writer, or because it is stored.
  if (seq > core.model.seq || (last && last.seq > seq && !isKnown(last, core))) return undefined
  const { savedAt = 0 } = persistence
  const head = { epoch, seq, savedAt, snapshot: 0, journal: 0, batches: 0 }
  const parted = { parts: [], newest: 0 }
  const loaded = { head, sizes: head, parted }
  return { loaded, model: undefined, history: core.history, epoch: undefined, tail }
}
