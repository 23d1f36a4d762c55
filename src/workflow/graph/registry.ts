import type { StateValidationError } from '../../errors'
import { compileSchema } from '../../state/schema'
import type { Schema } from '../../state/standard-schema'
import type { Ask, AskType } from '../ask'
import type { AnyEvent, EventType, WorkflowEvent } from '../event'
import { known, type Report } from './error'
import { join, kindOf, own, reader, type JsonObject } from './reader'
import { mappingMistakes, type AnyMapping } from '../mapping'
import { nodeHandler, type ExecuteContext } from '../node'
import { mistakes, positive } from '../number'
import type { Resource } from '../resource'
import { retryMistakes, type Retry } from '../retry'
import type { AnyWorkflow, Shape } from '../shape'
import type { StepDefinition } from '../step'
import type { StepContext, StepStore } from '../step-context'
import type { Definition } from '../workflow'

/** What a node of a document may do around its `execute`. */
export type GraphContext<State, R> = StepContext<
  Shape<State, unknown, unknown, unknown, R>,
  WorkflowEvent,
  // oxlint-disable-next-line typescript/no-explicit-any -- which question is asked is not known here
  Ask<any>,
  WorkflowEvent
>

/**
 * A type of node: the phases of `.node`, all of them optional, and their options. What `cleanup` returns (without it,
 * what `execute` returns) is the data of the event that the next node gets: `ctx.event.data` in its `prepare`.
 */
export interface RegisteredNode<State = Record<string, unknown>, R = object> {
  /** Reads the state and says what `execute` needs. */
  prepare?(state: StepStore<State>, ctx: GraphContext<State, R>): unknown
  /** Does the work: the only phase that is tried again. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a config has the type that its node says
  execute?(prepared: unknown, run: ExecuteContext<any, R>): unknown
  /** Gives the result after the last failure of `execute`. */
  fallback?(prepared: unknown, error: unknown): unknown
  /** Writes the result into the state. */
  cleanup?(state: StepStore<State>, prepared: unknown, result: unknown, ctx: GraphContext<State, R>): unknown
  /** For `execute`, unless the document's node has its own. */
  readonly config?: unknown
  /** For `execute`, unless the document's node has its own. Default: a failure is final. */
  readonly retry?: Retry | undefined
  /** Milliseconds of work an attempt may take. Default: no limit. */
  readonly timeout?: number | undefined
  /** What `prepare` and `cleanup` may ask. */
  readonly asks?: readonly AskType[] | undefined
}

/** A step of an exported workflow: its handler, and those of its options that are code. */
export interface RegisteredStep {
  readonly handler: (ctx: never, event: never) => unknown
  readonly retry?: Retry | undefined
}

/**
 * A node that is another workflow. Its input is the data of the event (`ctx.event.data` in other nodes), unless `capture`
 * says otherwise. The next node gets its result, or what `writeBack.value` makes of it.
 */
export interface RegisteredSubflow extends AnyMapping {
  readonly workflow: AnyWorkflow
  /** How a failed child is tried again. Default: its failure is final. */
  readonly retry?: Retry | undefined
}

/** The code that a document names. */
export interface GraphRegistry<S extends Schema = Schema<Record<string, unknown>>, R = object> {
  /** The types of nodes. For an exported workflow: the handlers (or phases) of its steps, under their names. */
  readonly nodes: Readonly<
    Record<
      string,
      RegisteredNode<StateIn<S>, R> | RegisteredSubflow | RegisteredStep | RegisteredStep['handler']
    >
  >
  /** The conditions of edges, by name. They may be asynchronous; a condition holds when its answer is truthy. */
  readonly conditions?:
    Readonly<Record<string, (state: Pick<StepStore<StateIn<S>>, 'get' | 'has'>) => unknown>> | undefined
  /** The schema of the state. Without it the state is untyped. */
  readonly state?: S
  /** The schema of the flow state. Without it the flow state is untyped. */
  readonly flowState?: Schema | undefined
  /** What nodes need from outside. */
  readonly resources?: { readonly [K in keyof R]: Resource<R[K]> } | undefined
  /** Events that `session.send` may bring. For an exported workflow: all events that have a schema. */
  readonly events?: readonly EventType[] | undefined
}

/**
 * While the compiler looks at conditions or nodes that a call returns (`Object.fromEntries`), there is no schema yet: with
 * `never` for the state, they would fit nothing afterwards.
 */
type StateIn<S extends Schema> = [S] extends [never]
  ? Record<string, unknown>
  : NonNullable<S['~standard']['types']>['output']

/** A registered entry in one form. */
export interface Registered {
  readonly handler?: StepDefinition['handler']
  readonly subflow?: NonNullable<StepDefinition['subflow']>
  /** Makes the handler of a node with that config. */
  readonly node: ReturnType<typeof nodeHandler>
  readonly config?: unknown
  readonly retry?: Retry
  readonly timeout?: number
  readonly asks?: readonly AskType[]
}

/** The code of a registry in one form: own keys of the caller's objects, in Maps. */
export interface Code {
  readonly types: ReadonlyMap<string, Registered>
  /** What is registered for a node. */
  type(type: string, id: string): Registered | undefined
  readonly conditions: ReadonlyMap<string, (state: unknown) => unknown>
  readonly state: Schema | undefined
  readonly flowState: Schema | undefined
  readonly resources: object
  readonly events: readonly AnyEvent[]
}

