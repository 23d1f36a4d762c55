import { SerializationError, SessionStateError } from '../errors'
import type { UnknownOutcome } from '../workflow/step-context'
import type { Point } from './model'
import type { Host, PointLog } from './point-log'
import { rebuildError, recordError } from './recorded-error'

/** The effects of an attempt: the intent is recorded before one begins, and its result before it is returned. */
export class Effects {
  readonly #attempt: Host
  readonly #log: PointLog
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
    const { core, exec, replay } = this.#attempt
    const name = `once:${key}`
    const point = exec.points.get(name)
    if (point?.result) return this.#recorded(point)
    const flying = core.inFlight.get(core.key(exec.id, name))
    if (point) replay.reached(name)
    if (flying) return this.#join(name, flying)
    if (point) this.#outcomeUnknown(point, key, options.onUnknownOutcome)
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
      if (!exec.points.has(name)) {
        const { unclear } = this.#log
        if (unclear) await unclear
        core.intents.add(this.#log.open(name, 'once'))
      }
      await core.sink.durable(exec.points.get(name)?.seq ?? 0)
      if (core.closed === 'crashed') return await new Promise<never>(() => {})
      // Nobody waits for it any more: what did not begin need not begin. A later attempt may be waiting already.
      if (core.closed !== undefined || !core.attempts.has(exec.id))
        throw this.#attempt.over ?? new Error('it is over')
      const value = await effect(core.key(exec.id, key))
      const copy = value === undefined ? undefined : core.options.copy(value, `the result of once("${key}")`)
      if (still()) this.#log.done(name, 'once', copy === undefined ? {} : { value: copy })
      return copy
    } catch (error) {
      // When nobody hears of the failure, it is as if it had never begun: the next attempt runs it again.
      const heard = core.attempts.has(exec.id) && error !== this.#attempt.over
      if (heard && still() && !(error instanceof SerializationError))
        this.#log.done(name, 'once', { error: recordError(error) })
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

  async #recorded(point: Point): Promise<unknown> {
    const { replay } = this.#attempt
    replay.reached(point.key)
    if (replay.turns.isDue(point.key)) await replay.turns.of(point.key)
    this.#log.alive()
    if (point.result?.error) throw this.failed(point.key, rebuildError(point.result.error))
    return point.result?.value
  }

  async #join(key: string, flight: Promise<unknown>): Promise<unknown> {
    const { exec, replay } = this.#attempt
    const turn = replay.turns.of(key)
    flight.catch((error: unknown) => {
      // What is not recorded has no turn.
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

  /** An effect was begun and nobody knows how it ended. */
  #outcomeUnknown(point: Point, key: string, choice: UnknownOutcome | undefined): void {
    const policy = choice ?? this.#attempt.core.definition.options.onUnknownOutcome ?? 'rerun'
    // An intent of this page is no riddle: its effect has failed, and is tried again.
    if (policy === 'rerun' || this.#attempt.core.intents.has(point)) return
    throw new SessionStateError(
      `the outcome of once("${key}") is unknown: the page was left while it ran (onUnknownOutcome: "${policy}", point ${point.key})`,
    )
  }
}
