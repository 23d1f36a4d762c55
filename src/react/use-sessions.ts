import type { AnyWorkflow } from '../workflow/shape'
import type { Status } from '../session/model/status'
import type { Engine } from '../engine'
import type { SessionFilter, SessionInfo } from '../engine/session-info'
import { engineFor } from './page-engine'
import { PlaceContext, workflowOf } from './place'
import { useCallback, useContext, useEffect, useState } from './react'

/** Which stored sessions to list, and of which engine. */
export interface SessionsOptions {
  /** Default: the engine of the nearest provider, else that of the page. */
  readonly engine?: Engine | undefined
  /** Only those that were saved with this status. */
  readonly status?: Status | undefined
  /** Only those whose id begins with this. */
  readonly prefix?: string | undefined
}

/** What {@link useSessions} returns. */
export interface UseSessions {
  /** Newest first. `undefined` until they are read. */
  readonly sessions: readonly SessionInfo[] | undefined
  /** Why they could not be read. */
  readonly error: Error | undefined
  /** Reads them again. The list does not follow what is saved later. */
  readonly refresh: () => void
}

/**
 * The stored sessions of a workflow, or of all workflows, for a list to pick from. They are read when the component mounts.
 *
 * ```ts
 * const { sessions, refresh } = useSessions(chat, { prefix: 'chat-' })
 * ```
 */
export function useSessions(workflow?: AnyWorkflow, options?: SessionsOptions): UseSessions {
  const { engine, status, prefix } = options ?? {}
  const nearest = useContext(PlaceContext)?.engine
  const name = workflow && workflowOf('useSessions', workflow).name
  const [found, show] = useState<Found>({})
  const [times, again] = useState(0)
  const read = useCallback(() => {
    const filter: SessionFilter = { workflow: name, status, prefix }
    return engineFor(engine ?? nearest).list(filter)
  }, [engine, nearest, name, status, prefix])
  useEffect(() => {
    let mine = true
    read().then(
      (sessions) => mine && show({ read, sessions }),
      (error: Error) => mine && show({ read, error }),
    )
    return () => {
      mine = false
    }
  }, [read, times])
  const refresh = useCallback(() => again((it) => it + 1), [])
  const { sessions, error }: Found = found.read === read ? found : {}
  return { sessions, error, refresh }
}

/** What was found, and by what: it is nothing to show for another filter. */
interface Found extends Partial<Omit<UseSessions, 'refresh'>> {
  readonly read?: () => unknown
}
