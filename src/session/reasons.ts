import { SessionClosedError, SessionStateError } from '../errors'
import { CancelledError } from '../run-errors'
import type { Core } from './core'

/* Why attempts are ended. Made once, because an error costs much and mostly nobody is at work to get it. */

export const complete: Error = /* @__PURE__ */ new CancelledError('the run is complete')
export const replaced: Error = /* @__PURE__ */ new CancelledError('the stored session was loaded')
export const elsewhere: Error = /* @__PURE__ */ new SessionStateError('another tab executes the session now')

/** The error for calls to a session that takes no more calls. */
export function reasonOf({ closed, options }: Pick<Core, 'closed' | 'options'>): Error {
  if (closed === 'crashed') return new Error('the page has crashed')
  return closed instanceof Error ? closed : new SessionClosedError(options.id)
}
