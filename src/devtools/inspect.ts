import type { AnySession } from '../session/session'
import { ArgumentError } from '../errors'
import { checkOptions } from '../state/argument'
import { Panel } from './panel'

/** How a panel begins. */
export interface InspectOptions {
  /** Whether the panel is open at first. Otherwise it is as it was before the page was reloaded: closed, in a new tab. */
  readonly open?: boolean
}

let panel: Panel | undefined
/** How often each session is inspected: StrictMode does it twice. */
const inspected = /* @__PURE__ */ new Map<AnySession, number>()

/**
 * Shows a session in a panel at the edge of the page, for its developers: status, asks, state, flow state, and all that
 * has happened. From there the session can be paused, stepped, taken back, forked and copied. Private fields are not shown.
 *
 * Returns a function that ends it. All sessions of a page share one panel; with the last of them it goes. On a server
 * nothing is shown.
 *
 * ```tsx
 * const { session } = useWorkflow()
 * useEffect(() => inspect(session), [session])
 * ```
 *
 * @throws ArgumentError when it is given no session
 */
export function inspect(session: AnySession, options: InspectOptions = {}): () => void {
  checkOptions('inspect()', options, { open: '' })
  if (typeof (session as Partial<AnySession> | undefined)?.history !== 'function')
    throw new ArgumentError('inspect()', session, 'a session')
  if (typeof document === 'undefined') return () => undefined
  inspected.set(session, (inspected.get(session) ?? 0) + 1)
  if (panel === undefined) panel = new Panel(session, options.open === true)
  else panel.add(session)
  let ended = false
  return () => {
    if (!ended) end(session)
    ended = true
  }
}

function end(session: AnySession): void {
  const left = (inspected.get(session) ?? 0) - 1
  if (left > 0) return void inspected.set(session, left)
  inspected.delete(session)
  panel?.drop(session)
  if (inspected.size > 0) return
  panel?.remove()
  panel = undefined
}
