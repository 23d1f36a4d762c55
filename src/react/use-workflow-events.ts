import { useRef } from 'react'
import { reportLater } from '../state/subscribers'
import type { AskEvent } from '../workflow/ask'
import type { EventOf, EventType, WorkflowEvent } from '../workflow/event'
import type { AnyWorkflow, Of } from '../workflow/shape'
import type { Stream } from '../session/stream'
import { misuse, useSession } from './place'
import type { Registered } from './register'
import { useEffect } from './react'

/** What a session shows while it runs: what steps stream, what they ask, how the run ended, and how many events were lost. */
export type ShownEvent<W extends AnyWorkflow> =
  | Of<W>['events']
  | AskEvent<Of<W>['asks']>
  | WorkflowEvent<'failed' | 'cancelled' | 'stalled'>
  | WorkflowEvent<'missed', { readonly count: number }>

/** `useWorkflowEvents`, typed by a workflow. */
export interface UseWorkflowEvents<W extends AnyWorkflow> {
  /** Calls the handler with what the session shows from now on: streamed events, asks, and the end of each run. */
  (handler: (event: ShownEvent<W>) => void): void
  <F extends EventType>(type: F, handler: (event: EventOf<F>) => void): void
}

/**
 * Calls the handler with what the nearest provider's session shows from now on: streamed events, asks, and the end of
 * each run. With a type, only with events of that type. The handler may be a new function in every render.
 *
 * ```ts
 * useWorkflowEvents(Token, ({ data }) => speak(data.text))
 * ```
 *
 * @throws HookError without a provider
 */
export const useWorkflowEvents: UseWorkflowEvents<Registered> = (...args: readonly unknown[]) =>
  useEventsOf(undefined, args)

type Handler = (event: WorkflowEvent) => void

export function useEventsOf(workflow: AnyWorkflow | undefined, args: readonly unknown[]): void {
  const handler = args.at(-1) as Handler
  const given = args.length > 1
  const type = given ? (args[0] as EventType | undefined)?.type : undefined
  if (typeof handler !== 'function' || 'type' in handler || (given && typeof type !== 'string'))
    throw misuse('useWorkflowEvents')
  const session = useSession('useWorkflowEvents', workflow)
  const latest = useRef<Listener | undefined>(undefined)
  const last = useRef<Promise<void> | undefined>(undefined)
  useEffect(() => {
    latest.current = { type, handler }
    return () => void (latest.current = undefined)
  })
  useEffect(() => {
    const events = session.events({ follow: true }) as Stream
    last.current = follow(events, latest, last.current)
    // What came before is still heard: StrictMode mounts twice, and a run may have begun in between.
    return () => events.end()
  }, [session])
}

/** What a component listens with since its last commit. */
interface Listener {
  readonly type: string | undefined
  readonly handler: Handler
}

/** `before`: the stream that was followed until now comes first. */
async function follow(
  events: AsyncIterable<WorkflowEvent>,
  latest: { readonly current: Listener | undefined },
  before: Promise<void> | undefined,
): Promise<void> {
  await before
  for await (const event of events) {
    const listener = latest.current
    // The page was left. Another session would have a component of its own.
    if (listener === undefined) return
    if (listener.type !== undefined && event.type !== listener.type) continue
    try {
      listener.handler(event)
    } catch (error) {
      reportLater(error)
    }
  }
}
