import { copyJson } from '../../state/json'
import { compileSchema } from '../../state/schema'
import type { AnyEvent } from '../event'
import { GRAPH_FORMAT, type GraphDocument, type GraphEdge } from './document'
import type { Retry, RetryPolicy } from '../retry'
import type { AnyWorkflow } from '../shape'
import type { StepDefinition } from '../step'
import { STEP_FAILED } from '../step-failed'
import { definitionOf, type Definition } from '../workflow'

/** A step of an exported workflow. What is a default is left out. */
export interface ExportedStep {
  readonly name: string
  /** The types of the events that start it. `join` says how they come together; without it each starts it alone. */
  readonly on: readonly string[]
  readonly join?: 'allOf' | 'gather'
  readonly emits: readonly string[]
  readonly asks?: readonly string[]
  readonly workers?: number
  readonly retry?: RetryPolicy
  readonly timeout?: number
  readonly catchError?: string
  readonly recoveries?: number
  /** The workflow that the step is. Its code and mapping must be registered again. */
  readonly subflow?: { readonly name: string; readonly version: number }
  /** The edges of a document say what comes next, not what the step returns. */
  readonly routes?: 'edges'
}

/** A type of event: what answers it, and its part in the workflow. */
export interface ExportedEvent {
  readonly type: string
  readonly reply?: string
  readonly start?: true
  readonly stop?: true
  /** Only `session.send` brings it. */
  readonly outside?: true
}

/** A way from one step to another: by an event, or in a document by a condition. */
export interface ExportedEdge extends GraphEdge {
  readonly event?: string
}

/** A definition as plain JSON: no code, no resource, no path of a file. */
export interface GraphExport extends GraphDocument {
  readonly format: number
  readonly version: number
  readonly steps: readonly ExportedStep[]
  readonly events: readonly ExportedEvent[]
  readonly edges: readonly ExportedEdge[]
}

/**
 * The graph of any workflow as JSON, whether a builder or a document made it. `workflowFromGraph` makes the same workflow
 * of it when every handler is registered under its step's name. Functions (`retry`, schemas) must be registered again too.
 * What no registry takes is lost: migrations.
 *
 * ```ts
 * const json = JSON.stringify(graphOf(checkout))
 * const again = workflowFromGraph(JSON.parse(json), { nodes: { address, pay }, events: [Begin, Ordered] })
 * ```
 */
export function graphOf(workflow: AnyWorkflow): GraphExport {
  const definition = definitionOf(workflow)
  const { name, version, graph, steps, options } = definition
  const initial = definition.initialState ?? initialOf(definition)
  const document = {
    format: GRAPH_FORMAT,
    name,
    version,
    steps: steps.map((it) => stepOf(it, graph !== undefined)),
    events: eventsOf(definition),
    edges: graph?.edges ?? edgesOf(definition),
    nodes: graph?.nodes ?? steps.map((it) => ({ id: it.name, type: it.name })),
    ...(graph && graph.start !== graph.nodes[0]?.id && { start: graph.start }),
    ...(initial !== undefined && { initial_state: initial }),
    ...(graph === undefined && given('options', plain(options))),
  }
  // A copy that is the caller's alone.
  return JSON.parse(JSON.stringify(document)) as GraphExport
}

/** The schema's defaults, because the schema itself is not exported. */
function initialOf({ options }: Definition): unknown {
  try {
    return options.state && copyJson(compileSchema(options.state).initial(undefined), 'initial_state')
  } catch {
    // The schema needs what `open` brings, or has defaults that JSON has not, such as a date: it is registered again.
    return undefined
  }
}

function stepOf(step: StepDefinition, routed: boolean): ExportedStep {
  const { name, on, join, emits, asks, workers, retry, timeout, catchError, recoveries } = step
  const child = step.subflow && definitionOf(step.subflow.workflow)
  return {
    name,
    on: on.map(typeOf),
    ...(join !== 'any' && { join }),
    emits: emits.map(typeOf),
    ...(asks.length > 0 && { asks: asks.map(typeOf) }),
    ...(workers !== 4 && { workers }),
    ...given('retry', policyOf(retry)),
    ...given('timeout', timeout),
    ...given('catchError', catchError),
    ...given('recoveries', recoveries),
    ...(child && { subflow: { name: child.name, version: child.version } }),
    ...(routed && { routes: 'edges' }),
  }
}

function eventsOf({ eventsByType, options }: Definition): ExportedEvent[] {
  return [...eventsByType.values()].map((event) => ({
    type: event.type,
    ...(event.reply && { reply: event.reply.type }),
    ...(event === options.start && { start: true }),
    ...(event === options.stop && { stop: true }),
    ...(options.events.includes(event) && { outside: true }),
  }))
}

function edgesOf({ steps, routes }: Definition): ExportedEdge[] {
  return steps.flatMap(({ name, emits, catchError }) => [
    ...emits.flatMap(({ type }) => (routes.get(type) ?? []).map((to) => ({ from: name, to, event: type }))),
    ...(catchError === undefined ? [] : [{ from: name, to: catchError, event: STEP_FAILED }]),
  ])
}

/** Those options of a workflow that are data. */
export const DATA = [
  'timeout',
  'maxSteps',
  'history',
  'catchError',
  'recoveries',
  'onUnknownOutcome',
  'renamedSteps',
  'private',
  'skip',
] as const

function plain(options: Definition['options']): unknown {
  const all = DATA.filter((key) => options[key] !== undefined).map((key) => [key, options[key]])
  return all.length > 0 ? Object.fromEntries(all) : undefined
}

/** The part of a policy that is data; functions are left out. */
function policyOf(retry: Retry | undefined): RetryPolicy | undefined {
  if (retry === undefined || typeof retry === 'function') return undefined
  const { retryIf: _code, ...policy } = retry
  return policy
}

function given(key: string, value: unknown): object {
  return value === undefined ? {} : { [key]: value }
}

function typeOf(event: AnyEvent): string {
  return event.type
}
