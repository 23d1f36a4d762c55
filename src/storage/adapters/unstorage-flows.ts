import { StaleEpochError, StorageError } from '../../storage-errors'
import { FORMAT } from '../format'
import type { SessionStorage, StoredFlow, StoredSession, StoredSnapshot } from '../storage'

interface Sessions extends Omit<SessionStorage, 'readFlow' | 'writeFlow' | 'quarantineFlow'> {
  /** What is there, and whether somebody who may have seen less is on the way to claim it. */
  look(id: string): Promise<{ readonly stored: StoredSession | undefined; readonly claimed: boolean }>
}

/** No session's id begins like this, and no prefix that somebody clears. */
const MARK = '\u0000flow '

/** Others come in between by accident, but not more often than this. */
const TRIES = 50

/** Whether the id is that of a flow state, and of no session. */
export function isFlow(id: string): boolean {
  return id.startsWith(MARK)
}

/**
 * Flow states as sessions that are nothing but a snapshot: a claim of the number that was seen fences whoever else has
 * seen it, and the snapshot lands only when nobody has claimed since. That is a compare-and-set without transactions,
 * and two writes that happen to have one number are told apart by what they hold. A refused write may still be there: its
 * writer finds out by claiming what it has just written. And what is read counts only when nobody is on the way who may have
 * seen less.
 */
export function flowsIn(
  sessions: Sessions,
): Pick<SessionStorage, 'readFlow' | 'writeFlow' | 'quarantineFlow'> {
  return {
    async readFlow(workflow) {
      const id = MARK + workflow
      for (let tries = 0; tries < TRIES; tries++) {
        const { stored, claimed } = await sessions.look(id)
        if (!claimed) return flowOf(stored?.snapshot)
        const { version = 1 } = stored?.head ?? {}
        await sessions.claim(id, { format: FORMAT, workflow, version }, stored?.head.seq ?? 0)
      }
      throw crowded(workflow)
    },
    async writeFlow({ applied, data, ...flow }, expected) {
      const id = MARK + flow.workflow
      const { format, workflow, version } = flow
      const snapshot: StoredSnapshot = { ...flow, status: '', data: { applied, data } }
      let seen = expected
      for (let tries = 0; tries < TRIES; tries++) {
        const { epoch, seq } = await sessions.claim(id, { format, workflow, version }, seen)
        if (epoch === undefined) {
          if (seq !== expected && seq !== flow.seq) return false
          seen = seq
        } else if (await landed(sessions.compact(id, epoch, snapshot)))
          return seen === expected || same(snapshot, (await sessions.read(id))?.snapshot)
      }
      throw crowded(workflow)
    },
    async quarantineFlow(workflow, remove = false) {
      await sessions.quarantine(MARK + workflow)
      if (remove) await sessions.discard(MARK + workflow)
    },
  }
}

function flowOf(snapshot: StoredSnapshot | undefined): StoredFlow | undefined {
  if (snapshot === undefined) return undefined
  const { status: _, data, ...rest } = snapshot
  return { ...rest, ...(data as Pick<StoredFlow, 'applied' | 'data'>) }
}

/** Compares the data too, because another page's write may have the same number. */
function same(one: StoredSnapshot, other: StoredSnapshot | undefined): boolean {
  return JSON.stringify(one.data) === JSON.stringify(other?.data)
}

/** Whether it was stored, with nobody else on the way. */
async function landed(write: Promise<void>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof StaleEpochError) return false
    throw error
  }
}

function crowded(workflow: string): StorageError {
  return new StorageError(`others write the flow state of "${workflow}" all the time`)
}
