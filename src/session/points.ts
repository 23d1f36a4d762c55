import {
  NestedEditError,
  SerializationError,
  SessionStateError,
  TimeoutError,
  UndeclaredAskError,
} from '../errors'
import { genuine, type EventType, type WorkflowEvent } from '../workflow/event'
import type { UnknownOutcome } from '../workflow/step-context'
import type { StepDefinition } from '../workflow/step'
import type { Core } from './core'
import type { CollectedEvent, Execution, Point, PointResult } from './model'
import type { Emission, PointType, RecordBody } from './record'
import { rebuildError, recordError } from './recorded-error'
import type { Replay } from './replay'

type Where = (event: WorkflowEvent) => boolean

/** The attempt that the points belong to. */
export interface Host {
  readonly core: Core
  readonly exec: Execution
  readonly step: StepDefinition
  readonly replay: Replay
  readonly over: Error | undefined
  readonly editing: boolean
  send(event: unknown): void
  takeSends(): { readonly sends?: readonly Emission[] }
  awaiting<T>(wait: Promise<T>): Promise<T>
}

/**
 * The recorded points of an attempt: each is a commit point, and a re-run gets what was recorded in place of
 * doing it again.
 */
export class Points {
  readonly #attempt: Host
  readonly #counts = new Map<string, number>()
  readonly #predicates = new Map<string, Where>()
  readonly #waiting = new Map<string, { resolve: () => void; reject: (reason: Error) => void }>()
  readonly #failures = new Map<string, unknown>()

  constructor(attempt: Host) {
    this.#attempt = attempt
  }

  async once(
    key: string,
    effect: (idempotencyKey: string) => unknown,
    options: { onUnknownOutcome?: UnknownOutcome } = {},
  ): Promise<unknown> {
    this.#enter('once')
    const { core, exec, replay } = this.#attempt
    const name = `once:${key}`
    const point = exec.points.get(name)
    if (point?.result) return this.#recorded(point)
    const flying = core.inFlight.get(core.key(exec.id, name))
    if (point) replay.reached(name, 'opened')
    if (flying) return this.#join(name, flying)
    if (point) this.#outcomeUnknown(point, key, options.onUnknownOutcome)
    else core.intents.add(this.#open(name, 'once'))
    const run = this.#run(name, key, effect)
    core.inFlight.set(core.key(exec.id, name), run)
    return this.#join(name, run)
  }

  /** The intent is durable before the effect begins, and its result is kept whatever becomes of the attempt. */
  async #run(name: string, key: string, effect: (key: string) => unknown): Promise<unknown> {
    const { core, exec } = this.#attempt
    const flight = core.key(exec.id, name)
    const { lineage } = core.model
    const still = (): boolean => core.model.execs.get(exec.id) === exec && core.model.lineage === lineage
    try {
      await core.sink.durable(exec.points.get(name)?.seq ?? 0)
      if (core.closed === 'crashed') return await new Promise<never>(() => {})
      // Nobody waits for it any more: what did not begin need not begin. A later attempt may be waiting already.
      if (core.closed !== undefined || !core.attempts.has(exec.id))
        throw this.#attempt.over ?? new Error('it is over')
      const value = await effect(core.key(exec.id, key))
      const copy = value === undefined ? undefined : core.options.copy(value, `the result of once("${key}")`)
      if (still()) this.done(name, 'once', copy === undefined ? {} : { value: copy })
      return copy
    } catch (error) {
      // When nobody hears of the failure, it is as if it had never begun: the next attempt runs it again.
      const heard = core.attempts.has(exec.id) && error !== this.#attempt.over
      if (heard && still() && !(error instanceof SerializationError))
        this.done(name, 'once', { error: recordError(error) })
      throw error
    } finally {
      core.inFlight.delete(flight)
    }
  }

