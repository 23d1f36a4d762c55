import { NestedEditError } from '../errors'
import type { StepDefinition } from '../workflow/step'
import type { Core } from './core'
import type { Execution, Point, PointResult } from './model'
import type { Emission, PointType, RecordBody } from './record'
import type { Replay } from './replay'

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

/** How an attempt's points get into the ledger: opened, done, and told apart by their keys. */
export class PointLog {
  readonly #attempt: Host
  readonly #counts = new Map<string, number>()

  constructor(attempt: Host) {
    this.#attempt = attempt
  }

  /** To be called first by every point: not in an attempt that is over, and not inside an edit. */
  enter(what: string): void {
    this.alive()
    if (this.#attempt.editing) throw new NestedEditError(`ctx.${what}`)
  }

  alive(): void {
    if (this.#attempt.over) throw this.#attempt.over
  }

  /** Points of one kind in one step are told apart by their order. */
  numbered(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    return `${name}#${count}`
  }

  open(key: string, type: PointType, details: object = {}): Point {
    const { exec } = this.#attempt
    this.append({ kind: 'opened', exec: exec.id, key, type, ...details, ...this.#attempt.takeSends() })
    return exec.points.get(key) as Point
  }

  done(key: string, type: PointType, result: Pick<PointResult, 'value' | 'error'>): void {
    const sends = this.#attempt.over ? {} : this.#attempt.takeSends()
    this.append({ kind: 'done', exec: this.#attempt.exec.id, key, type, ...result, ...sends })
  }

  append(body: RecordBody): void {
    this.#attempt.core.append(body)
    this.#attempt.replay.entered()
    this.#attempt.core.wake()
  }
}
