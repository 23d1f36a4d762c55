import { ArgumentError, SerializationError, TimeoutError } from '../../errors'
import { OutcomeUnknownError } from '../../run-errors'
import { memberOf } from '../../words'
import { checkArgument, checkOptions } from '../../state/argument'
import { isOutcome, isRerun, OutcomeKnown, outcomes, OutcomeUnknown } from '../../workflow/outcome-unknown'
import type { UnknownOutcome } from '../../workflow/step-context'
import { made } from './in-this-page'
import type { Entry, Execution } from '../model/model'
import { heirOf } from '../nested'
import type { Host, PointLog } from './point-log'
import { rebuildError, recordError } from '../model/recorded-error'

/** The effects of an attempt: the intent is recorded before one begins, and its result before it is returned. */
export class Effects {
  readonly #attempt: Host
  readonly #log: PointLog
  /** What was thrown, by the effect's key. */
  readonly #failures = new Map<string, unknown>()

  constructor(attempt: Host, log: PointLog) {
    this.#attempt = attempt
    this.#log = log
  }

  async once(
    key: string,
    effect: (idempotencyKey: string) => unknown,
    options: { onUnknownOutcome?: UnknownOutcome } = {},
  ): Promise<unknown> {
    this.#log.enter('once')
    checkOptions('once()', options, { onUnknownOutcome: '' })
    checkArgument('once(): key', key, 'string')
    checkArgument('once()', effect, 'function')
    const { core, exec, replay } = this.#attempt
    const name = `once:${key}`
    const point = exec.points.get(name)
    const policy = options.onUnknownOutcome ?? core.definition.options?.onUnknownOutcome ?? 'rerun'
    if (!isOutcome(policy)) throw new ArgumentError('once(): onUnknownOutcome', policy, outcomes, policy)
    const known = point?.result !== undefined || this.#isOurs(name)
    const asked = exec.points.has(askKey(key, 1))
    if (asked || (point && !known && policy === 'ask')) return this.#inquire(name, key, effect)
    if (point) replay.reached(name)
    if (point?.result) return this.#recorded(name)
    if (point && !known && policy === 'fail') throw this.failed(name, new OutcomeUnknownError(key))
    return this.#begin(name, key, effect)
  }

