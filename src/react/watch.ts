import type { Session } from '../session/session'
import type { AnyWorkflow } from '../workflow/shape'
import { definitionOf } from '../workflow/workflow'
import { shallowEqual } from './shallow'
import type { Source } from './snapshot'
import type { UseWorkflow } from './use-workflow'

type View = UseWorkflow<AnyWorkflow>
type Actions = Pick<View, 'session' | 'start' | 'send' | 'cancel' | 'retry' | 'reset'>
type Shown = Omit<View, keyof Actions | 'persistence'>

/** What a session shows before it is loaded. */
const loading: Shown = {
  status: 'loading',
  ask: undefined,
  asks: [],
  result: undefined,
  error: undefined,
  progress: undefined,
  resumed: { found: false },
}

/** One component's view of a session: a new object when something of it has changed, else the same one. */
export class Watch implements Source<View> {
  readonly subscribe: Source<View>['subscribe']
  readonly get: () => View
  readonly initial: () => View
  private readonly session: Session<AnyWorkflow>
  private shown: Shown | undefined
  private view: View | undefined
  /**
   * The session tells of a burst of work at its end. Until then a component that renders for another reason must
   * not see the middle of it. One that listens shows what it was last told; the others look for themselves.
   */
  private told = false
  /**
   * Every write changes `persistence` several times. So it counts only once the component has looked at it; and
   * as that never turns back, a render that is dropped does no harm.
   */
  private looked = false
  private saved: View['persistence'] | undefined

  constructor(session: Session<AnyWorkflow>) {
    this.session = session
    this.subscribe = (listener) => {
      const end = session.subscribe(() => {
        this.look()
        listener()
      })
      this.look()
      this.told = true
      return () => {
        this.told = false
        end()
      }
    }
    this.get = () => {
      if (!this.told) this.look()
      return this.view as View
    }
    const first = this.show(loading)
    this.initial = () => first
  }

  private look(): void {
    const { status, asks, result, error, progress, resumed, persistence } = this.session
    const shown: Shown = { status, ask: asks[0], asks, result, error, progress, resumed }
    if (shallowEqual(this.shown, shown) && (!this.looked || this.saved === persistence)) return
    this.shown = shown
    this.saved = persistence
    this.view = this.show(shown)
  }

  private show(shown: Shown): View {
    return Object.defineProperty({ ...shown, ...actionsOf(this.session) }, 'persistence', {
      get: () => {
        if (!this.looked) this.saved = this.session.persistence
        this.looked = true
        return this.saved
      },
      enumerable: true,
    }) as View
  }
}

const known = new WeakMap<Session<AnyWorkflow>, Actions>()

/** The same functions for every component. */
function actionsOf(session: Session<AnyWorkflow>): Actions {
  const { send, cancel, reset } = session
  const actions = known.get(session) ?? {
    session,
    send,
    cancel,
    reset,
    start: (input) => {
      // A bad input is told here, where it can be caught; a run that is carried on ignores it.
      if (!carriesOn.includes(session.status)) definitionOf(session.workflow).options.start(input)
      session.run(input).catch(shownElsewhere)
    },
    retry: () => void session.retry().catch(shownElsewhere),
  }
  known.set(session, actions)
  return actions
}

const carriesOn: readonly string[] = ['running', 'waiting', 'paused']

/** How a run ends is in the session's status and error. */
function shownElsewhere(): void {}
