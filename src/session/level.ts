import { definitionOf, type Definition } from '../workflow/workflow'
import type { LiveAttempt } from './live-attempt'
import type { Execution, Model, Point, Waiting } from './model'
import type { Nested } from './nested'
import type { Roster } from './roster'
import type { RecordBody } from './record'

/** A workflow at work: the session's own, or a sub-flow in it. */
export interface Level {
  readonly model: Model
  /** `undefined` for a `ctx.subflow` that its step has not come to in this page: only the step knows it. */
  readonly definition: Definition | undefined
  readonly attempts: Pick<Roster<LiveAttempt>, 'get'>
  readonly children: ReadonlyMap<string, Nested>
  /** The sub-flows that it is in, from the outside. */
  readonly path: readonly Waiting[]
  /** What its keys begin with. */
  readonly prefix: string
  /** Records what comes to it. */
  append(body: RecordBody): void
  /** Starts what can start, here and around it; what has run out by now is over. */
  wake(): void
}

/**
 * A workflow at work and the sub-flows in it, from the outside in, those that began first before the others. One by
 * one: mostly what is looked for is in the first of them, however many there are.
 */
export function* levelsIn(outer: Level): Generator<Level, void> {
  yield outer
  // Open sub-flows stand with the points that wait, for an event that there is not.
  for (const { exec, point } of outer.model.waits.get('')?.values() ?? []) {
    const level = levelAt(outer, exec, point)
    if (level) yield* levelsIn(level)
  }
}

/** The sub-flow that is at work at a point. */
export function levelAt(outer: Level, exec: Execution, point: Point): Level | undefined {
  const { child: model } = point
  if (model?.run === undefined || model.run.end) return undefined
  const at = { exec: exec.id, key: point.key }
  const core = outer.children.get(`${at.exec}/${at.key}`)?.core
  const declared = outer.definition?.stepsByName.get(exec.step)?.subflow
  return {
    model,
    definition: core?.definition ?? (declared && definitionOf(declared.workflow)),
    attempts: core?.attempts ?? nobody,
    children: core?.children ?? nobody,
    path: [...outer.path, { exec, point }],
    prefix: `${outer.prefix}/${at.exec}/${at.key}`,
    append: (record) => outer.append({ kind: 'child', ...at, record }),
    wake() {
      outer.wake()
      core?.wake()
    },
  }
}

const nobody: ReadonlyMap<never, never> = new Map<never, never>()
