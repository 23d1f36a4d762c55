import { WorkflowError, type Finding } from '../errors'
import { absence } from '../state/absence'
import { toPath } from '../state/path'
import type { Schema } from '../state/standard-schema'
import type { AnyEvent } from './event'
import { leaks } from './leaks'
import { amount, mistake, positive, records, whole } from './number'
import { isOutcome, outcomes } from './outcome-unknown'
import { retryMistake } from './retry'
import type { AnyWorkflow } from './shape'
import type { StepDefinition } from './step'
import { STEP_FAILED } from './step-failed'
import type { Definition } from './workflow'

/** The checks of `validate`, by the name that `skip` takes. */
export type Check =
  | 'numbers'
  | 'options'
  | 'duplicateStep'
  | 'duplicateEvent'
  | 'start'
  | 'stop'
  | 'unconsumed'
  | 'unproduced'
  | 'catchError'
  | 'unreachable'
  | 'deadEnd'
  | 'private'
  | 'renamedSteps'
  | 'subflow'

type Report = (message: string) => void

/** Throws one WorkflowError with everything that the checks find, or returns. */
export function validateDefinition(definition: Definition, skip: readonly Check[]): void {
  const findings: Finding[] = []
  for (const [check, run] of Object.entries(checks)) {
    if (skip.includes(check as Check)) continue
    const report: Report = (message) => findings.push({ check, message })
    try {
      run(definition, report)
    } catch (error) {
      // What a caller without types gives may be nothing that a check can look at.
      report(`${check}: ${String(error)}`)
    }
  }
  if (findings.length > 0) throw new WorkflowError(definition.name, findings)
}

