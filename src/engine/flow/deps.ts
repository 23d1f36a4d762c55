import type { Clock } from '../../clock'
import type { Serializer } from '../../storage/serializer'
import type { LimitedStorage } from '../../storage/limited'
import type { Channels } from '../../tabs/channel'
import type { Page } from '../leaving'

export interface FlowDeps {
  readonly storage: LimitedStorage
  readonly serializer: Serializer
  readonly clock: Clock
  readonly timeout: number
  readonly ids: () => string
  /** How pages hear of each other's saves. Without channels they see them at their own next save, or next session. */
  readonly channels: Channels | undefined
  /** The page that may be left. */
  readonly page: Page | undefined
  readonly report: (error: unknown) => void
  readonly onError: (error: unknown) => void
}
