import { ArgumentError, NestedEditError, TimeoutError } from '../../errors'
import type { WorkflowEvent } from '../../workflow/event'
import type { StepDefinition } from '../../workflow/step'
import type { Core } from '../core'
import type { Execution, Point, PointResult } from '../model/model'
import type { Emission, PointType, RecordBody } from '../model/record'
import { made } from './in-this-page'
import { whenClear } from '../routing'
import type { Replay } from './replay'

/** The attempt that the points belong to. */
export interface Host {
  readonly core: Core
  readonly exec: Execution
  readonly step: StepDefinition
  readonly replay: Replay
  readonly over: Error | undefined
  readonly editing: number
  send(event: unknown): void
  /** What was sent since the last commit point. */
  readonly sends: readonly WorkflowEvent[]
  /** Whether it is not known which waits these answer. */
  readonly isUnclear: boolean
  takeSends(): { readonly sends?: readonly Emission[] }
  awaiting<T>(wait: Promise<T>, forStorage?: boolean): Promise<T>
}

/** How an attempt's points get into the ledger: opened, done, and told apart by their keys. */
export class PointLog {
  readonly #attempt: Host
  /** The first free number behind each name, and the keys that were taken out of order. */
  readonly #lowest = new Map<string, number>()
  #claimed: Set<string> | undefined
  /** In a node, where the numbers begin after a finished phase. */
  #phase = ''

  constructor(attempt: Host) {
    this.#attempt = attempt
  }

  /** Every point calls it first. Throws in an attempt that is over, and inside an edit. */
  enter(what: string): void {
    this.alive()
    if (this.#attempt.editing) throw new NestedEditError(`ctx.${what}`)
  }

  alive(): void {
    if (this.#attempt.over) throw this.#attempt.over
  }

  /** Await it before recording something that carries sent events: right after a reload, their receivers may be unknown. */
  get unclear(): Promise<void> | undefined {
    const { isUnclear, core, sends } = this.#attempt
    return isUnclear ? whenClear(core, sends).then(() => this.alive()) : undefined
  }

  /** Points of one kind in one step are told apart by what they are about, then by their order. */
  key(name: string, fits: (point: Point) => boolean = () => true): string {
    const { points } = this.#attempt.exec
    const prefix = `${name}#${this.#phase}`
    let lowest = this.#lowest.get(prefix) ?? 1
    let number = lowest
    for (; ; number++) {
      if (this.#claimed?.has(prefix + number)) continue
      const point = points.get(prefix + number)
      // The lowest number is free, so it is the first free one.
      if (point === undefined) number = lowest
      if (point === undefined || fits(point)) break
    }
    if (number > lowest) (this.#claimed ??= new Set()).add(prefix + number)
    else {
      do lowest++
      while (this.#claimed?.delete(prefix + lowest))
      this.#lowest.set(prefix, lowest)
    }
    return prefix + number
  }

  /** A phase of a node is over. A re-run does not walk through it, so counting begins again. */
  pass(key: string): void {
    this.#phase = `${key}/`
    this.#attempt.replay.pass(key)
  }

  /**
   * The step opens a point, or makes one that is done: at once, unless it is unclear where sent events go. When it resolves,
   * the attempt may be over.
   */
  async make(kind: 'opened' | 'done', key: string, type: PointType, details: object = {}): Promise<Point> {
    const { exec } = this.#attempt
    const { unclear } = this
    if (unclear) await unclear
    this.act({ kind, exec: exec.id, key, type, ...details, ...this.#attempt.takeSends() })
    const point = exec.points.get(key) as Point
    made.add(point)
    return point
  }

  /** Opens a point that waits, or comes to it again. Resolves with its answer. */
  async wait(key: string, type: PointType, timeout: number | undefined, details: object): Promise<unknown> {
    const { core, exec, replay } = this.#attempt
    let point = exec.points.get(key)
    if (point) replay.reached(key)
    if (!point || point.again) {
      mustBeTime(timeout, type)
      const deadline = timeout === undefined ? {} : { deadline: core.options.clock.now() + timeout }
      point = await this.make('opened', key, type, { ...details, ...deadline })
      this.alive()
    }
    if (point.result === undefined) await this.#attempt.awaiting(replay.turns.of(key))
    else if (replay.turns.isDue(key)) await replay.turns.of(key)
    this.alive()
    const { result }: { result: PointResult | undefined } = point
    if (result?.timeout) {
      const event = key.slice(type.length + 1, key.lastIndexOf('#'))
      const what = type === 'ask' ? 'the reply to' : 'the wait for'
      throw new TimeoutError('wait', `${what} "${event}"`, timeout ?? 0)
    }
    return result?.value
  }

  act(body: RecordBody): void {
    this.#attempt.replay.turns.occupy()
    this.#append(body)
  }

  /** A point has its result: it is handed over when it is its turn. Events whose way is unclear are left to the next record. */
  done(key: string, type: PointType, result: Pick<PointResult, 'value' | 'error'>): void {
    const { over, isUnclear } = this.#attempt
    const sends = over || isUnclear ? {} : this.#attempt.takeSends()
    this.#append({ kind: 'done', exec: this.#attempt.exec.id, key, type, ...result, ...sends })
  }

  #append(body: RecordBody): void {
    this.#attempt.core.append(body)
    this.#attempt.replay.entered()
    // An event kept for a batch starts nothing.
    if (body.kind !== 'collected' || body.sends) this.#attempt.core.wake()
  }
}

/** Whether there is a point of the name. Looks only for the first, because a chat has thousands of them. */
export function hasAny(points: ReadonlyMap<string, Point>, name: string): boolean {
  return ['', 'prepare/', 'execute/', 'fallback/'].some((phase) => points.has(`${name}#${phase}1`))
}

function mustBeTime(ms: number | undefined, type: PointType): void {
  if (Number.isFinite(ms) || (ms === undefined && type !== 'sleep')) return
  const calls: Partial<Record<PointType, string>> = { ask: 'ask(): timeout', wait: 'waitFor(): timeout' }
  throw new ArgumentError(calls[type] ?? 'sleep()', ms, 'milliseconds')
}