const checks: Record<Check, (definition: Definition, report: Report) => void> = {
  numbers({ steps, options, version, name }, report) {
    if (typeof name !== 'string' || name === '') report('the workflow has no name')
    const { maxSteps = 1, timeout = 1, history = 0, recoveries = 0 } = options
    const mistakes = [
      mistake('version', version, whole),
      mistake('maxSteps', maxSteps, positive),
      mistake('timeout', timeout, positive),
      mistake('history', history, records),
      mistake('recoveries', recoveries, amount),
      ...steps.flatMap((step) =>
        [
          mistake('workers', step.workers, whole),
          mistake('recoveries', step.recoveries ?? 0, amount),
          mistake('timeout', step.timeout ?? 1, positive),
          retryMistake(step.retry),
        ].map((it) => it && `step "${step.name}": ${it}`),
      ),
    ]
    for (const it of mistakes) if (it) report(it)
  },

  options({ options, steps, eventsByType }, report) {
    const { onUnknownOutcome: outcome = 'rerun', migrations, state, flowState } = options
    if (!isOutcome(outcome)) report(`onUnknownOutcome is ${JSON.stringify(outcome)}; it is ${outcomes}`)
    for (const [version, migration] of Object.entries(migrations ?? {}))
      if (typeof migration !== 'function') report(`migrations: ${version} is no function`)
    for (const { name, handler, asks } of steps) {
      if (typeof name !== 'string' || name === '') report('a step has no name')
      if (typeof handler !== 'function') report(`step "${name}" has no handler`)
      for (const { type, reply } of asks)
        if (!reply) report(`step "${name}" asks "${type}", which has no reply`)
    }
    for (const type of eventsByType.keys())
      if (typeof type !== 'string') report('`start`, `stop`, `events` or a `reply` is no event')
    const schemas = [...eventsByType].map(([type, { schema }]) => [`event "${type}"`, schema] as const)
    for (const [what, schema] of [...schemas, ['state', state] as const, ['flowState', flowState] as const])
      if (schema != null && !(schema as Partial<Schema>)['~standard'])
        report(`${what}: its schema is no Standard Schema (zod from 3.24, valibot, arktype)`)
  },

  private({ options }, report) {
    for (const path of options.private ?? []) {
      const wrong = malformed(path) ?? (options.state && absence(options.state, path))
      if (wrong) report(`private path "${path}": ${wrong}`)
    }
  },

  renamedSteps({ options, stepsByName }, report) {
    for (const [old, now] of Object.entries(options.renamedSteps ?? {})) {
      if (stepsByName.has(old)) report(`renamedSteps: there still is a step "${old}"`)
      if (!stepsByName.has(now)) report(`renamedSteps: "${old}" is to be "${now}", and there is no such step`)
    }
  },

  duplicateStep({ steps }, report) {
    for (const name of repeated(steps.map((it) => it.name))) report(`two steps are called "${name}"`)
  },

  duplicateEvent({ eventsByType, options, steps }, report) {
    const all = [
      ...[options.start, options.stop, ...options.events],
      ...steps.flatMap((it) => [...it.on, ...it.emits, ...it.asks, ...replies(it)]),
    ]
    const clashing = all.filter((it) => it !== undefined && eventsByType.get(it.type) !== it)
    for (const type of new Set(clashing.map((it) => it.type)))
      report(`two different events are called "${type}"`)
  },

  start({ options, routes }, report) {
    if (options.start === undefined) report('there is no `start` event')
    else if (!routes.has(options.start.type))
      report(`no step accepts the start event "${options.start.type}"`)
  },

  stop({ options, steps }, report) {
    const { stop } = options
    if (stop === undefined) report('there is no `stop` event')
    else if (!steps.some((it) => emits(it, stop.type))) report(`no step emits the stop event "${stop.type}"`)
  },

  unconsumed(definition, report) {
    const { steps, options } = definition
    for (const step of steps)
      for (const { type } of step.emits)
        if (type !== options.stop?.type && !isHeard(type, definition))
          report(
            `step "${step.name}" emits "${type}", which no step accepts; one that is only waited for stands in \`events\``,
          )
  },

  unproduced(definition, report) {
    const produced = outside(definition)
    for (const step of definition.steps) for (const { type } of step.emits) produced.add(type)
    for (const { name, on } of definition.steps)
      for (const { type } of on) {
        if (produced.has(type)) continue
        const way =
          type === STEP_FAILED ? 'a `catchError` names its step' : 'one from outside stands in `events`'
        report(`step "${name}" accepts "${type}", which nothing produces; ${way}`)
      }
  },

  catchError({ steps, stepsByName, options }, report) {
    for (const { catchError, name } of [...steps, { catchError: options.catchError, name: undefined }]) {
      if (catchError === undefined) continue
      const who = name === undefined ? 'the workflow' : `step "${name}"`
      const target = stepsByName.get(catchError)
      if (target === undefined) report(`${who}: catchError names "${catchError}", which is no step`)
      else if (!target.on.some((it) => it.type === STEP_FAILED))
        report(`${who}: catchError names "${catchError}", which does not accept StepFailed`)
    }
  },

  subflow(parent, report) {
    for (const { name, subflow } of parent.steps) {
      if (subflow === undefined) continue
      // What its mapping says by itself was checked where it was written.
      const found = mistakesIn(subflow.workflow)
      if (found.length === 0) found.push(...leaks(subflow, parent, subflow.workflow as Definition))
      for (const it of found) report(`sub-flow "${name}": ${it}`)
    }
  },

  unreachable(definition, report) {
    const reached = reachable(definition)
    for (const step of definition.steps)
      if (!reached.has(step)) report(`step "${step.name}" cannot be reached from the start`)
  },

  deadEnd(definition, report) {
    const stopping = leadingToStop(definition)
    const reached = reachable(definition)
    for (const step of definition.steps) {
      if (stopping.has(step) || !reached.has(step) || isBesideARoute(step, definition, stopping)) continue
      if (onCycle(step, definition))
        report(`step "${step.name}" is in a cycle that never leads to the stop event`)
      else report(`step "${step.name}" is a dead end: nothing after it leads to the stop event`)
    }
  },
}

function malformed(path: string): string | undefined {
  try {
    return void toPath(path)
  } catch (error) {
    return (error as Error).message
  }
}

