import { SessionStateError } from '../errors'
import { CancelledError } from '../run-errors'

/* Why attempts are put to an end. Made once: an error is dear, and most of them have nobody at work to be told. */

export const complete: Error = /* @__PURE__ */ new CancelledError('the run is complete')
export const replaced: Error = /* @__PURE__ */ new CancelledError('the stored session has come')
export const elsewhere: Error = /* @__PURE__ */ new SessionStateError('another tab executes the session now')
