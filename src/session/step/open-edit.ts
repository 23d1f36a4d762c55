import { soon } from '../../clock'
import type { Op } from '../../state/op'
import { queue, type OpenEdits } from '../../state/open-edits'
import { isPromise } from '../../state/thenable'
import type { Attempt } from './attempt'

type Ops = readonly Op[]

/**
 * Runs a recipe. While it is open the context takes no other call, which might come from inside it: a re-run does not call it.
 * One of the state and one of the flow state may be open at once, so they are counted.
 */
export function alone(attempt: Attempt, run: () => Ops | Promise<Ops>): Ops | Promise<Ops> {
  let open = 0
  // Set before the recipe awaits anything: from then on a call may come from inside it.
  soon(() => (attempt.editing += open))
  attempt.editing++
  try {
    const made = run()
    if (!isPromise(made)) return made
    open = 1
    return made.finally(() => attempt.editing--)
  } finally {
    // A call made in one go with this one comes from another branch, and waits for its turn.
    attempt.editing--
  }
}

/**
 * The next edit waits for this one, however it ends. An attempt that is over no longer edits, even if its recipe never returns.
 * Returns when that is.
 */
export function queued(attempt: Attempt, edits: OpenEdits, edit: Promise<unknown>): Promise<unknown> {
  const ended = new Promise<void>((resolve) => {
    const end = attempt.ending(resolve)
    edit.then(end, end)
  })
  queue(edits, 'steps', ended)
  return ended
}
