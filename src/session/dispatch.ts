import { EventNotAcceptedError, UnknownStepError } from '../errors'
import { genuine, isEvent, vouched, type WorkflowEvent } from '../workflow/event'
import { definitionOf, type Definition } from '../workflow/workflow'
import type { Core } from './core'
import { knownEvent } from './step/known-event'
import { heedStop, type Level } from './level'
import { patiently } from './patience'
import type { Emission } from './model/record'
import { emissionsOf, isUnclear, type Routed } from './routing'

/*
 * A sent event goes to the workflow itself, else to the sub-flows at work in it, from the outside in, and to those that began
 * first before the others. Exactly one of them takes it, like an event of its own.
 */

/**
 * The event, checked by the outermost workflow that knows its type. If only a sub-flow may know it, and the code of that
 * one is not at hand yet, the event is checked when it is delivered.
 */
export function known(core: Core, value: unknown): WorkflowEvent {
  const own = core.definition.eventsByType
  if (isEvent(value) && !own.has(value.type)) {
    let unclear = false
    for (const { definition } of core.levels) {
      unclear ||= definition === undefined
      for (const { eventsByType } of declaredIn(definition)) {
        const factory = eventsByType.get(value.type)
        if (factory) return genuine(value, factory)
      }
    }
    if (unclear) return value
  }
  const where = (): string => `session.send of workflow "${core.definition.name}"`
  return knownEvent(value, [...own.values()], where, 'events')
}

/** An event that another tab has sent, and has checked as far as the definition goes. */
export function heard({ definition }: Core, event: WorkflowEvent): WorkflowEvent {
  return isKnownIn(definition, event.type) ? vouched(event) : event
}

/** A step takes what it accepts. A step that is a sub-flow also takes what the sub-flow knows. */
export function mustAccept({ definition, levels }: Core, step: string, type: string): void {
  const found = definition.stepsByName.get(step)
  if (found === undefined) throw new UnknownStepError(step, [...definition.stepsByName.keys()])
  const types = found.on.map((it) => it.type)
  if (types.includes(type) || (found.subflow && isKnownIn(definitionOf(found.subflow.workflow), type))) return
  for (const { path, definition: at } of levels)
    if (path[0]?.exec.step === step && (at === undefined || isKnownIn(at, type))) return
  throw new EventNotAcceptedError(type, step, types)
}

/**
 * Resolves when it is clear who takes the event, or cannot become clear; `undefined` when it is clear already. A step that
 * was cut off may not have run up to its sub-flow, or to its predicate, again.
 */
export function takerClear(
  core: Core,
  event: WorkflowEvent,
  step: string | undefined,
): Promise<void> | undefined {
  const isClear = (): boolean => takerOf(core, event, step, true) !== undefined
  return isClear() ? undefined : patiently(isClear)
}

/** Records the event with who takes it, when that is clear. Returns whether somebody does. */
export function dispatch(
  core: Core,
  event: WorkflowEvent,
  step: string | undefined,
  patient: boolean = true,
): boolean | Promise<boolean> {
  // See `Core.expire`. What was only opened has yet to begin, and may be what takes it.
  heedStop(core)
  core.wake()
  const found = takerOf(core, event, step, patient)
  if (found) {
    found.level.append({ kind: 'sent', event: found.emission })
    core.wake()
    return true
  }
  if (found === undefined)
    return Promise.resolve(takerClear(core, event, step)).then(() => dispatch(core, event, step, false))
  known(core, event)
  return false
}

/** Who takes it, or false. With `patient`, `undefined` as long as that is not known. */
function takerOf(
  core: Core,
  event: WorkflowEvent,
  step: string | undefined,
  patient: boolean,
): { readonly level: Level; readonly emission: Emission } | false | undefined {
  const { model: outermost, levels, definition: outer } = core
  const { run } = outermost
  if (run === undefined || (run.end && run.end.status !== 'stalled')) return false
  const { type } = event
  // It goes to all, to the step that accepts it, or to what is at work in the step. No event from outside is one of a fan-out.
  const target = step !== undefined && outer.stepsByName.get(step)
  const own = target && target.join !== 'gather' && target.on.some((it) => it.type === type)
  for (const level of levels) {
    const { definition, model } = level
    const isOwn = model === outermost
    if (!own && step !== undefined && level.path[0]?.exec.step !== step) continue
    level.expire()
    if (!isOwn && model.run?.end) continue
    if (patient && definition === undefined) return undefined
    if (definition === undefined || !(definition.routes.has(type) || model.waits.has(type))) continue
    const given = isOwn ? event : checked(event, definition)
    if (given === undefined) continue
    const at = level as Routed
    if (patient && isUnclear(at, [given])) return undefined
    const [emission] = emissionsOf(at, [given], own ? { to: [target.name] } : undefined, true)
    if (emission && (emission.to.length > 0 || emission.answers)) return { level, emission }
  }
  return false
}

/** The workflow, and the workflows that are its steps, at any depth. */
function declaredIn(definition: Definition | undefined): Definition[] {
  const found = new Set(definition ? [definition] : [])
  for (const { steps } of found)
    for (const { subflow } of steps) if (subflow) found.add(definitionOf(subflow.workflow))
  return [...found]
}

function isKnownIn(definition: Definition, type: string): boolean {
  return declaredIn(definition).some((it) => it.eventsByType.has(type))
}

/** The event as a sub-flow takes it; `undefined` when it does not know it, or its schema refuses it. */
function checked(event: WorkflowEvent, definition: Definition | undefined): WorkflowEvent | undefined {
  const factory = definition?.eventsByType.get(event.type)
  try {
    return factory && genuine(event, factory)
  } catch {
    return undefined
  }
}
