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
type Shown = { -readonly [Name in Exclude<keyof View, keyof Actions>]: View[Name] }

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
  persistence: { status: 'saved' },
}

const names = /* @__PURE__ */ Object.keys(loading) as (keyof Shown)[]

function shownBy(session: Session<AnyWorkflow>): Shown {
  const shown = { ...loading }
  for (const name of names) shown[name] = (name === 'ask' ? session.asks[0] : session[name]) as never
  return shown
}

/**
 * One component's view of a session: a new object when something has changed that the component has read, else the same one.
 * What was read once counts from then on, so a render that is dropped does no harm.
 */
export function watch(session: Session<AnyWorkflow>): Source<View> & { readonly initial: () => View } {
  const read = new Set<unknown>()
  // One for each view: a getter for each of its names would take ten times the memory.
  const noting: ProxyHandler<View> = { get: (all, name) => (read.add(name), all[name as keyof View]) }
  let shown = loading
  let view: View | undefined
  // Of a burst of work the session tells at its end. A component that listens shows what it was last told: if it
  // renders for another reason, it must not show the middle.
  let listening = false

  const show = (all: Shown): View => new Proxy(Object.assign(all, actionsOf(session)), noting)
  const look = (): void => {
    const next = shownBy(session)
    let isOther = !view
    for (const name of names.filter((it) => read.has(it)))
      if (sameJson(shown[name], next[name])) next[name] = shown[name] as never
      else isOther = true
    if (isOther) view = show((shown = next))
    // Nobody has read what is new of it.
    else Object.assign(shown, next)
  }
  let first: View | undefined
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
      return view as View
    },
    initial: () => (first ??= show({ ...loading })),
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
