import type { NodeHost } from '../../workflow/node'
import type { Attempt } from './attempt'
import type { Point, PointResult } from '../model/model'
import { rebuildError, recordError } from '../model/recorded-error'

/**
 * The phases of a node in one attempt. A phase that has ended is a point of the ledger: a re-run takes its result
 * and skips everything that led to it.
 */
export class Phases implements NodeHost {
  readonly #attempt: Attempt

  constructor(attempt: Attempt) {
    this.#attempt = attempt
    // Only `execute` is tried again.
    attempt.due = { delay: undefined }
  }

  async phase(key: string, run: () => unknown): Promise<unknown> {
    const known = this.#point(key)?.result ?? (await this.#end(key, await run()))
    return this.#passed(key, known)
  }

  async execute(
    run: (idempotencyKey: string) => unknown,
    rescue: ((error: unknown) => unknown) | undefined,
  ): Promise<unknown> {
    const known: Outcome = this.#point(EXECUTE)?.result ?? (await this.#try(run, rescue !== undefined))
    if (known.error === undefined) return this.#passed(EXECUTE, known)
    const error = known.cause ?? rebuildError(known.error)
    this.#passed(EXECUTE, known)
    try {
      return await this.phase('fallback', () => rescue?.(error))
    } catch (failure) {
      // `retry()` by hand begins with `execute` again.
      this.#attempt.points.effects.failed(EXECUTE, failure)
      throw failure
    }
  }

  /** The intent is durable before the work begins, and so is everything before it. */
  async #try(run: (key: string) => unknown, rescued: boolean): Promise<Outcome> {
    const { core, exec, points, replay } = this.#attempt
    const open = this.#point(EXECUTE)
    if (open) replay.reached(EXECUTE)
    const { seq } = open ?? (await points.log.make('opened', EXECUTE, 'once'))
    await this.#attempt.awaiting(this.#attempt.fence(core.durable(seq)), true)
    points.log.alive()
    const work = async (): Promise<unknown> => run(core.key(exec.id, EXECUTE))
    try {
      return await this.#end(EXECUTE, await this.#attempt.timed(work()))
    } catch (error) {
      points.log.alive()
      const delay = this.#attempt.retryIn(error)
      this.#attempt.due = { delay }
      if (delay !== undefined || !rescued) throw error
      const recorded = recordError(error)
      await this.#done({ error: recorded })
      return { error: recorded, cause: error }
    }
  }

  async #end(key: string, value: unknown): Promise<Outcome> {
    const { core, points, step } = this.#attempt
    points.log.alive()
    const copy =
      value === undefined ? undefined : core.options.copy(value, `what ${key} of step "${step.name}" gave`)
    const result = copy === undefined ? {} : { value: copy }
    if (key === EXECUTE) await this.#done(result)
    else await points.log.make('done', key, 'commit', result)
    return result
  }

  /** The result is taken in its turn, like that of every recorded point. */
  async #done(result: PointResult): Promise<void> {
    const { points, replay } = this.#attempt
    points.log.done(EXECUTE, 'once', result)
    await replay.turns.of(EXECUTE)
  }

  #passed(key: string, { value }: PointResult): unknown {
    this.#attempt.points.log.pass(key)
    return value
  }

  #point(key: string): Point | undefined {
    const { exec, points } = this.#attempt
    points.log.alive()
    return exec.points.get(key)
  }
}

/** `cause`: what was thrown in this page. After a reload only the recorded error is left. */
type Outcome = PointResult & { readonly cause?: unknown }

const EXECUTE = 'execute'
