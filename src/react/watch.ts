import type { Session } from '../session/session'
import { definitionOf } from '../workflow/workflow'
import type { AnyWorkflow } from '../workflow/shape'
import { shallowEqual } from './shallow'
import type { Source } from './snapshot'
import type { UseWorkflow } from './use-workflow'

type View = UseWorkflow<AnyWorkflow>
type Shown = Omit<View, 'persistence'>

export interface Watched extends Source<View> {
  readonly initial: () => View
}

const actions = new WeakMap<Session<AnyWorkflow>, Pick<View, Action>>()
type Action = 'session' | 'start' | 'send' | 'cancel' | 'retry' | 'reset'

/**
 * One component's view of a session. Every write changes `persistence` several times, so that counts only once
 * the component has looked at it.
 */
export function watch(session: Session<AnyWorkflow>): Watched {
  let shown: Shown | undefined
  let view: View
  let looked: { persistence: View['persistence'] } | undefined
  const show = (next: Shown): View => {
    shown = next
    return {
      ...next,
      get persistence() {
        looked ??= { persistence: session.persistence }
        return session.persistence
      },
    }
  }
  const start = show({ ...shownOf(session), status: 'loading', ask: undefined, asks: [], result: undefined })
  return {
    subscribe: session.subscribe,
    get() {
      const next = shownOf(session)
      const saved = !looked || looked.persistence === session.persistence
      if (saved && view && shown && shallowEqual(shown, next)) return view
      if (looked) looked = { persistence: session.persistence }
      return (view = show(next))
    },
    initial: () => start,
  }
}

function shownOf(session: Session<AnyWorkflow>): Shown {
  const { status, asks, result, error, progress, resumed } = session
  return { status, ask: asks[0], asks, result, error, progress, resumed, ...actionsOf(session) }
}

function actionsOf(session: Session<AnyWorkflow>): Pick<View, Action> {
  let known = actions.get(session)
  if (known === undefined) {
    const { send, cancel, reset } = session
    known = {
      session,
      start: (input) => {
        // Checked here, where the caller can catch it; a run that is carried on ignores it.
        if (!['running', 'waiting', 'paused'].includes(session.status))
          definitionOf(session.workflow).options.start(input)
        session.run(input).catch(seen)
      },
      retry: () => void session.retry().catch(seen),
      send,
      cancel,
      reset,
    }
    actions.set(session, known)
  }
  return known
}

/** How a run ends is in `status` and `error`. */
function seen(): void {}
