import { SessionClosedError, SessionStateError } from '../errors'
import { CancelledError } from '../run-errors'
import type { Core } from './core'

/* Why attempts are put to an end. Made once: an error is dear, and most of them have nobody at work to be told. */

export const complete: Error = /* @__PURE__ */ new CancelledError('the run is complete')
export const replaced: Error = /* @__PURE__ */ new CancelledError('the stored session was loaded')
export const elsewhere: Error = /* @__PURE__ */ new SessionStateError('another tab executes the session now')

/** What those are told who want more of a session that takes no more. */
export function reasonOf({ closed, options }: Pick<Core, 'closed' | 'options'>): Error {
  if (closed === 'crashed') return new Error('the page has crashed')
  return closed instanceof Error ? closed : new SessionClosedError(options.id)
}
