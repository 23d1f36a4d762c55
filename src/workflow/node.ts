import { checkArgument } from '../state/argument'
import type { AskType } from './ask'
import type { EventType } from './event'
import type { Shape } from './shape'
import type { Outcome, StepOptions } from './step'
import type { StepContext, StepStore } from './step-context'

/** What `execute` works with. It has no state, so that another try changes nothing but what `execute` itself does. */
export interface ExecuteContext<C = unknown, R = unknown> {
  /** The node's `config`. */
  readonly config: C
  /** The resources that are there. */
  readonly resources: R
  /** Aborted when this try ends early: a timeout, cancel, a closed session. */
  readonly signal: AbortSignal
  /** From 1. A try that a reload cut off is not counted. */
  readonly attempt: number
  /** The same on every try, also after a reload: give it to a server, so that it does the work once. */
  readonly idempotencyKey: string
}

/** A step's options, and the `config` that `execute` gets. It is not persisted. */
export interface NodeOptions<
  O,
  Em extends readonly EventType[],
  As extends readonly AskType[],
  C,
> extends StepOptions<O, Em, As> {
  readonly config?: C
}

/**
 * The phases of a node. What `prepare` and `execute` return is recorded: a reload never runs a finished phase
 * again. What they return is therefore plain JSON.
 */
export interface Phases<S extends Shape, Ctx, C, P, R, F, Out> {
  /** Reads the state and says what `execute` needs. Not retried. */
  readonly prepare?: (state: StepStore<S['state']>, ctx: Ctx) => P | Promise<P>
  /** Does the work: the only phase that `retry` tries again. */
  readonly execute: (prepared: P, run: ExecuteContext<C, S['resources']>) => R | Promise<R>
  /** Gives the result when `execute` has failed for the last time. */
  readonly fallback?: (prepared: P, error: unknown) => F | Promise<F>
  /** Writes the result into the state; what it returns is emitted. */
  readonly cleanup: (
    state: StepStore<S['state']>,
    prepared: P,
    result: R | F,
    ctx: Ctx,
  ) => Outcome<Out> | Promise<Outcome<Out>>
}

/** A node without `cleanup`: what `execute` returns is emitted. */
export type OpenPhases<S extends Shape, Ctx, C, P, Out> = Omit<
  Phases<S, Ctx, C, P, Outcome<Out>, Outcome<Out>, Out>,
  'cleanup'
> & { readonly cleanup?: undefined }

/** The phases of any node, as the engine sees them. */
export interface AnyPhases {
  readonly prepare?: (state: never, ctx: never) => unknown
  readonly execute?: (prepared: never, run: never) => unknown
  readonly fallback?: (prepared: never, error: unknown) => unknown
  readonly cleanup?: (state: never, prepared: never, result: never, ctx: never) => unknown
}

/** What the session offers the handler of a node, and no other. */
export interface NodeHost {
  /** Runs a phase, unless its result is recorded, and records what it returns. */
  phase(key: string, run: () => unknown): Promise<unknown>
  /** Runs the phase that is tried again; `rescue` gives the result after its last failure. */
  execute(
    run: (idempotencyKey: string) => unknown,
    rescue: ((error: unknown) => unknown) | undefined,
  ): Promise<unknown>
}

type Context = StepContext<Shape, unknown, unknown, unknown>

/**
 * Makes the handlers of steps in three phases, which differ in their config: many nodes of a document share their phases. An
 * instance of a class will do: its phases stand on the prototype.
 *
 * @throws ArgumentError for a phase that is no function
 */
export function nodeHandler(phases: AnyPhases): (config: unknown) => (ctx: Context) => Promise<unknown> {
  checkArgument('node()', phases)
  const phase = (name: keyof AnyPhases): ((...args: unknown[]) => unknown) | undefined => {
    const it: unknown = phases[name] ?? undefined
    if (it !== undefined) checkArgument(`node(): ${name}`, it, 'function')
    return (it as ((...args: unknown[]) => unknown) | undefined)?.bind(phases)
  }
  const prepare = phase('prepare')
  const execute = phase('execute')
  const fallback = phase('fallback')
  const cleanup = phase('cleanup')
  return (config) => async (ctx) => {
    const node = (ctx as Context & { readonly '~node': NodeHost })['~node']
    const prepared = prepare && (await node.phase('prepare', () => prepare(ctx.state, ctx)))
    const run = (idempotencyKey: string): unknown => {
      const { attempt, resources, signal } = ctx
      return execute?.(prepared, { config, resources, signal, attempt, idempotencyKey })
    }
    const rescue = fallback && ((error: unknown) => fallback(prepared, error))
    const result = execute ? await node.execute(run, rescue) : prepared
    return cleanup ? cleanup(ctx.state, prepared, result, ctx) : result
  }
}
