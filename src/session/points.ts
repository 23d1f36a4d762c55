import { TimeoutError, UndeclaredAskError } from '../errors'
import { genuine, type EventType, type WorkflowEvent } from '../workflow/event'
import { Effects } from './effects'
import type { CollectedEvent, PointResult } from './model'
import { PointLog, type Host } from './point-log'
import type { PointType } from './record'

type Where = (event: WorkflowEvent) => boolean

/**
 * The recorded points of an attempt: each is a commit point, and a re-run gets what was recorded in place of
 * doing it again.
 */
export class Points {
  readonly effects: Effects
  readonly #attempt: Host
  readonly #log: PointLog
  readonly #predicates = new Map<string, Where>()
  readonly #waiting = new Map<string, { resolve: () => void; reject: (reason: Error) => void }>()

  constructor(attempt: Host) {
    this.#attempt = attempt
    this.#log = new PointLog(attempt)
    this.effects = new Effects(attempt, this.#log)
  }

  async ask(event: WorkflowEvent, options: { timeout?: number } = {}): Promise<WorkflowEvent> {
    this.#log.enter('ask')
    const { step } = this.#attempt
    const factory = step.asks.find((it) => it.type === event?.type)
    if (factory?.reply === undefined) throw new UndeclaredAskError(step.name, event?.type)
    const question = genuine(event, factory)
    const reply = factory.reply.type
    const name = this.#log.numbered(`ask:${event.type}`)
    const data = await this.#wait(name, 'ask', options.timeout, { event: bare(question), reply })
    return Object.freeze({ type: reply, data })
  }

  async waitFor(
    event: EventType,
    { where, timeout, emit }: { where?: Where; timeout?: number; emit?: WorkflowEvent } = {},
  ): Promise<WorkflowEvent> {
    this.#log.enter('waitFor')
    const { type } = event
    const name = this.#log.numbered(`wait:${type}`)
    if (where) this.#predicates.set(name, where)
    // Leaves with the wait's own record; on a re-run it is silent, as any other send.
    if (emit) this.#attempt.send(emit)
    const data = await this.#wait(name, 'wait', timeout, { reply: type, ...(where && { where: true }) })
    return Object.freeze({ type, data })
  }

  async sleep(ms: number): Promise<void> {
    this.#log.enter('sleep')
    await this.#wait(this.#log.numbered('sleep:'), 'sleep', ms, {})
  }

  async commit(): Promise<void> {
    this.#log.enter('commit')
    const name = this.#log.numbered('commit:')
    if (this.#attempt.exec.points.has(name)) this.#attempt.replay.reached(name, 'done')
    else this.#log.done(name, 'commit', {})
  }

  async collect(
    event: WorkflowEvent,
    expected: readonly EventType[],
    { buffer = '' }: { buffer?: string } = {},
  ): Promise<unknown> {
    this.#log.enter('collect')
    const { core, exec, step } = this.#attempt
    const key = this.#log.numbered('collect:')
    let point = exec.points.get(key)
    if (point) this.#attempt.replay.reached(key, 'done')
    else {
      const held = [...(core.model.buffers.get(`${step.name}/${buffer}`) ?? []), event]
      const types = expected.map((it) => it.type)
      const complete = isComplete(held, types)
      const own = core.genuine(event, step.on, `step "${step.name}" to collect`)
      this.#log.append({
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
      point = this.#log.open(key, type, { ...details, ...deadline })
    }
    if (point.result === undefined)
      await this.#attempt.awaiting(
        new Promise<void>((resolve, reject) => this.#waiting.set(key, { resolve, reject })),
      )
    else await replay.turn(key)
    this.#log.alive()
    const { result }: { result: PointResult | undefined } = point
    if (result?.timeout) throw new TimeoutError('wait', key.replace(':', ' of '), timeout ?? 0)
    return result?.value
  }

  /** Ends a point; for the scheduler, when a sleep is over. */
  done(key: string, type: PointType, result: Pick<PointResult, 'value' | 'error'>): void {
    this.#log.done(key, type, result)
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
