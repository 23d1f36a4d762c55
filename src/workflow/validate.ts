import { WorkflowError, type Finding } from '../errors'
import { absence } from '../state/absence'
import { toPath } from '../state/path'
import type { Schema } from '../state/standard-schema'
import { leaks } from './leaks'
import { amount, mistakes, positive, records, whole } from './number'
import { isOutcome, outcomes } from './outcome-unknown'
import { isDeclaration } from './resource'
import { retryMistakes } from './retry'
import { emits, endingWell, isHeard, onCycle, outside, reachable, replies, ways } from './routes'
import type { AnyWorkflow } from './shape'
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

const ofWorkflow = {
  version: whole,
  maxSteps: positive,
  timeout: positive,
  history: records,
  recoveries: amount,
}
const ofStep = { workers: whole, recoveries: amount, timeout: positive }

const checks: Record<Check, (definition: Definition, report: Report) => void> = {
  numbers({ steps, options, name }, report) {
    if (typeof name !== 'string' || name === '') report('the workflow has no name')
    mistakes(options, ofWorkflow).forEach(report)
    for (const step of steps)
      for (const it of [...mistakes(step, ofStep), ...retryMistakes(step.retry)])
        report(`step "${step.name}": ${it}`)
  },

  options({ options, steps, eventsByType }, report) {
    const { onUnknownOutcome: outcome = 'rerun', migrations, resources, state, flowState } = options
    if (!isOutcome(outcome)) report(`onUnknownOutcome is ${JSON.stringify(outcome)}; it is ${outcomes}`)
    for (const [version, migration] of Object.entries(migrations ?? {}))
      if (typeof migration !== 'function') report(`migrations: ${version} is no function`)
    for (const [key, it] of Object.entries(resources ?? {}))
      if (!isDeclaration(it))
        report(`resource "${key}" is not declared with resource(); a client is given at open()`)
    for (const { name, handler, asks } of steps) {
      if (typeof name !== 'string' || name === '') report('a step has no name')
      if (typeof handler !== 'function') report(`step "${name}" has no handler`)
      for (const { type, reply } of asks)
        if (!reply) report(`step "${name}" asks "${type}", which has no reply`)
    }
    const look = (schema: unknown, what: string): void => {
      if (schema != null && !(schema as Partial<Schema>)['~standard'])
        report(`${what}: its schema is no Standard Schema (zod from 3.24, valibot, arktype)`)
    }
    eventsByType.forEach(({ schema }, type) => {
      if (typeof type !== 'string' || type === '')
        report('`start`, `stop`, `events` or a `reply` is no event')
      look(schema, `event "${type}"`)
    })
    look(state, 'state')
    look(flowState, 'flowState')
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
      if (!stepsByName.has(now)) report(`renamedSteps: "${old}" becomes "${now}", which is no step`)
    }
  },

  duplicateStep({ steps, stepsByName }, report) {
    const clashing = steps.filter((it) => stepsByName.get(it.name) !== it)
    for (const name of new Set(clashing.map((it) => it.name))) report(`two steps are called "${name}"`)
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
    else if (!steps.some((it) => emits(it, stop.type)))
      report(`no step emits the stop event "${stop.type}"; where none is meant, skip: ['stop', 'deadEnd']`)
  },

  unconsumed(definition, report) {
    const { steps, options } = definition
    for (const step of steps)
      for (const { type } of step.emits)
        if (type !== options.stop?.type && !isHeard(type, definition))
          report(
            `step "${step.name}" emits "${type}", which no step accepts; if it is only waited for, declare it in \`events\``,
          )
  },

  unproduced(definition, report) {
    const produced = outside(definition)
    for (const step of definition.steps) for (const { type } of step.emits) produced.add(type)
    for (const { name, on } of definition.steps)
      for (const { type } of on) {
        if (produced.has(type)) continue
        const way =
          type === STEP_FAILED
            ? 'name this step in a `catchError`'
            : 'if it comes from outside, declare it in `events`'
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
    const next = ways(definition)
    const fine = endingWell(definition, next)
    const reached = reachable(definition)
    const inRun = reachable(definition, new Set([definition.options.start?.type]))
    for (const step of definition.steps) {
      if (fine.has(step) || !reached.has(step)) continue
      if (onCycle(step, next)) report(`step "${step.name}" is in a cycle that never leads to the stop event`)
      // What only an outside event leads to comes beside the run.
      else if (inRun.has(step))
        report(`step "${step.name}" is a dead end: nothing after it leads to the stop event`)
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