  /** Whether it has failed, or this page has begun it: then its outcome is not unknown. */
  #isOurs(name: string): boolean {
    const point = this.#attempt.exec.points.get(name)
    return this.#flights.has(name) || (point !== undefined && (point.again ?? made.has(point)))
  }

  /** Those of its execution, by name. After a rewind or a reset that is another one. */
  get #flights(): Map<string, Promise<unknown>> {
    const { core, exec } = this.#attempt
    const { inFlight } = core
    const flights = inFlight.get(exec) ?? new Map<string, Promise<unknown>>()
    inFlight.set(exec, flights)
    return flights
  }

  /** Joins the effect in flight, or begins it. */
  #begin(name: string, key: string, effect: (key: string) => unknown): Promise<unknown> {
    const run = this.#flights.get(name) ?? this.#run(name, key, effect)
    this.#flights.set(name, run)
    return this.#join(name, run)
  }

  /** Asks what became of the effect, once for every time that it was begun and cut off. The answer is its result. */
  async #inquire(name: string, key: string, effect: (key: string) => unknown): Promise<unknown> {
    const { core, exec, step, replay } = this.#attempt
    const event = OutcomeUnknown({ step: step.name, key, idempotencyKey: core.key(exec.id, key) })
    const reply = OutcomeKnown.type
    const begun = exec.entries.filter((it) => it.kind === 'opened' && it.key === name).length
    for (let time = 1; ; time++) {
      if (time > begun) await this.#log.make('opened', name, 'once')
      else replay.reached(name)
      const asked = askKey(key, time)
      if (time >= begun && this.#isOurs(name)) return this.#begin(name, key, effect)
      if (exec.points.get(name)?.result && !exec.points.has(asked)) return this.#recorded(name)
      const known = await this.#log.wait(asked, 'ask', undefined, { event, reply })
      if (isRerun(known)) continue
      if (exec.points.get(name)?.result === undefined)
        this.#log.done(name, 'once', { value: (known as { value?: unknown }).value })
      return this.#recorded(name)
    }
  }

  /** The intent is durable before the effect begins, and its result is kept, however the attempt ends. */
  async #run(name: string, key: string, effect: (key: string) => unknown): Promise<unknown> {
    const { core, exec } = this.#attempt
    const flight = core.key(exec.id, name)
    const flights = this.#flights
    const still = (): boolean => core.model.execs.get(exec.id) === exec
    try {
      const point = exec.points.get(name)
      if (!point || point.again) await this.#log.make('opened', name, 'once')
      // One that was begun before may have a new key, which comes from a later record.
      await this.#attempt.awaiting(core.durable(point ? undefined : (exec.points.get(name)?.seq ?? 0)), true)
      if (core.closed === 'crashed') return await new Promise<never>(() => {})
      // It need not begin when nobody waits for it any more, as after a rewind. But a later attempt may be waiting already.
      const { closed, attempts } = heirOf(core)
      if (closed !== undefined || !attempts.has(exec.id) || core.key(exec.id, name) !== flight)
        throw this.#attempt.over as Error
      const value = await effect(core.key(exec.id, key))
      const copy = value === undefined ? undefined : core.options.copy(value, `the result of once("${key}")`)
      if (still()) this.#log.done(name, 'once', copy === undefined ? {} : { value: copy })
      return copy
    } catch (error) {
      // When no attempt hears of the failure, it is as if the effect had never begun: the next attempt runs it again.
      // Anything may be thrown, also nothing.
      const { over } = this.#attempt
      const heard = heirOf(core).attempts.has(exec.id) && (!over || error !== over)
      if (heard && still() && !(error instanceof SerializationError))
        this.#log.done(name, 'once', { error: recordError(error) })
      throw error
    } finally {
      flights.delete(name)
    }
  }

  /** The keys of the effects and waits that caused an attempt's error: a retry begins them again. */
  failedBy(error: unknown): string[] {
    const causes = causesOf(error)
    const isIt = (it: unknown): boolean => causes.has(it) && !(it instanceof SerializationError)
    // With unknown outcomes, all of those effects, whichever failed first.
    const which = isUnknown(error) ? isUnknown : isIt
    const last = this.#failedLast()
    // Several may throw one error or text: it is that of the last ones, as the step went on after the others.
    const latest = new Map([...this.#failures].map(([key, it]) => [it, key]))
    const failed = [...this.#failures]
      .filter(([key, it]) => which(it) && (last.has(key) || latest.get(it) === key))
      .map(([key]) => key)
    if (failed.length > 0) failed.push(...[...last].filter((key) => this.#attempt.replay.turns.isDue(key)))
    const isLate = [...causes].some((it) => it instanceof TimeoutError && it.scope === 'wait')
    return isLate ? [...failed, ...timedOut(this.#attempt.exec)] : failed
  }

  /** The keys of the effects that have failed since the step went on, also of those whose turn has not come. */
  #failedLast(): Set<string> {
    const { entries, points } = this.#attempt.exec
    const keys = new Set<string>()
    for (let index = entries.length - 1; index >= 0; index--) {
      const it = entries[index] as Entry
      if (it.kind !== 'done') break
      if (points.get(it.key)?.result?.error) keys.add(it.key)
    }
    return keys
  }

  async #recorded(name: string): Promise<unknown> {
    const { exec, replay } = this.#attempt
    if (replay.turns.isDue(name)) await replay.turns.of(name)
    this.#log.alive()
    const result = exec.points.get(name)?.result
    if (result?.error) throw this.failed(name, rebuildError(result.error))
    return result?.value
  }

  async #join(key: string, flight: Promise<unknown>): Promise<unknown> {
    const { exec, replay } = this.#attempt
    const turn = replay.turns.of(key)
    flight.catch((error: unknown) => {
      // A result that is not recorded has no turn.
      if (exec.points.get(key)?.result === undefined) replay.turns.refuse(key, error)
    })
    try {
      await turn
      return await flight
    } catch (error) {
      throw this.failed(key, error)
    } finally {
      this.#log.alive()
    }
  }

  failed(key: string, error: unknown): unknown {
    this.#failures.set(key, error)
    return error
  }
}

function causesOf(error: unknown): Set<unknown> {
  const causes = new Set([error])
  // It comes to those that are added meanwhile, too.
  for (const it of causes) {
    const cause = memberOf(it, 'cause')
    if (cause !== undefined) causes.add(cause)
    // Those of a `Promise.any()`.
    const errors = memberOf(it, 'errors')
    if (Array.isArray(errors)) for (const each of errors) causes.add(each)
  }
  return causes
}

/** The waits that timed out last. None if the step has recorded something since: then it went on that way. */
function timedOut({ entries, committed, points }: Execution): string[] {
  const keys: string[] = []
  for (let index = entries.length - 1; index >= 0; index--) {
    const it = entries[index] as Entry
    const { kind } = it
    if (kind === 'answered' && points.get(it.key)?.result?.timeout) keys.push(it.key)
    else if (index < committed || kind === 'answered' || kind === 'flow') break
  }
  return keys
}

/** Whether an error comes from an effect with an unknown outcome, here or in a sub-flow: only `retry()` runs that again. */
export function isUnknown(error: unknown): boolean {
  return [...causesOf(error)].some((it) => memberOf(it, 'code') === 'OUTCOME_UNKNOWN')
}

function askKey(key: string, time: number): string {
  return `ask:${OutcomeUnknown.type}/${key}#${time}`
}
