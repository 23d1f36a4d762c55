import { anything, defineEvent, vouched, type AnyEvent } from '../event'
import { readGraph, type PlainEdge, type PlainNode } from './document'
import { ConditionError, type Report } from './error'
import { own, type JsonObject } from './reader'
import { initialState, type Code, type Registered } from './registry'
import type { AskType } from '../ask'
import type { On } from '../join'
import type { Shape } from '../shape'
import { makeStep, type StepDefinition, type StepOptions } from '../step'
import type { StepContext } from '../step-context'
import { running } from '../subflow'
import { build, type Definition } from '../workflow'

type Context = StepContext<Shape, unknown, unknown, unknown>

/** What the steps of one graph share: the events that enter nodes, the one that ends the run, and the code. */
interface Events {
  readonly enter: ReadonlyMap<string, AnyEvent>
  readonly end: AnyEvent
}

/** Reads a document of nodes and edges. Returns a function that makes the definition, for when there are no findings. */
export function stepsOfEdges(source: JsonObject, registry: Code, report: Report): () => Definition {
  const { types } = registry
  // An export also finds its code under the names of its steps.
  const exported = (type: string, id: string): Registered | undefined => types.get(type) ?? types.get(id)
  const code = own(source, 'steps') === undefined ? registry : { ...registry, type: exported }
  const graph = readGraph(source, code, report)
  const state = initialState(source, graph.initialState, code, report)
  return () => {
    const enter = new Map<string, AnyEvent>()
    const edges = new Map<string, PlainEdge[]>()
    for (const { id } of graph.nodes) {
      enter.set(id, defineEvent(`node:${id}`, anything))
      edges.set(id, [])
    }
    for (const edge of graph.edges) edges.get(edge.from)?.push(edge)
    const events = { enter, end: defineEvent('graph:end', anything) as AnyEvent }
    const steps = graph.nodes.map((node) => stepOf(node, edges.get(node.id) ?? [], events, code))
    const options = {
      name: graph.name,
      version: graph.version,
      start: enter.get(graph.start),
      stop: events.end,
      ...(state.schema && { state: state.schema }),
      flowState: code.flowState,
      resources: code.resources,
      events: code.events,
      // A draft may have nodes that nothing leads to, and `maxSteps` guards a loop without an end. Numbers, ids and the ends of
      // edges were looked at when the document was read.
      skip: ['unreachable', 'deadEnd', 'stop', 'unproduced', 'numbers', 'duplicateStep', 'unconsumed'],
    }
    return build(options as unknown as Definition['options'], steps, { initialState: state.value, graph })
  }
}

function stepOf(
  { id, type, config, retry }: PlainNode,
  edges: readonly PlainEdge[],
  { enter, end }: Events,
  code: Code,
): StepDefinition {
  const registered = code.type(type, id) as Registered
  const child = registered.subflow
  const run = child ? running(child) : registered.node(config === undefined ? registered.config : config)
  // An edge without a condition always leads on.
  const otherwise = edges.find((it) => it.when === undefined)
  const next = chooser(edges, otherwise, code)
  const on = enter.get(id) as AnyEvent
  const emits = [...new Set(edges.map(({ to }) => enter.get(to) as AnyEvent))]
  if (otherwise === undefined) emits.push(end)
  const { asks, timeout } = registered
  return makeStep(
    id,
    { on, emits, asks, retry: retry ?? registered.retry, timeout } as StepOptions<
      On,
      readonly AnyEvent[],
      readonly AskType[]
    >,
    { join: 'any', events: [on] },
    async (ctx) => {
      const outcome = await run(ctx)
      const edge = await next(ctx)
      if (edge === undefined) return vouched({ type: end.type, data: ctx.state.get() })
      return enter.get(edge.to)?.(outcome)
    },
    child,
  )
}

/** Finds the edge to take: the first whose condition holds, else the first without one. */
function chooser(
  edges: readonly PlainEdge[],
  otherwise: PlainEdge | undefined,
  { conditions }: Code,
): (ctx: Context) => Promise<PlainEdge | undefined> {
  return async ({ state }) => {
    for (const edge of edges) {
      if (edge.when === undefined) continue
      try {
        if (await conditions.get(edge.when)?.(state)) return edge
      } catch (error) {
        throw new ConditionError(edge.when, edge.from, edge.to, error)
      }
    }
    return otherwise
  }
}
