import type { Clock } from '../clock'
import type { Serializer } from '../storage/serializer'
import type { LimitedStorage } from '../storage/limited'
import type { CoreOptions } from '../session/core-options'
import type { Channels } from '../tabs/channel'
import type { Locks } from '../tabs/locks'
import type { Page } from './leaving'

/** What the engine gives everybody who opens, keeps and shares sessions. */
export interface OpeningDeps {
  readonly storage: LimitedStorage
  readonly serializer: Serializer
  readonly clock: Clock
  readonly ids: () => string
  readonly random: () => number
  readonly timeout: number
  /** What tells the tabs of a browser apart; none where sessions are shared with nobody. */
  readonly locks: Locks | undefined
  readonly channels: Channels | undefined
  /** The page that may be left. */
  readonly page: Page | undefined
  readonly onError: (error: unknown) => void
  /** Called with what listeners throw. */
  readonly report: (error: unknown) => void
}

/** What the sessions of one workflow share. */
export type Shared = Pick<CoreOptions, 'layers' | 'flow'>
