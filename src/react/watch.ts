import { sameJson } from '../state/same'
import type { AnyWorkflow } from '../workflow/shape'
import { definitionOf } from '../workflow/workflow'
import type { Session } from '../session/session'
import type { Source } from './snapshot'
import type { UseWorkflow } from './use-workflow'

type View = UseWorkflow<AnyWorkflow>
type Actions = Pick<
  View,
  'session' | 'start' | 'send' | 'cancel' | 'retry' | 'reset' | 'takeOver' | 'back' | 'forward'
>
type Shown = Omit<View, keyof Actions | 'persistence'>

/** What a session shows before it is loaded. */
const loading: Shown = {
  status: 'loading',
  ask: undefined,
  asks: [],
  retries: [],
  missingResources: [],
  result: undefined,
  error: undefined,
  progress: undefined,
  resumed: { found: false },
  role: 'reader',
}

function shownBy(session: Session<AnyWorkflow>): Shown {
  const { status, asks, retries, missingResources, result, error, progress, resumed, role } = session
  return { status, ask: asks[0], asks, retries, missingResources, result, error, progress, resumed, role }
}

/** One component's view of a session: a new object when something of it has changed, else the same one. */
export function watch(session: Session<AnyWorkflow>): Source<View> & { readonly initial: () => View } {
  let shown: Shown
  let view: View
  // Of a burst of work the session tells at its end. A component that listens shows what it was last told: if it
  // renders for another reason, it must not show the middle.
  let listening = false
  // Every write changes `persistence` several times. So it counts only once the component has looked at it; as
  // that never turns back, a render that is dropped does no harm.
  let looked = false
  let saved: View['persistence']

  const show = (next: Shown): View => ({
    ...next,
    ...actionsOf(session),
    get persistence() {
      if (!looked) saved = session.persistence
      looked = true
      return saved
    },
  })
  const look = (): void => {
    const next = shownBy(session)
    if (sameJson(shown, next) && (!looked || saved === session.persistence)) return
    shown = next
    saved = session.persistence
    view = show(next)
  }
  const first = show(loading)
  return {
    subscribe(listener) {
      look()
      listening = true
      const end = session.subscribe(() => (look(), listener()))
      return () => {
        listening = false
        end()
      }
    },
    get() {
      if (!listening) look()
      return view
    },
    initial: () => first,
  }
}

const known = new WeakMap<Session<AnyWorkflow>, Actions>()

/** The same functions for every component. */
function actionsOf(session: Session<AnyWorkflow>): Actions {
  const { send, cancel, reset, back, forward } = session
  const actions = known.get(session) ?? {
    session,
    send,
    cancel,
    reset,
    back,
    forward,
    start: (input) => {
      // A bad input is told here, where it can be caught; a run that is carried on ignores it.
      if (!carriesOn.includes(session.status)) definitionOf(session.workflow).options.start(input)
      session.run(input).catch(shownElsewhere)
    },
    takeOver: () => void session.takeOver().catch(shownElsewhere),
    retry: () => void session.retry().catch(shownElsewhere),
  }
  known.set(session, actions)
  return actions
}

const carriesOn: readonly string[] = ['running', 'waiting', 'paused']

/** How a run ends is in the session's status and error. */
function shownElsewhere(): void {}
