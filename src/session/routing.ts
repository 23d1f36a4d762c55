import type { Clock } from '../clock'
import type { WorkflowEvent } from '../workflow/event'
import type { Definition, Takers } from '../workflow/workflow'
import type { LiveAttempt } from './step/live-attempt'
import type { Model, Point } from './model/model'
import { patiently } from './patience'
import type { Emission, PointRef } from './model/record'
import type { Roster } from './model/roster'

type Extra = Partial<Emission> | undefined
type More = Extra | ((index: number) => Extra)
type Made = { -readonly [Key in keyof Emission]: Emission[Key] }

/** The parts of a workflow at work that decide where its events go: to the steps that accept them, or to the oldest wait. */
export interface Routed {
  readonly definition: Definition
  readonly model: Model
  readonly attempts: Pick<Roster<LiveAttempt>, 'get'>
  readonly options?: { readonly clock: Clock }
}

/** Numbers and addresses events, in order, and matches them with the waits that they answer. Each gets `extra`. */
export function emissionsOf(
  core: Routed,
  events: readonly WorkflowEvent[],
  extra?: More,
  outside: boolean = false,
): Emission[] {
  const claimed = core.model.waits.size > 0 ? new Set<Point>() : undefined
  // Mostly there is one event, and a closure costs as much as numbering it.
  if (events.length === 1) return [emission(core, events[0] as WorkflowEvent, 0, extra, outside, claimed)]
  return several(core, events, extra, outside, claimed)
}

function several(
  core: Routed,
  events: readonly WorkflowEvent[],
  ...rest: [More, boolean, Set<Point> | undefined]
): Emission[] {
  return events.map((event, index) => emission(core, event, index, ...rest))
}

function emission(
  core: Routed,
  { type, data }: WorkflowEvent,
  index: number,
  extra: More,
  outside: boolean,
  claimed: Set<Point> | undefined,
): Emission {
  const more = typeof extra === 'function' ? extra(index) : extra
  const { to, gather } = core.definition.takers.get(type) ?? nobody
  const id = core.model.nextEvent + index
  const wait = claimed && more?.to === undefined && openWait(core, type, data, outside, claimed)
  // Without spreads they are made in half the time.
  const made: Made = data === undefined ? { id, type, to } : { id, type, data, to }
  if (gather.length > 0) made.gather = gather
  if (wait) made.answers = wait
  return more ? Object.assign(made, more) : made
}

/** The oldest open wait that the event answers. An ask is answered from outside only. */
function openWait(
  { model, attempts, options }: Routed,
  type: string,
  data: unknown,
  outside: boolean,
  claimed: Set<Point>,
): PointRef | undefined {
  for (const { exec, point } of model.waits.get(type)?.values() ?? []) {
    if (claimed.has(point) || (point.type === 'ask' && !outside)) continue
    // The timer of a wait may be late. (For events from outside, everything that has run out was ended before.)
    if (point.deadline && point.deadline <= Number(options?.clock.now())) continue
    if (point.where && attempts.get(exec.id)?.points.fits(point.key, { type, data }) !== true) continue
    claimed.add(point)
    return { exec: exec.id, key: point.key }
  }
  return undefined
}

/**
 * Whether a wait may take one of the events, but its step has not run up to it again after a reload, so that its predicate
 * is not known.
 */
export function isUnclear({ model, attempts }: Routed, events: readonly WorkflowEvent[]): boolean {
  if (model.waits.size === 0) return false
  for (const { type } of events)
    for (const { exec, point } of model.waits.get(type)?.values() ?? [])
      if (point.where && attempts.get(exec.id)?.points.isArmed(point.key) !== true) return true
  return false
}

/** Resolves when it is clear, or will not become so. */
export function whenClear(core: Routed, events: readonly WorkflowEvent[]): Promise<void> {
  return patiently(() => !isUnclear(core, events))
}

const nobody: Takers = { to: [], gather: [] }
