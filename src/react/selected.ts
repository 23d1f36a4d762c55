import { useState } from 'react'
import { shallowEqual } from './shallow'
import { useSnapshot, type Source } from './snapshot'

/** What to show of the value at the path. */
export interface Selection<T, U> {
  readonly select: (value: T) => U
  /** Whether two selections are the same, so that nothing renders. Default: shallow equality. */
  readonly compare?: (before: U, after: U) => boolean
}

type AnySelection = Selection<unknown, unknown>

/** What a select made of a value last. */
interface Made {
  readonly from: unknown
  readonly select: AnySelection['select']
  readonly value: unknown
}

/**
 * A part of what a source gives. The part keeps its identity while `compare` finds it the same, also when
 * `select` is a new function in every render: so one that makes new objects neither loops nor renders in vain.
 */
export function useSelected(source: Source<unknown>, selection: AnySelection): unknown {
  const [part] = useState(() => new Part())
  return useSnapshot({ subscribe: source.subscribe, get: () => part.of(source.get(), selection) }, () =>
    part.of(source.get(), selection),
  )
}

/** One component's memory of its part: a cache, so it does no harm when a render that filled it is dropped. */
class Part {
  private made: Made | undefined

  of(from: unknown, { select, compare = shallowEqual }: AnySelection): unknown {
    const { made } = this
    if (made && made.select === select && Object.is(made.from, from)) return made.value
    const fresh = select(from)
    const value = made && compare(made.value, fresh) ? made.value : fresh
    this.made = { from, select, value }
    return value
  }
}
