import { WorkflowError } from '../errors'
import { checkOptions } from '../state/argument'
import type { Path, Stable } from '../state/path-types'
import type { Output, Schema } from '../state/standard-schema'
import type { Ask, AskOf, AskType, Reply } from './ask'
import type { AnyEvent, DataOf, EventOf, EventType, InputOf, WorkflowEvent } from './event'
import type { Graph } from './graph/document'
import { accepts, type Accepted, type Consumed, type On } from './join'
import { nodeHandler, type AnyPhases, type NodeOptions, type OpenPhases, type Phases } from './node'
import type { ResourceDeclaration } from './resource'
import type { AnyWorkflow, Of, Shape } from './shape'
import { takenByStep, takenByWorkflow } from './options-taken'
import { makeStep, type Emitted, type Outcome, type StepDefinition, type StepOptions } from './step'
import { makeSubflow, type SubflowOptions } from './subflow'
import type { StepContext } from './step-context'
import { tablesOf } from './tables'
import { validateDefinition, type Check } from './validate'
import type { WorkflowOptions } from './workflow-options'

type Untyped = Record<string, unknown>
type Fresh<Name extends string, Names> = Name extends Names ? { error: 'this step name is taken' } : Name

type StepContextOf<
  S extends Shape,
  O,
  Em extends readonly EventType[],
  As extends readonly AskType[],
> = StepContext<S, Emitted<Em>, AskOf<As[number]>, Accepted<O>>

/** The workflow with one more step. */
type Wider<
  S extends Shape,
  Names extends string,
  Asks extends Ask,
  Events extends WorkflowEvent,
  O,
  Em extends readonly EventType[],
  As extends readonly AskType[],
> = Workflow<
  S,
  Names,
  Asks | AskOf<As[number]>,
  Events | Consumed<O> | EventOf<Em[number]> | Reply<AskOf<As[number]>>
>

/**
 * A definition: state, events, steps. It is static, inert and free of any framework; an engine runs it. It never changes:
 * `.step` returns a wider definition.
 *
 * The four type parameters are flat: `Shape` stays put, the others are unions that grow.
 */
export interface Workflow<
  S extends Shape,
  Names extends string,
  Asks extends Ask,
  Events extends WorkflowEvent,
> extends AnyWorkflow {
  readonly name: string
  readonly version: number
  readonly '~types'?: {
    readonly shape: S
    readonly steps: Names
    readonly asks: Asks
    readonly events: Events
  }
  /**
   * Adds a step: a handler that accepts events and returns events that it declares in `emits`.
   *
   * ```ts
   * .step('pay', { on: Priced, emits: [Ordered], retry: { attempts: 3, delay: 500, factor: 2 } },
   *   async (ctx, priced) => Ordered(await ctx.once('charge', (key) => charge(priced.data.total, key))))
   * ```
   */
  step<
    const Name extends string,
    const O extends On,
    const Em extends readonly EventType[] = [],
    const As extends readonly AskType[] = [],
  >(
    name: Fresh<Name, Names>,
    options: StepOptions<O, Em, As>,
    handler: (
      ctx: StepContext<S, Emitted<Em>, AskOf<As[number]>, Accepted<O>>,
      event: Accepted<O>,
    ) => Outcome<Emitted<Em>> | Promise<Outcome<Emitted<Em>>>,
  ): Workflow<
    S,
    Names | Name,
    Asks | AskOf<As[number]>,
    Events | Consumed<O> | EventOf<Em[number]> | Reply<AskOf<As[number]>>
  >
  /**
   * Adds a step in three phases: `prepare` reads the state; `execute` does the work, and is the only phase that `retry`
   * tries again; `cleanup` writes the result and returns what is emitted. The results of the first two are recorded, so
   * that a reload never runs a finished phase again.
   *
   * ```ts
   * .node('classify', { on: Mail, emits: [Sorted], retry: { attempts: 3 }, config: { model: 'small' } }, {
   *   prepare: (state) => state.get('text'),
   *   execute: (text, { config, signal }) => classify(text, config.model, signal),
   *   fallback: () => 'unknown',
   *   cleanup: async (state, text, kind) => {
   *     await state.set('kind', kind)
   *     return Sorted()
   *   },
   * })
   * ```
   *
   * Without `cleanup`, the step emits what `execute` returns.
   */
  node<
    const Name extends string,
    const O extends On,
    P,
    R,
    F = never,
    const C = undefined,
    const Em extends readonly EventType[] = [],
    const As extends readonly AskType[] = [],
  >(
    name: Fresh<Name, Names>,
    options: NodeOptions<O, Em, As, C>,
    phases: Phases<S, StepContextOf<S, O, Em, As>, C, P, R, F, Emitted<Em>>,
  ): Wider<S, Names | Name, Asks, Events, O, Em, As>
  node<
    const Name extends string,
    const O extends On,
    P,
    const C = undefined,
    const Em extends readonly EventType[] = [],
    const As extends readonly AskType[] = [],
  >(
    name: Fresh<Name, Names>,
    options: NodeOptions<O, Em, As, C>,
    phases: OpenPhases<S, StepContextOf<S, O, Em, As>, C, P, Emitted<Em>>,
  ): Wider<S, Names | Name, Asks, Events, O, Em, As>
  /**
   * Adds a step that is another workflow, which runs inside this session. `capture` says what enters it, `writeBack` what
   * comes back. Without them the child's input is the event's data, and the step emits its result.
   *
   * ```ts
   * .subflow('pay', {
   *   on: Priced, workflow: payment, emits: [Paid],
   *   capture: { input: { total: 'value.total' }, resources: { bank: 'resources.bank' } },
   *   writeBack: { value: 'result.receipt', state: { paid: 'result.at' } },
   * })
   * ```
   *
   * @throws WorkflowError with everything that is wrong with the mapping
   */
  subflow<
    const Name extends string,
    const O extends On,
    W extends AnyWorkflow,
    const Em extends readonly EventType[] = [],
  >(
    name: Fresh<Name, Names>,
    options: SubflowOptions<O, W, Em, S>,
  ): Workflow<
    S,
    Names | Name,
    Asks | Of<W>['asks'],
    Events | Consumed<O> | EventOf<Em[number]> | Of<W>['events']
  >
  /**
   * Checks the definition and reports everything that is wrong with it in one error. Runs by itself at the
   * first `engine.open`.
   *
   * @throws WorkflowError with all findings
   */
  validate(options?: { skip?: readonly Check[] | undefined }): void
}