  /** The keys of the effects whose failure an attempt's error is: a retry runs them again. */
  failedBy(error: unknown): string[] {
    const causes = new Set<unknown>()
    for (let it = error; it !== undefined && !causes.has(it); it = (it as { cause?: unknown })?.cause)
      causes.add(it)
    return [...this.#failures].filter(([, failure]) => causes.has(failure)).map(([key]) => key)
  }

  async ask(event: WorkflowEvent, options: { timeout?: number } = {}): Promise<WorkflowEvent> {
    this.#enter('ask')
    const { step } = this.#attempt
    const factory = step.asks.find((it) => it.type === event?.type)
    if (factory?.reply === undefined) throw new UndeclaredAskError(step.name, event?.type)
    const question = genuine(event, factory)
    const reply = factory.reply.type
    const name = this.#numbered(`ask:${event.type}`)
    const data = await this.#wait(name, 'ask', options.timeout, { event: bare(question), reply })
    return Object.freeze({ type: reply, data })
  }

  async waitFor(
    event: EventType,
    { where, timeout, emit }: { where?: Where; timeout?: number; emit?: WorkflowEvent } = {},
  ): Promise<WorkflowEvent> {
    this.#enter('waitFor')
    const { type } = event
    const name = this.#numbered(`wait:${type}`)
    if (where) this.#predicates.set(name, where)
    // Leaves with the wait's own record; on a re-run it is silent, as any other send.
    if (emit) this.#attempt.send(emit)
    const data = await this.#wait(name, 'wait', timeout, { reply: type, ...(where && { where: true }) })
    return Object.freeze({ type, data })
  }

  async sleep(ms: number): Promise<void> {
    this.#enter('sleep')
    await this.#wait(this.#numbered('sleep:'), 'sleep', ms, {})
  }

  async commit(): Promise<void> {
    this.#enter('commit')
    const name = this.#numbered('commit:')
    if (this.#attempt.exec.points.has(name)) this.#attempt.replay.reached(name, 'done')
    else this.done(name, 'commit', {})
  }

  async collect(
    event: WorkflowEvent,
    expected: readonly EventType[],
    { buffer = '' }: { buffer?: string } = {},
  ): Promise<unknown> {
    this.#enter('collect')
    const { core, exec, step } = this.#attempt
    const key = this.#numbered('collect:')
    let point = exec.points.get(key)
    if (point) this.#attempt.replay.reached(key, 'done')
    else {
      const held = [...(core.model.buffers.get(`${step.name}/${buffer}`) ?? []), event]
      const types = expected.map((it) => it.type)
      const complete = isComplete(held, types)
      const own = core.genuine(event, step.on, `step "${step.name}" to collect`)
      this.#append({
        kind: 'collected',
        exec: exec.id,
        key,
        step: step.name,
        buffer,
        event: bare(own),
        ...(complete && { batch: types }),
        ...this.#attempt.takeSends(),
      })
      point = exec.points.get(key)
    }
    const batch = point?.result?.value as readonly CollectedEvent[] | undefined
    return batch?.map(({ type, data }) => Object.freeze({ type, data }))
  }

  /** Whether an open wait takes the event: `undefined` when the step has not run up to it yet. */
  fits(key: string, event: WorkflowEvent): boolean | undefined {
    try {
      return this.#predicates.get(key)?.(event)
    } catch (error) {
      // Its own mistake, not that of whoever sent the event.
      this.#attempt.core.options.report(error)
      return false
    }
  }

  /** Whether the step has run up to a wait, so that its predicate is known. */
  isArmed(key: string): boolean {
    return this.#predicates.has(key)
  }

  /** The point has its answer. */
  answered(key: string): void {
    const waiter = this.#waiting.get(key)
    if (waiter === undefined) return
    this.#waiting.delete(key)
    this.#attempt.replay.entered()
    waiter.resolve()
  }

  /** Nothing that still waits here will be served. */
  release(reason: Error): void {
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
  }

