import type { Clock } from '../clock'
import type { AskedBefore } from '../session/followers/message'
import type { LiveSession } from '../session/live-session'
import type { Channels } from '../tabs/channel'
import type { Locks } from '../tabs/locks'

export interface MembershipOptions {
  readonly live: LiveSession
  /** Names the lock and the channel: the same for the same session in the same storage. */
  readonly place: string
  /** Of the workflow: tabs with other code are not understood. */
  readonly version: number
  /** Names this tab. */
  readonly by: string
  readonly clock: Clock
  readonly timeout: number
  readonly locks: Locks | undefined
  readonly channels: Channels | undefined
  /** Reads the session and claims it for this tab. */
  readonly load: () => Promise<void>
  /** Checks whether the session that this tab leads is still stored. */
  readonly doubt: () => Promise<void>
  /** Keeps what this tab has asked of another one for the next leader. Returns whether it is kept. */
  readonly keep: (known: { readonly epoch: number; readonly base: number }) => boolean
  /** What tabs that were left had asked of this session, when it was read. */
  readonly left: () => readonly AskedBefore[]
  readonly report: (error: unknown) => void
  readonly onError: (error: unknown) => void
}