/** The names of the steps that an event goes to, and of those that it is kept for until its fan-out has ended. */
export interface Takers {
  readonly to: readonly string[]
  readonly gather: readonly string[]
}

/** A workflow as the engine sees it. */
export interface Definition extends Workflow<Shape, string, Ask, WorkflowEvent> {
  readonly options: WorkflowOptions<
    Schema,
    Schema,
    AnyEvent,
    AnyEvent,
    Record<string, unknown>,
    readonly AnyEvent[]
  > & { readonly events: readonly AnyEvent[] }
  readonly steps: readonly StepDefinition[]
  readonly stepsByName: ReadonlyMap<string, StepDefinition>
  /** The names of the steps that accept an event type, in the order of definition. */
  readonly routes: ReadonlyMap<string, readonly string[]>
  /** The same, those apart that gather events of that type. */
  readonly takers: ReadonlyMap<string, Takers>
  readonly eventsByType: ReadonlyMap<string, AnyEvent>
  readonly resources: Readonly<Record<string, ResourceDeclaration>>
  /** The state of a new session, when the definition brings one. */
  readonly initialState?: unknown
  /** The document that it was made of. */
  readonly graph?: Graph
}

/**
 * Begins a workflow. Add steps with `.step`; everything is inferred.
 *
 * ```ts
 * const checkout = defineWorkflow({
 *   name: 'checkout', version: 1, start: Begin, stop: Ordered,
 *   state: z.object({ note: z.string().default('') }),
 *   resources: { payments: resource<Payments>() },
 * }).step('address', { on: Begin, emits: [Ordered] }, async (ctx, begin) => { ... })
 * ```
 *
 * The first `open` runs `.validate()`, which throws one WorkflowError with everything that is wrong. Only an option that
 * there is not is refused here, with an ArgumentError.
 */
export function defineWorkflow<
  S extends Schema = Schema<Untyped>,
  F extends Schema = Schema<Untyped>,
  In extends EventType = never,
  Out extends EventType = never,
  R = object,
  const Ev extends readonly EventType[] = [],
>(
  options: WorkflowOptions<S & Stable<S>, F & Stable<F>, In, Out, R, Ev, Path<NoInfer<Output<S>>>>,
): Workflow<
  Shape<Output<S>, Output<F>, InputOf<In>, DataOf<EventOf<Out>>, R>,
  never,
  never,
  EventOf<In> | EventOf<Out> | EventOf<Ev[number]>
> {
  checkOptions('defineWorkflow()', options, takenByWorkflow)
  const { start, stop } = options
  // What is defined stays defined: later changes to the caller's object change nothing.
  const own = {
    ...options,
    start: start ?? undefined,
    stop: stop ?? undefined,
    resources: { ...options.resources },
    events: [...(options.events ?? [])],
  }
  return build(Object.freeze(own) as unknown as Definition['options'], []) as unknown as ReturnType<
    typeof defineWorkflow<S, F, In, Out, R, Ev>
  >
}

/**
 * The engine's view of a workflow.
 *
 * @throws WorkflowError for something else, as a caller without types may give it
 */
export function definitionOf(workflow: AnyWorkflow): Definition {
  const definition = workflow as Definition | undefined | null
  if (definition?.stepsByName) return definition
  throw new WorkflowError(String(definition?.name), [
    { check: 'options', message: 'this is no workflow; give what defineWorkflow() returned' },
  ])
}

const valid = new WeakSet<Definition>()

/** What only a graph document brings. */
type Extras = Pick<Definition, 'initialState' | 'graph'>

/** The definition with these steps, however they came about. */
export function build(
  options: Definition['options'],
  steps: readonly StepDefinition[],
  extras: Extras = {},
): Definition {
  type Given = StepOptions<On, [], []> | null
  const add = (call: string) => (name: string, given: Given, handler: StepDefinition['handler']) => {
    const own = given ?? ({} as NonNullable<Given>)
    checkOptions(call, own, takenByStep)
    return build(options, [...steps, makeStep(name, own, accepts(own.on), handler)])
  }
  const definition: Definition = {
    name: options.name,
    version: options.version,
    options,
    steps,
    resources: options.resources as Definition['resources'],
    ...extras,
    ...tablesOf(options, steps),
    step: add('step()') as never,
    node: ((name: string, own: NodeOptions<On, [], [], unknown> | null, phases: AnyPhases) =>
      add('node()')(name, own, nodeHandler(phases)(own?.config))) as never,
    subflow: ((name: string, child: Parameters<typeof makeSubflow>[2]) =>
      build(options, [...steps, makeSubflow(options.name, name, child ?? {})])) as never,
    validate: (given = {}) => {
      checkOptions('validate()', given, { skip: 'map' })
      const skip = given.skip ?? undefined
      if (skip === undefined && valid.has(definition)) return
      validateDefinition(definition, skip ?? options.skip ?? [])
      if (skip === undefined) valid.add(definition)
    },
  }
  return Object.freeze(definition)
}
