/** An adapter that did not do the work has no time worth printing. */
export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`did not do the work: ${what}`)
}

/** What an adapter's own name says it can do; a section asks only for what is there. */
export function having<T>(feature: T | undefined, name: string): T {
  if (feature === undefined) throw new Error(`this adapter has no ${name}`)
  return feature
}
