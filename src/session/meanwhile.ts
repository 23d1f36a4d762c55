import type { Persistence } from '../storage/persistence'
import type { Journaling } from './journaling'
import type { LiveSession } from './live-session'
import { goesOn } from './model/model'
import type { SessionRecord } from './model/record'
import { startRun } from './run-start'

/**
 * Where records go while storage does not answer: nowhere, because the session lives in memory. It remembers what decides
 * about a late answer: whether a run has begun, and whether that run has done something that cannot be taken back.
 */
export class Meanwhile implements Journaling {
  /** What the run began with. */
  started: Extract<SessionRecord, { kind: 'started' }> | undefined
  /** An effect has begun or a run has ended: a stored session must not take its place any more. */
  binding = false
  over = false
  /** Something is here alone. */
  #holds = false
  /** Called when the session is closed. */
  onEnd: () => void = () => {}
  /** Also why the stored session is left as it is. */
  persistence: Persistence
  readonly #error: Error

  constructor(status: 'degraded' | 'memory-only', error: Error) {
    this.#error = error
    this.persistence = Object.freeze({ status, error })
  }

  push(record: SessionRecord): void {
    this.#holds = true
    if (record.kind === 'started') this.started = record
    this.binding ||= record.kind === 'finished' || (record.kind === 'opened' && record.type === 'once')
  }

  /** Starts the run again in the session that was stored after all, which knows nothing of it. */
  restart({ core }: LiveSession): void {
    if (!this.started || goesOn(core.model)) return
    const { type, data } = this.started.event
    startRun(core, { type, data })
    core.wake()
  }

  flush(): Promise<void> {
    return Promise.reject(this.#error)
  }

  /** As with any write that storage has not taken. Where there is none, nobody expects it to. */
  async close(): Promise<void> {
    this.abandon()
    if (this.#holds && this.persistence.status !== 'memory-only') throw this.#error
  }

  abandon(): void {
    this.over = true
    this.onEnd()
  }
}
