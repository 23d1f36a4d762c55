import type { Clock } from '../clock'
import type { WorkflowEvent } from '../workflow/event'
import type { Definition, Takers } from '../workflow/workflow'
import type { LiveAttempt } from './step/live-attempt'
import type { Execution, Model, Point } from './model/model'
import { patiently } from './patience'
import type { Emission, PointRef } from './model/record'
import type { Roster } from './model/roster'

type Extra = Partial<Emission> | undefined
type More = Extra | ((index: number) => Extra)
type Made = { -readonly [Key in keyof Emission]: Emission[Key] }

/** The parts of a workflow at work that decide where its events go. */
export interface Routed {
  readonly definition: Definition
  readonly model: Model
  readonly attempts: Pick<Roster<LiveAttempt>, 'get'>
  readonly options?: { readonly clock: Clock }
}

/** Decides where events go: to the steps that accept them, or to the oldest wait that they answer. */
export class Routing {
  readonly #core: Routed

  constructor(core: Routed) {
    this.#core = core
  }

  /** Numbers and addresses events, in order, and matches them with the waits that they answer. Each gets `extra`. */
  emissions(events: readonly WorkflowEvent[], extra?: More, outside = false): Emission[] {
    const claimed = this.#core.model.waits.size > 0 ? new Set<Point>() : undefined
    // Mostly there is one event, and a closure costs as much as numbering it.
    if (events.length === 1) return [this.#emission(events[0] as WorkflowEvent, 0, extra, outside, claimed)]
    return this.#several(events, extra, outside, claimed)
  }

  #several(events: readonly WorkflowEvent[], ...rest: [More, boolean, Set<Point> | undefined]): Emission[] {
    return events.map((event, index) => this.#emission(event, index, ...rest))
  }

  #emission(
    { type, data }: WorkflowEvent,
    index: number,
    extra: More,
    outside: boolean,
    claimed: Set<Point> | undefined,
  ): Emission {
    const more = typeof extra === 'function' ? extra(index) : extra
    const { to, gather } = this.#core.definition.takers.get(type) ?? nobody
    const id = this.#core.model.nextEvent + index
    const wait = claimed && more?.to === undefined && this.#openWait(type, data, outside, claimed)
    // Without spreads they are made in half the time.
    const made: Made = data === undefined ? { id, type, to } : { id, type, data, to }
    if (gather.length > 0) made.gather = gather
    if (wait) made.answers = wait
    return more ? Object.assign(made, more) : made
  }

  /** The oldest open wait that the event answers. An ask is answered from outside only. */
  #openWait(type: string, data: unknown, outside: boolean, claimed: Set<Point>): PointRef | undefined {
    for (const { exec, point } of this.#core.model.waits.get(type)?.values() ?? []) {
      if (claimed.has(point) || (point.type === 'ask' && !outside)) continue
      // The timer of a wait may be late. (For events from outside, everything that has run out was ended before.)
      if (point.deadline && point.deadline <= Number(this.#core.options?.clock.now())) continue
      if (point.where && this.#attemptOf(exec)?.points.fits(point.key, { type, data }) !== true) continue
      claimed.add(point)
      return { exec: exec.id, key: point.key }
    }
    return undefined
  }

  #attemptOf({ id }: Execution): LiveAttempt | undefined {
    return this.#core.attempts.get(id)
  }

  /**
   * Whether a wait may take one of the events, but its step has not run up to it again after a reload, so that its predicate
   * is not known.
   */
  isUnclear(events: readonly WorkflowEvent[]): boolean {
    if (this.#core.model.waits.size === 0) return false
    for (const { type } of events)
      for (const { exec, point } of this.#core.model.waits.get(type)?.values() ?? [])
        if (point.where && this.#attemptOf(exec)?.points.isArmed(point.key) !== true) return true
    return false
  }

  /** Resolves when it is clear, or will not become so. */
  clear(events: readonly WorkflowEvent[]): Promise<void> {
    return patiently(() => !this.isUnclear(events))
  }
}

const nobody: Takers = { to: [], gather: [] }
