import type { Core } from './core'

/**
 * How far a wizard is: of the pages that were answered and those that can still come, the part that was answered.
 * A step asks in the order of its `asks`: what it has passed over is of another branch. `undefined` without pages.
 */
export function pageProgress(core: Core): number | undefined {
  const { run, execs, queues } = core.model
  if (run === undefined || (run.end && run.end.status !== 'completed')) return undefined
  const { stepsByName, routes } = core.definition
  const ahead = new Set<string>()
  /** How many of its asks a step has behind it. */
  const behind = new Map(run.pages.map((it) => [it.step, Infinity]))
  for (const { step, points } of execs.values()) {
    const types = stepsByName.get(step)?.asks.map((it) => it.type) ?? []
    let last = -1
    if (types.length > 0)
      for (const { event } of points.values()) last = Math.max(last, types.lastIndexOf(event?.type ?? ''))
    behind.set(step, 1 + last)
    ahead.add(step)
  }
  for (const [step, { size }] of queues) if (size > 0) ahead.add(step)
  // Those of sub-flows as well.
  let pages = run.pages.length + core.openAsks().length
  for (const name of ahead) {
    const step = stepsByName.get(name)
    pages += Math.max(0, (step?.asks.length ?? 0) - (behind.get(name) ?? 0))
    for (const { type } of step?.emits ?? []) for (const next of routes.get(type) ?? []) ahead.add(next)
  }
  return pages > 0 ? run.pages.length / pages : undefined
}
