import type { Session } from '../session/session'
import type { AnyWorkflow } from '../workflow/shape'
import { ArgumentError } from '../errors'
import { checkOptions } from '../state/argument'
import { Panel } from './panel'

export interface InspectOptions {
  /** Whether the panel is open at first. Otherwise it is as it was before the page was reloaded: closed, in a new tab. */
  readonly open?: boolean
}

let panel: Panel | undefined
/** How often each session is inspected: StrictMode does it twice. */
const inspected = /* @__PURE__ */ new Map<Session<AnyWorkflow>, number>()

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
export function inspect<W extends AnyWorkflow>(
  session: Session<W>,
  options: InspectOptions = {},
): () => void {
  checkOptions('inspect()', options, { open: '' })
  if (typeof (session as Partial<Session<W>> | undefined)?.history !== 'function')
    throw new ArgumentError('inspect()', session, 'a session')
  if (typeof document === 'undefined') return () => undefined
  const one = session as unknown as Session<AnyWorkflow>
  inspected.set(one, (inspected.get(one) ?? 0) + 1)
  if (panel === undefined) panel = new Panel(one, options.open === true)
  else panel.add(one)
  let ended = false
  return () => {
    if (!ended) end(one)
    ended = true
  }
}

function end(session: Session<AnyWorkflow>): void {
  const left = (inspected.get(session) ?? 0) - 1
  if (left > 0) return void inspected.set(session, left)
  inspected.delete(session)
  panel?.drop(session)
  if (inspected.size > 0) return
  panel?.remove()
  panel = undefined
}
