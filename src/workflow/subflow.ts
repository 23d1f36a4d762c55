import { WorkflowError } from '../errors'
import { checkOptions } from '../state/argument'
import type { Path } from '../state/path-types'
import type { AskType } from './ask'
import type { AnyEvent, DataOf, EventType } from './event'
import { accepts, type Accepted, type On } from './join'
import { mappingMistakes, takenByMapping, type AnyMapping } from './mapping'
import type { AnyWorkflow, Of, Shape } from './shape'
import { takenByStep } from './options-taken'
import { makeStep, type StepDefinition, type StepOptions } from './step'
import type { StepContext } from './step-context'

/** A scope alone, or a path below it. */
type Under<Scope extends string, T> = Scope | `${Scope}.${Path<T> & string}`

/** One source for all of a target, or sources by the paths in it. */
type Into<Target, Source extends string> = Source | { readonly [P in Path<Target> & string]?: Source }

/** Where what enters a sub-flow comes from: the event's data, and the parent's layers. */
type SourceIn<V, S extends Shape> =
  | Under<'value', V>
  | Under<'state', S['state']>
  | Under<'flowState', S['flow']>
  | Under<'resources', S['resources']>

/**
 * What enters a sub-flow when it begins, and what comes back when it is done. Each entry is a source path, or an object of
 * source paths by target path. Everything is copied once, and nothing is live afterwards. Resources keep their identity.
 */
export interface Mapping<V, S extends Shape, C extends Shape> {
  /** Default: the child's input is the event's data. */
  readonly capture?: {
    readonly input?: Into<C['input'], SourceIn<V, S>>
    readonly state?: Into<C['state'], SourceIn<V, S>>
    readonly flowState?: Into<C['flow'], SourceIn<V, S>>
    readonly resources?:
      'resources' | { readonly [K in keyof C['resources']]?: Under<'resources', S['resources']> }
  }
  /** Sources are the child's `result`. Default: the value is that result. After a failure or cancel nothing is written. */
  readonly writeBack?: {
    readonly value?: Into<unknown, Under<'result', C['result']>>
    readonly state?: Into<S['state'], Under<'result', C['result']>>
    readonly flowState?: Into<S['flow'], Under<'result', C['result']>>
  }
}

/** The data of what starts a step. */
export type ValueOf<O> = O extends On ? DataOf<Accepted<O>> : unknown

/** The options of a step that is another workflow. */
export type SubflowOptions<O, W extends AnyWorkflow, Em extends readonly EventType[], S extends Shape> = Omit<
  StepOptions<O, Em, []>,
  'asks'
> & {
  /** The child: it runs inside this session, with a state and a flow state of its own. */
  readonly workflow: W
} & Mapping<ValueOf<O>, S, Of<W>['shape']>

type Options = StepOptions<On, readonly EventType[], readonly AskType[]> &
  AnyMapping & { readonly workflow: AnyWorkflow }

/**
 * The step that runs a child and emits what comes of it, in workflow `parent`.
 *
 * @throws WorkflowError with everything that is wrong with the mapping; ArgumentError for an option that is none
 */
export function makeSubflow(parent: string, name: string, options: Options): StepDefinition {
  checkOptions('subflow()', options, { ...takenByStep, workflow: '', ...takenByMapping })
  const { workflow, capture, writeBack } = options
  const mistakes = mappingMistakes(options)
  // One event without a list is a list of one, as with steps.
  const emits = [options.emits ?? []].flat() as unknown as readonly AnyEvent[]
  if (emits.length > 1) mistakes.push(`it emits ${emits.length} events; a sub-flow emits one`)
  if (mistakes.length > 0)
    throw new WorkflowError(
      parent,
      mistakes.map((it) => ({ check: 'subflow', message: `sub-flow "${name}": ${it}` })),
    )
  const subflow = Object.freeze({ workflow, capture, writeBack })
  return makeStep(name, options, accepts(options.on), emitting(subflow, emits), subflow)
}

type Context = StepContext<Shape, unknown, unknown, unknown>
type Subflow = NonNullable<StepDefinition['subflow']>

/** Runs a child and gives what comes back. */
export function running({ workflow, ...mapping }: Subflow): (ctx: Context) => Promise<unknown> {
  return (ctx) => ctx.subflow(workflow, mapping as never)
}

/** Runs a child and emits what comes back; an event without data says only that it is done. */
export function emitting(subflow: Subflow, [event]: readonly AnyEvent[]): StepDefinition['handler'] {
  const run = running(subflow)
  return async (ctx) => {
    const result = await run(ctx)
    return event?.((event.schema ?? subflow.writeBack?.['value']) && result)
  }
}
