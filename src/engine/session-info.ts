import type { Status } from '../session/model/status'
import type { StorageFilter, StoredSessionInfo } from '../storage/storage'

/** What is known of a stored session without reading it. A storage is given statuses, and does not know which there are. */
export interface SessionInfo extends StoredSessionInfo {
  readonly status: Status
}

/** Which sessions to list. All fields that are given must match. */
export interface SessionFilter extends StorageFilter {
  readonly status?: Status | undefined
}
