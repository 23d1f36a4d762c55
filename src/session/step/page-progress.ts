import type { Core } from '../core'
import type { StepDefinition } from '../../workflow/step'
import { definitionOf } from '../../workflow/workflow'
import { hasAny } from './point-log'

/**
 * How far a wizard is: the answered pages, divided by all that were opened or can still come. A step asks in the order of its
 * `asks`, so an ask that it has passed over belongs to another branch. A sub-flow that asks is one page until it ends, or as
 * many as it has open: its answers are no pages. `undefined` without pages.
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
  let subflows = 0
  let pages = run.pages.length
  for (const name of ahead) {
    const step = stepsByName.get(name)
    pages += Math.max(0, (step?.asks.length ?? 0) - (behind.get(name) ?? 0))
    if (step && asksInside(step)) subflows++
    for (const { type } of step?.emits ?? []) for (const next of routes.get(type) ?? []) ahead.add(next)
  }
  const open = core.openAsks()
  const inside = open.filter((it) => it.level !== core).length
  pages += open.length - inside + Math.max(inside, subflows)
  return pages > 0 ? run.pages.length / pages : undefined
}

function asksInside({ subflow }: StepDefinition): boolean {
  return !!subflow && definitionOf(subflow.workflow).steps.some((it) => it.asks.length > 0 || asksInside(it))
}
