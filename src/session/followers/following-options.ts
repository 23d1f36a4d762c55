import type { LiveSession } from '../live-session'
import type { Message } from './message'
import type { Outbox } from './outbox'

export interface FollowingOptions {
  readonly live: LiveSession
  readonly outbox: Outbox
  readonly post: (message: Message) => void
  /** The epoch of the leader whose records were read. */
  readonly epoch: number
  /** How much of it was stored, if this tab was that leader. */
  readonly own: number | undefined
  /** Whether this tab has made records beyond what it read, as a migration does: no leader has those. */
  readonly beyond: boolean
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number
  /** A new leader's model is here, which began with the records up to `base`. `durable` says how much of the one before was stored. */
  readonly onLeader: (base: number, durable: number) => void
  /** Whether this tab may take the lead with what only it has: once, or two tabs could take it from each other for ever. */
  readonly mayLeadOn: () => boolean
  /** Keeps what is not answered for the next leader, where there is a page to do so. Returns whether it is kept. */
  readonly keep: (known: { readonly epoch: number; readonly base: number }) => boolean
  readonly onError: (error: unknown) => void
}
