import { checkArgument, checkOptions } from '../state/argument'
import type { AnyWorkflow } from '../workflow/shape'
import type { Status } from '../session/model/status'
import type { SessionStorage, StorageFilter, StoredSessionInfo } from '../storage/storage'

/** What is known of a stored session without reading it. A storage is given statuses, and does not know which there are. */
export interface SessionInfo extends StoredSessionInfo {
  readonly status: Status
}

/** Which sessions to list. All fields that are given must match. */
export interface SessionFilter extends Omit<StorageFilter, 'workflow'> {
  /** A workflow, or its name. */
  readonly workflow?: AnyWorkflow | string | undefined
  readonly status?: Status | undefined
}

/** Stored sessions, newest first. A storage knows workflows by their names only. */
export async function list(storage: SessionStorage, filter: SessionFilter = {}): Promise<SessionInfo[]> {
  checkOptions('engine.list()', filter, { workflow: '', status: 'string', prefix: 'string' })
  const { workflow: given } = filter
  const workflow = typeof given === 'object' ? given?.name : given
  if (given != null) checkArgument('engine.list(): workflow', workflow ?? given, 'string')
  return storage.list({ ...filter, workflow }) as Promise<SessionInfo[]>
}
