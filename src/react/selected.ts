import { sameJson } from '../state/same'
import type { Show } from '../state/store'
import { useState } from './react'
import { useSnapshot } from './snapshot'

/** Which part of the value at the path to show. */
export interface Selection<T, U> {
  readonly select: (value: T) => U
  /** Whether two selections are the same, so that nothing renders. Default: they hold the same JSON. */
  readonly compare?: ((before: U, after: U) => boolean) | undefined
}

type AnySelection = Selection<unknown, unknown>

/**
 * A part of what stands at a path. It keeps its identity while `compare` finds it the same, also when `select` is a
 * new function in every render: so one that makes new objects neither loops nor renders in vain. `sent`: what a server
 * has shown there.
 */
export function useSelected(show: Show, sent: () => unknown, selection: AnySelection): unknown {
  const [part] = useState(makePart)
  return useSnapshot(
    show,
    () => part(show(), selection),
    () => part(sent(), selection),
  )
}

/** One component's memory of its part: a cache, so a render that filled it and was dropped does no harm. */
function makePart(): (from: unknown, selection: AnySelection) => unknown {
  let last: { readonly from: unknown; readonly select: unknown; readonly value: unknown } | undefined
  return (from, { select, compare = sameJson }) => {
    if (!last || last.select !== select || !Object.is(last.from, from)) {
      const value = select(from)
      last = { from, select, value: last && compare(last.value, value) ? last.value : value }
    }
    return last.value
  }
}
