import type { LiveSession } from './live-session'
import type { Message } from './message'
import type { Outbox } from './outbox'

export interface FollowingOptions {
  readonly live: LiveSession
  readonly outbox: Outbox
  readonly post: (message: Message) => void
  /** Of the leader whose records were read. */
  readonly epoch: number
  /** Whether they are this tab's own: it was the leader. */
  readonly own: boolean
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number
  /** A model from another leader than before is here: it began with those up to `base`. Of what was before, so much was stored. */
  readonly onLeader: (base: number, durable: number) => void
  /** Keeps what is not answered for whoever executes next, where there is a page to do so. Whether it has. */
  readonly keep: (known: { readonly epoch: number; readonly base: number }) => boolean
  readonly onError: (error: unknown) => void
}
