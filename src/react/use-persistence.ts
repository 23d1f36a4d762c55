import type { AnyWorkflow } from '../workflow/shape'
import type { Session } from '../session/session'
import { useSession } from './place'
import { useSnapshot } from './snapshot'

/** How far a session's changes are saved. */
export type Persistence = Session<AnyWorkflow>['persistence']

const untouched: Persistence = { status: 'saved' }

/**
 * How far the changes of a session are saved, for a "saved" badge.
 *
 * ```ts
 * const { status, savedAt, error } = usePersistence()        // nearest provider; or (workflow), or (session)
 * ```
 *
 * @throws HookError without a provider
 */
export function usePersistence<W extends AnyWorkflow>(of?: W | Session<W>): Persistence {
  const session = useSession('usePersistence', of)
  return useSnapshot(
    session.subscribe,
    () => session.persistence,
    () => untouched,
  )
}
