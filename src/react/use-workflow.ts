import type { Opened as OpenedAsk } from '../workflow/ask'
import type { AnyWorkflow, Of, ResultOf, StartArgs } from '../workflow/shape'
import type { Progress, Resumed, Role, Session } from '../session/session'
import type { Status } from '../session/model/status'
import { useOpened, type SessionOptions } from './opened'
import { PlaceContext, sessionOf, workflowOf } from './place'
import type { Registered } from './register'
import { useContext, useMemo } from './react'
import { useSnapshot } from './snapshot'
import { watch } from './watch'

/** What a session shows, and its actions. The same object until something changes that was read of it. */
export interface UseWorkflow<W extends AnyWorkflow> {
  /** What the session is doing; `loading` while it is read. */
  readonly status: Status
  /** The oldest open ask. */
  readonly ask: OpenedAsk<Of<W>['asks']> | undefined
  /** The open asks, oldest first. */
  readonly asks: readonly OpenedAsk<Of<W>['asks']>[]
  /** Steps that have failed and wait for their next attempt: when, and why. */
  readonly retries: Session<W>['retries']
  /** Declared resources that nobody has given: while there are any, no step starts, and a run is `paused`. */
  readonly missingResources: Session<W>['missingResources']
  /** The stop event's data, once the run is completed. */
  readonly result: ResultOf<W> | undefined
  /** Why it failed, was cancelled, stalled or could not be loaded. */
  readonly error: Error | undefined
  /** How far the run is: what a step says with `ctx.progress`, else the answered part of the asks on its way. */
  readonly progress: Progress | undefined
  /** How far changes are saved. */
  readonly persistence: Session<W>['persistence']
  /** Whether the session was there before, for a "pick up where you left off" banner. */
  readonly resumed: Resumed
  /** What this tab is to the session: it executes the session, follows another tab, or only reads. */
  readonly role: Role
  readonly session: Session<W>
  /**
   * Runs the workflow, or carries on. `status`, `result` and `error` say how the run ends.
   *
   * @throws EventValidationError at the call for a bad input
   */
  readonly start: (...input: StartArgs<W>) => void
  /** Brings an event from outside. Resolves with true once it is recorded, with false when nobody takes it. */
  readonly send: Session<W>['send']
  /** Ends the run. What its steps have not committed is taken out; a reload does not start it again. */
  readonly cancel: Session<W>['cancel']
  /** Runs the failed step again, or goes on with a run that went past its own limits. */
  readonly retry: () => void
  /** Starts everything over, with the state that a new session begins with. */
  readonly reset: Session<W>['reset']
  /** Makes this tab the one that executes the session. */
  readonly takeOver: () => void
  /** Re-opens the ask that was answered last, with what was typed. Returns whether there was one. */
  readonly back: Session<W>['back']
  /** Answers the open ask with the answer that somebody went back from. Returns whether there was one. */
  readonly forward: Session<W>['forward']
}

/**
 * What a session is doing, and its actions. The component renders again when something changes that it has read of this, and
 * not for state.
 *
 * ```ts
 * const { status, ask, start } = useWorkflow()                       // nearest provider
 * const { status, ask, start } = useWorkflow(checkout)               // nearest provider of that workflow, typed
 * const { status, ask, start } = useWorkflow(checkout, { id: 'cart-42', resources: { payments } })  // no provider
 * const { status, ask, start } = useWorkflow(session)
 * ```
 *
 * @throws HookError without a provider
 */
export function useWorkflow(): UseWorkflow<Registered>
export function useWorkflow<W extends AnyWorkflow>(workflow: W, options?: SessionOptions<W>): UseWorkflow<W>
export function useWorkflow<W extends AnyWorkflow>(session: Session<W>): UseWorkflow<W>
export function useWorkflow(of?: unknown, options?: object): unknown {
  const place = useContext(PlaceContext)
  const [opened] = useOpened(options && { ...options, workflow: workflowOf(hook, of) })
  const session = options && opened ? opened.session : sessionOf(place, hook, of)
  const watched = useMemo(() => watch(session), [session])
  return useSnapshot(watched.subscribe, watched.get, watched.initial)
}

const hook = 'useWorkflow'
