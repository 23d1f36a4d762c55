import { applied } from '../../state/applied'
import { sameContent } from '../../state/same'
import { towards } from '../../state/towards'
import { hasAll, shareAny, type LoadedFlow } from '../../storage/flow'
import { StorageError } from '../../storage-errors'
import { emptied } from '../tenure'
import type { FlowCode } from './code'
import type { Change, OwnWrite } from './own-writes'

/**
 * What a page holds of a flow state whose storage was emptied, as a write that stores it again. It takes the place of what a
 * page that held less was faster to store. What a page that knew nothing of it has written goes over it. `onError` hears of
 * all that, once.
 */
export function heldAgain(
  { state, applied: lost }: LoadedFlow,
  { initial, definition }: FlowCode,
  onError: (error: unknown) => void,
): Pick<OwnWrite, 'lost' | 'change'> {
  const of = `flow state of workflow "${definition.name}"`
  let isTold = false
  const change: Change = (view, names) => {
    const root = view.root()
    const isOlder = shareAny(lost, names)
    // With all that the other one has, besides what each begins with.
    const both = (): unknown => applied(state, towards(root, initial, []))
    const made = hasAll(lost, names) ? state : isOlder ? root : both()
    const paths = isTold ? [] : missing(state, made, initial)
    isTold ||= paths.length > 0
    if (paths.length > 0) onError(overwritten(of, paths))
    return towards(made, root, [])
  }
  onError(emptied(of))
  return { lost, change }
}

/** The paths of what a state has, besides what each begins with, and another one lacks. */
function missing(state: unknown, other: unknown, initial: unknown): string[] {
  const begins = towards(initial, other, [])
  return towards(state, other, [])
    .filter((it) => it[0] === 'set' || (it[0] === 'splice' && it[4].length > 0))
    .filter((it) => !begins.some((one) => sameContent(one, it)))
    .map((it) => String(it[1]))
}

/** Another page was faster, and what this one held at these paths could not be made one with that. */
function overwritten(of: string, lost: readonly string[]): StorageError {
  const message = `another page was first to write the ${of} after it was emptied; what this one held at "${lost.join('", "')}" is lost`
  return Object.assign(new StorageError(message), { lost })
}
