import type { Core } from '../core'
import { hasAny } from './point-log'

/**
 * How far a wizard is: the answered pages, divided by all that were opened or can still come. A step asks in the order of its
 * `asks`, so an ask that it has passed over belongs to another branch. `undefined` without pages.
 */
export function pageProgress(core: Core): number | undefined {
  const { run, execs, queues } = core.model
  if (run === undefined || (run.end && run.end.status !== 'completed')) return undefined
  const { stepsByName, routes } = core.definition
  const ahead = new Set<string>()
  /** How many of its asks a step has behind it. */
  const behind = new Map(run.pages.map((it) => [it.step, Infinity]))
  for (const { step, points } of execs.values()) {
    let passed = 0
    stepsByName.get(step)?.asks.forEach(({ type }, at) => {
      if (hasAny(points, `ask:${type}`)) passed = at + 1
    })
    behind.set(step, passed)
    ahead.add(step)
  }
  for (const [step, { size }] of queues) if (size > 0) ahead.add(step)
  // Including the asks of sub-flows.
  let pages = run.pages.length + core.openAsks().length
  for (const name of ahead) {
    const step = stepsByName.get(name)
    pages += Math.max(0, (step?.asks.length ?? 0) - (behind.get(name) ?? 0))
    for (const { type } of step?.emits ?? []) for (const next of routes.get(type) ?? []) ahead.add(next)
  }
  return pages > 0 ? run.pages.length / pages : undefined
}