/** What is wrong with the child itself. */
function mistakesIn(workflow: AnyWorkflow): string[] {
  try {
    const { validate } = (workflow ?? {}) as Partial<Definition>
    if (validate === undefined) return ['`workflow` is no workflow']
    validate()
    return []
  } catch (error) {
    return error instanceof WorkflowError ? error.findings.map((it) => it.message) : [String(error)]
  }
}

function repeated(names: readonly string[]): Set<string> {
  const seen = new Set<string>()
  return new Set(names.filter((it) => seen.has(it) || !seen.add(it)))
}

function emits(step: StepDefinition, type: string): boolean {
  return step.emits.some((it) => it.type === type)
}

function replies(step: StepDefinition): AnyEvent[] {
  return step.asks.map((it) => it.reply).filter((it) => it !== undefined)
}

/** The types of events that come from outside the steps. */
function outside({ options, steps }: Definition): Set<string> {
  const given = [options.start, ...options.events, ...steps.flatMap(replies)]
  const types = new Set(given.filter((it): it is AnyEvent => it !== undefined).map((it) => it.type))
  const recovering = options.catchError !== undefined || steps.some((it) => it.catchError !== undefined)
  if (recovering) types.add(STEP_FAILED)
  return types
}

/** Whether a step accepts it, or may wait for it: what may come from outside may come from a step instead. */
function isHeard(type: string, definition: Definition): boolean {
  return definition.routes.has(type) || outside(definition).has(type)
}

/** The steps that an event of one of these types, or a failure before it, can start. */
function after(step: StepDefinition, { routes, stepsByName, options }: Definition): StepDefinition[] {
  const names = step.emits.flatMap((it) => routes.get(it.type) ?? [])
  const recovery = step.catchError ?? options.catchError
  return [...names, ...(recovery === undefined ? [] : [recovery])]
    .map((it) => stepsByName.get(it))
    .filter((it) => it !== undefined)
}

/** These steps, and all that one comes to from them. */
function closure(
  first: readonly StepDefinition[],
  next: (step: StepDefinition) => readonly StepDefinition[] | undefined,
): Set<StepDefinition> {
  const all = new Set(first)
  for (const step of all) for (const it of next(step) ?? []) all.add(it)
  return all
}

function reachable(definition: Definition): Set<StepDefinition> {
  const types = outside(definition)
  const first = definition.steps.filter((it) => it.on.some((event) => types.has(event.type)))
  return closure(first, (it) => after(it, definition))
}

function leadingToStop(definition: Definition): Set<StepDefinition> {
  const { steps, options } = definition
  const before = new Map<StepDefinition, StepDefinition[]>(steps.map((it) => [it, []]))
  for (const step of steps) for (const next of after(step, definition)) before.get(next)?.push(step)
  const last = steps.filter((it) => options.stop !== undefined && emits(it, options.stop.type))
  return closure(last, (it) => before.get(it))
}

/**
 * A step that emits nothing is no dead end when what starts it also leads on elsewhere: it logs, or cleans up. Nor is
 * one that emits what another step may be waiting for.
 */
function isBesideARoute(
  step: StepDefinition,
  definition: Definition,
  stopping: Set<StepDefinition>,
): boolean {
  const { steps, options, routes } = definition
  const shares = (other: StepDefinition): boolean =>
    other.on.some((it) => step.on.some((own) => own.type === it.type))
  const feeds = (other: StepDefinition): boolean => step.on.some((own) => emits(other, own.type))
  const among = (events: readonly AnyEvent[]) => (own: AnyEvent) => events.some((it) => it.type === own.type)
  const given = among([...options.events, ...steps.flatMap(replies)])
  if (step.emits.length > 0)
    return step.emits.some((it) => given(it) && !(routes.has(it.type) && onCycle(step, definition)))
  // What comes from outside always comes beside the run.
  if (step.on.every(given)) return true
  return steps.some(
    (it) => stopping.has(it) && (shares(it) || feeds(it) || it.on.some(among(options.events))),
  )
}

function onCycle(step: StepDefinition, definition: Definition): boolean {
  return closure(after(step, definition), (it) => after(it, definition)).has(step)
}
