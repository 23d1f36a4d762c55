import { StaleEpochError } from '../storage-errors'
import type { SessionStorage, StoredFlow, StoredSnapshot } from './storage'

type Sessions = Omit<SessionStorage, 'readFlow' | 'writeFlow' | 'quarantineFlow'>

/** No session's id begins like this, and no prefix that somebody clears. */
const MARK = '\u0000flow '

/** Whether it is a flow state, and no session. */
export function isFlow(id: string): boolean {
  return id.startsWith(MARK)
}

/**
 * Flow states as sessions that are nothing but a snapshot: a claim of the number that was seen fences whoever else has
 * seen it, and the snapshot lands only when nobody has claimed since. That is a compare-and-set without transactions.
 */
export function flowsIn(
  sessions: Sessions,
): Pick<SessionStorage, 'readFlow' | 'writeFlow' | 'quarantineFlow'> {
  return {
    async readFlow(workflow) {
      const snapshot = (await sessions.read(MARK + workflow))?.snapshot
      if (snapshot === undefined) return undefined
      const { status: _, data, ...rest } = snapshot
      return { ...rest, ...(data as Pick<StoredFlow, 'applied' | 'data'>) }
    },
    async writeFlow({ applied, data, ...flow }, expected) {
      const id = MARK + flow.workflow
      const { format, workflow, version } = flow
      const { epoch } = await sessions.claim(id, { format, workflow, version }, expected)
      if (epoch === undefined) return false
      try {
        const snapshot: StoredSnapshot = { ...flow, status: '', data: { applied, data } }
        await sessions.compact(id, epoch, snapshot)
        return true
      } catch (error) {
        if (error instanceof StaleEpochError) return false
        throw error
      }
    },
    async quarantineFlow(workflow, remove = false) {
      await sessions.quarantine(MARK + workflow)
      if (remove) await sessions.discard(MARK + workflow)
    },
  }
}