export function readRegistry(value: unknown, report: Report): Code {
  const read = reader(report)
  const registry = read.object(value, 'registry') ?? {}
  const nodes = read.object(own(registry, 'nodes'), 'registry.nodes') ?? {}
  const conditions = read.object(own(registry, 'conditions') ?? {}, 'registry.conditions') ?? {}
  for (const [name, it] of Object.entries(conditions)) isFunction(it, `registry.conditions.${name}`, report)
  const schema = (key: string): Schema | undefined => {
    const it = own(registry, key)
    if (isSchema(it)) return it
    if (it !== undefined) report(`registry.${key}`, 'is no schema')
    return undefined
  }
  const [state, flowState] = [schema('state'), schema('flowState')]
  const events = read.list(registry, 'events', 'registry', true)
  for (const [index, it] of events.entries()) isFunction(it, `registry.events.${index}`, report)
  const types = new Map(
    Object.entries(nodes).map(([name, it]) => [name, readEntry(it, `registry.nodes.${name}`, report)]),
  )
  return {
    types,
    type: (type) => types.get(type),
    conditions: new Map(Object.entries(conditions)) as Code['conditions'],
    state,
    flowState,
    resources: read.object(own(registry, 'resources') ?? {}, 'registry.resources') ?? {},
    events: events as readonly AnyEvent[],
  }
}

const PHASES = ['prepare', 'execute', 'fallback', 'cleanup', 'handler'] as const

function readEntry(value: unknown, path: string, report: Report): Registered {
  const none = nodeHandler({})
  if (typeof value === 'function') return { handler: value as StepDefinition['handler'], node: none }
  if (typeof value !== 'object' || value === null) {
    report(path, `must be an object with any of ${PHASES.join(', ')}`)
    return { node: none }
  }
  // An instance of a class will do as well: its phases stand on the prototype.
  const entry = value as JsonObject
  if (entry['workflow'] !== undefined) return readSubflow(entry as object as RegisteredSubflow, path, report)
  const phases: Record<string, unknown> = {}
  for (const phase of PHASES) {
    const it = entry[phase]
    if (it !== undefined && isFunction(it, join(path, phase), report)) phases[phase] = it.bind(entry)
  }
  const { handler, ...rest } = phases
  const { config, retry, timeout, asks } = entry as Partial<Registered>
  const wrong = [
    ...retryMistakes(retry).map((it) => ['retry', it] as const),
    ['timeout', mistakes({ timeout }, { timeout: positive })[0]],
  ] as const
  for (const [key, it] of wrong) if (it !== undefined) report(join(path, key), `is not valid: ${it}`)
  for (const [index, it] of [asks ?? []].flat().entries())
    if (!(it as Partial<AnyEvent> | undefined)?.reply)
      report(join(path, `asks.${index}`), 'is no event with a reply')
  return {
    node: nodeHandler(rest),
    ...(handler !== undefined && { handler: handler as StepDefinition['handler'] }),
    ...(config !== undefined && { config }),
    ...(retry !== undefined && { retry }),
    ...(timeout !== undefined && { timeout }),
    ...(asks !== undefined && { asks }),
  }
}

const OF_SUBFLOWS = ['workflow', 'capture', 'writeBack', 'retry']

function readSubflow(entry: RegisteredSubflow, path: string, report: Report): Registered {
  const { workflow, capture, writeBack, retry } = entry
  const mapping = { capture, writeBack }
  for (const [key, it] of Object.entries(entry))
    if (it !== undefined && !OF_SUBFLOWS.includes(key))
      report(join(path, key), `means nothing beside workflow; ${known(OF_SUBFLOWS)}`)
  if (!Array.isArray((workflow as Partial<Definition> | undefined)?.steps))
    report(join(path, 'workflow'), `is ${kindOf(workflow)}; it must be a workflow`)
  for (const it of mappingMistakes(mapping)) report(path, `is not valid: ${it}`)
  for (const it of retryMistakes(retry)) report(join(path, 'retry'), `is not valid: ${it}`)
  return {
    node: nodeHandler({}),
    subflow: Object.freeze({ workflow, ...mapping }),
    ...(retry !== undefined && { retry }),
  }
}

/** The schema of a document's state, and its initial state as the schema gives it. */
export function initialState(
  source: JsonObject,
  value: object | undefined,
  code: Code,
  report: Report,
): { readonly schema: Schema | undefined; readonly value: unknown } {
  const beside = own(source, 'state')
  if (beside !== undefined && !isSchema(beside)) report('state', 'is no schema; data go into initial_state')
  const schema = code.state ?? (isSchema(beside) ? beside : undefined)
  if (schema === undefined || value === undefined) return { schema, value }
  try {
    return { schema, value: compileSchema(schema).initial(value) }
  } catch (error) {
    const { issues = [{ path: '', message: (error as Error).message }] } =
      error as Partial<StateValidationError>
    for (const it of issues)
      report(it.path === '' ? 'initial_state' : `initial_state.${it.path}`, `is not valid: ${it.message}`)
    return { schema, value }
  }
}

function isFunction(value: unknown, path: string, report: Report): value is (...args: never) => unknown {
  if (typeof value === 'function') return true
  report(path, `is ${kindOf(value)}; it must be a function`)
  return false
}

function isSchema(value: unknown): value is Schema {
  const it = value as Partial<Schema> | null | undefined
  return typeof it?.['~standard']?.validate === 'function'
}
