import { ArgumentError, UndeclaredAskError } from '../../errors'
import { checkOptions } from '../../state/argument'
import { sameJson } from '../../state/same'
import { isThenable } from '../../state/thenable'
import { genuine, type EventType, type WorkflowEvent } from '../../workflow/event'
import { Effects } from './effects'
import { knownEvent, oddity } from './known-event'
import { bare, bufferName, type CollectedEvent } from '../model/model'
import { PointLog, type Host } from './point-log'

/** In JavaScript a predicate may return anything. */
type Where = (event: WorkflowEvent) => unknown

/**
 * The recorded points of an attempt: each is a commit point, and a re-run gets what was recorded in place of
 * doing it again.
 */
export class Points {
  readonly #attempt: Host
  readonly log: PointLog
  #effects: Effects | undefined
  #predicates: Map<string, Where> | undefined

  constructor(attempt: Host) {
    this.#attempt = attempt
    this.log = new PointLog(attempt)
  }

  get effects(): Effects {
    return (this.#effects ??= new Effects(this.#attempt, this.log))
  }

  async ask(event: WorkflowEvent, options?: { timeout?: number }): Promise<WorkflowEvent> {
    this.log.enter('ask')
    checkOptions('ask()', options ?? {}, { timeout: '' })
    const { step } = this.#attempt
    const factory = step.asks.find((it) => it.type === event?.type)
    if (factory?.reply === undefined) throw new UndeclaredAskError(step.name, event?.type, oddity(event))
    const question = genuine(event, factory)
    const reply = factory.reply.type
    const name = this.log.key(`ask:${event.type}`, (it) => sameJson(it.event?.data, question.data))
    const data = await this.log.wait(name, 'ask', options?.timeout, { event: bare(question), reply })
    return Object.freeze({ type: reply, data })
  }

  async waitFor(
    event: EventType,
    options: { where?: Where; timeout?: number; emit?: WorkflowEvent } = {},
  ): Promise<WorkflowEvent> {
    this.log.enter('waitFor')
    checkOptions('waitFor()', options, { where: 'function', timeout: '', emit: '' })
    const { where, timeout, emit } = options
    const type = event?.type
    // A value without a type would never arrive, and an event in place of its event type would match all of that type.
    if (typeof type !== 'string' || 'data' in event) throw new ArgumentError('waitFor()', event, 'an event')
    const name = this.log.key(
      `wait:${type}`,
      ({ result, where: chosen, deadline }) =>
        chosen === (where !== undefined) &&
        (deadline === undefined) === (timeout === undefined) &&
        (where === undefined || result?.value === undefined || this.#accepts(where, result.value, type)),
    )
    if (where) (this.#predicates ??= new Map<string, Where>()).set(name, where)
    // Leaves with the wait's own record; on a re-run it is silent, as any other send.
    if (emit) this.#attempt.send(emit)
    const data = await this.log.wait(name, 'wait', timeout, { reply: type, ...(where && { where: true }) })
    return Object.freeze({ type, data })
  }

  async sleep(ms: number): Promise<void> {
    this.log.enter('sleep')
    await this.log.wait(this.log.key('sleep:'), 'sleep', ms, {})
  }

  async commit(): Promise<void> {
    this.log.enter('commit')
    const { exec, replay } = this.#attempt
    const key = this.log.key('commit:')
    if (exec.points.has(key)) replay.reached(key)
    else await this.log.make('done', key, 'commit')
  }

  /** The events, or nothing yet. A promise only while it is not clear where the sent events go. */
  collect(event: WorkflowEvent, expected: readonly EventType[], options: { buffer?: string }): unknown {
    this.log.enter('collect')
    checkOptions('collect()', options, { buffer: 'string' })
    const buffer = options.buffer ?? ''
    if (!Array.isArray(expected)) throw noList(expected)
    const { exec, step, replay } = this.#attempt
    const own = bare(knownEvent(event, step.on, () => `collect() of step "${step.name}"`, 'on', exec))
    const key = this.log.key('collect:', (it) => sameJson(it.event, own))
    if (exec.points.has(key)) replay.reached(key)
    else {
      const { unclear } = this.log
      if (unclear) return unclear.then(() => this.#collected(key, own, expected, buffer))
    }
    return this.#collected(key, own, expected, buffer)
  }

  #collected(key: string, event: CollectedEvent, expected: readonly EventType[], buffer: string): unknown {
    const { core, exec, step } = this.#attempt
    if (!exec.points.has(key)) {
      const kept = core.model.buffers.get(bufferName(step.name, buffer)) ?? []
      const complete = kept.length + 1 >= expected.length && isComplete([...kept, event], expected)
      const record = { kind: 'collected', exec: exec.id, key, step: step.name, buffer, event } as const
      const sends = this.#attempt.takeSends()
      const batch = complete && { batch: expected.map((it) => it.type) }
      this.log.act(batch || sends.sends ? { ...record, ...batch, ...sends } : record)
    }
    const batch = exec.points.get(key)?.result?.value as readonly CollectedEvent[] | undefined
    return batch?.map(({ type, data }) => Object.freeze({ type, data }))
  }

  #accepts(where: Where, data: unknown, type: string): boolean {
    try {
      const fits = where({ type, data })
      // The sender is told at once whether the event was taken, and any promise is truthy.
      if (isThenable(fits)) throw new ArgumentError('waitFor(): where()', fits, 'true or false')
      return Boolean(fits)
    } catch (error) {
      // The predicate's mistake, not the sender's.
      this.#attempt.core.options.report(error)
      return false
    }
  }

  /** Whether an open wait takes the event: `undefined` when the step has not run up to it yet. */
  fits(key: string, { type, data }: WorkflowEvent): boolean | undefined {
    const where = this.#predicates?.get(key)
    return where && this.#accepts(where, data, type)
  }

  /** Whether the step has run up to a wait, so that its predicate is known. */
  isArmed(key: string): boolean | undefined {
    return this.#predicates?.has(key)
  }
}

/** Whether everything that is expected is there, counted by type. */
function isComplete(held: readonly CollectedEvent[], expected: readonly EventType[]): boolean {
  const left = new Map<string, number>()
  for (const { type } of held) left.set(type, (left.get(type) ?? 0) + 1)
  return expected.every((it) => {
    // With modules that import each other, an import may still be undefined.
    if (!it) throw noList(it)
    const count = left.get(it.type) ?? 0
    left.set(it.type, count - 1)
    return count > 0
  })
}

function noList(given: unknown): ArgumentError {
  return new ArgumentError('collect()', given, 'a list of events')
}