  async #wait(key: string, type: PointType, timeout: number | undefined, details: object): Promise<unknown> {
    const { core, exec, replay } = this.#attempt
    let point = exec.points.get(key)
    if (point) replay.reached(key, 'opened')
    else {
      mustBeTime(timeout, type)
      const deadline = timeout === undefined ? {} : { deadline: core.options.clock.now() + timeout }
      point = this.#open(key, type, { ...details, ...deadline })
    }
    if (point.result === undefined)
      await this.#attempt.awaiting(
        new Promise<void>((resolve, reject) => this.#waiting.set(key, { resolve, reject })),
      )
    else await this.#turn(key)
    this.#alive()
    const { result }: { result: PointResult | undefined } = point
    if (result?.timeout) throw new TimeoutError('wait', key.replace(':', ' of '), timeout ?? 0)
    return result?.value
  }

  #open(key: string, type: PointType, details: object = {}): Point {
    const { exec } = this.#attempt
    this.#append({ kind: 'opened', exec: exec.id, key, type, ...details, ...this.#attempt.takeSends() })
    return exec.points.get(key) as Point
  }

  /** Ends a point; also for `core`, when a sleep is over. */
  done(key: string, type: PointType, result: Pick<PointResult, 'value' | 'error'>): void {
    const sends = this.#attempt.over ? {} : this.#attempt.takeSends()
    this.#append({ kind: 'done', exec: this.#attempt.exec.id, key, type, ...result, ...sends })
  }

  #append(body: RecordBody): void {
    this.#attempt.core.append(body)
    this.#attempt.replay.entered()
    this.#attempt.core.wake()
  }

  async #recorded(point: Point): Promise<unknown> {
    this.#attempt.replay.reached(point.key, 'opened')
    await this.#turn(point.key)
    this.#alive()
    if (point.result?.error) throw this.#failed(point.key, rebuildError(point.result.error))
    return point.result?.value
  }

  async #turn(key: string): Promise<void> {
    await this.#attempt.replay.turn(key)
  }

  async #join(key: string, flight: Promise<unknown>): Promise<unknown> {
    try {
      return await flight
    } catch (error) {
      throw this.#failed(key, error)
    } finally {
      this.#alive()
    }
  }

  #failed(key: string, error: unknown): unknown {
    this.#failures.set(key, error)
    return error
  }

  /** An effect was begun and nobody knows how it ended. */
  #outcomeUnknown(point: Point, key: string, choice: UnknownOutcome | undefined): void {
    const policy = choice ?? this.#attempt.core.definition.options.onUnknownOutcome ?? 'rerun'
    // An intent of this page is no riddle: its effect has failed, and is tried again.
    if (policy === 'rerun' || this.#attempt.core.intents.has(point)) return
    throw new SessionStateError(
      `the outcome of once("${key}") is unknown: the page was left while it ran (onUnknownOutcome: "${policy}", point ${point.key})`,
    )
  }

  /** Points of one kind in one step are told apart by their order. */
  #numbered(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    return `${name}#${count}`
  }

  #enter(what: string): void {
    this.#alive()
    if (this.#attempt.editing) throw new NestedEditError(`ctx.${what}`)
  }

  #alive(): void {
    if (this.#attempt.over) throw this.#attempt.over
  }
}

function mustBeTime(ms: number | undefined, type: PointType): void {
  if (ms === undefined || Number.isFinite(ms)) return
  throw new TypeError(`the time of a ${type} is ${ms}; it is a number of milliseconds`)
}

function bare({ type, data }: WorkflowEvent): CollectedEvent {
  return data === undefined ? { type } : { type, data }
}

function isComplete(held: readonly CollectedEvent[], expected: readonly string[]): boolean {
  const left = held.map((it) => it.type)
  return expected.every((type) => {
    const index = left.indexOf(type)
    if (index >= 0) left.splice(index, 1)
    return index >= 0
  })
}
