import { definitionOf, type Definition } from '../workflow/workflow'
import type { Core } from './core'
import type { LiveAttempt } from './step/live-attempt'
import { goesOn, type Execution, type Model, type Point, type Waiting } from './model/model'
import type { Nested } from './nested'
import type { Roster } from './model/roster'
import { bodyOf, type Unstamped } from './model/record'

/** A workflow at work: the session's own, or a sub-flow in it. */
export interface Level {
  readonly model: Model
  /** `undefined` for a `ctx.subflow` that its step has not come to in this page: only the step knows it. */
  readonly definition: Definition | undefined
  readonly attempts: Pick<Roster<LiveAttempt>, 'get'>
  readonly children: Pick<ReadonlyMap<Point, Nested>, 'get'>
  /** The points of the sub-flows that it is in, from the outside in. */
  readonly path: readonly Waiting[]
  /** What its keys begin with. */
  readonly prefix: string
  /** Records what comes to it. */
  append(body: Unstamped): void
  /** Ends what is over by now, here and around it. */
  expire(): void
}

/**
 * A workflow at work and the sub-flows in it, from the outside in, and those that began first before the others. A generator,
 * because what is looked for is mostly in the first of them, however many there are.
 */
export function* levelsIn(outer: Level): Generator<Level, void> {
  yield outer
  // Open sub-flows are among the points that wait, under the type `''`, which no event has.
  for (const { exec, point } of outer.model.waits.get('')?.values() ?? []) {
    const level = levelAt(outer, exec, point)
    if (level?.model.waits.has('')) yield* levelsIn(level)
    else if (level) yield level
  }
}

/** The sub-flow that is at work at a point. */
export function levelAt(outer: Level, exec: Execution, point: Point): Level | undefined {
  const { child: model } = point
  return model && goesOn(model) ? new Inner(outer, exec, point, model) : undefined
}

/** Ends the run when its newest record has emitted the stop event. */
export function heedStop(level: Pick<Level, 'model' | 'definition' | 'append'>, at = 0): void {
  const { run, latest } = level.model
  if (latest.length === 0) return
  const stop = level.definition?.options.stop.type
  const event = latest.find((it) => it.type === stop)
  if (event === undefined || run === undefined || run.end) return
  const { data: result } = event
  level.append({ kind: 'finished', status: 'completed', ...(result !== undefined && { result }), seq: 0, at })
}

/** Cheap to make: a sent event passes hundreds of sub-flows that do not wait for it. */
class Inner implements Level {
  readonly model: Model
  readonly #outer: Level
  readonly #at: Waiting
  #found: Core | undefined

  constructor(outer: Level, exec: Execution, point: Point, model: Model) {
    this.model = model
    this.#outer = outer
    this.#at = { exec, point }
  }

  get definition(): Definition | undefined {
    const declared = this.#outer.definition?.stepsByName.get(this.#at.exec.step)?.subflow
    return this.#core?.definition ?? (declared && definitionOf(declared.workflow))
  }

  get attempts(): Level['attempts'] {
    return this.#core?.attempts ?? nobody
  }

  get children(): Level['children'] {
    return this.#core?.children ?? nobody
  }

  get path(): Waiting[] {
    return [...this.#outer.path, this.#at]
  }

  get prefix(): string {
    const { exec, point } = this.#at
    return `${this.#outer.prefix}/${exec.id}/${point.key}`
  }

  append(record: Unstamped): void {
    const { exec, point } = this.#at
    this.#outer.append({ kind: 'child', exec: exec.id, key: point.key, record: bodyOf(record) })
  }

  expire(): void {
    this.#outer.expire()
    const core = this.#core
    if (core) core.expire()
    else heedStop(this)
  }

  get #core(): Core | undefined {
    return (this.#found ??= this.#outer.children.get(this.#at.point)?.core)
  }
}

const nobody: ReadonlyMap<never, never> = new Map<never, never>()
