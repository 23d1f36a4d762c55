import { CrashLoopError } from '../run-errors'
import type { Core } from './core'
import { failRun } from './failure'
import type { Execution, Model } from './model'
import { isWaiting } from './status'

/** Interruptions of one execution in a row that are taken for a crash loop. */
const CRASH_LOOP = 10

/**
 * What a crash or a reload cut off. It is rolled back when the session is loaded, by a record of its own. It counts
 * when the work begins again: a page that never lets it run has cut nothing off. An execution that is cut off again
 * and again without getting anywhere fails the run, before it takes the page down once more.
 */
export class Interruption {
  readonly #core: Core
  readonly #execs: readonly number[]

  constructor(core: Core) {
    this.#core = core
    this.#execs = interrupted(core.model)
    const dirty = this.#execs.filter((id) => isDirty(core.model, id))
    if (dirty.length > 0) core.append({ kind: 'interrupted', execs: dirty })
  }

  count(): void {
    const core = this.#core
    const execs = this.#execs.filter((id) => this.#began(core.model.execs.get(id)))
    if (execs.length === 0 || core.model.run?.end) return
    core.append({ kind: 'interrupted', execs, counts: true })
    for (const exec of core.model.execs.values()) {
      if (exec.interruptions < CRASH_LOOP) continue
      failRun(core, exec, exec.attempt, new CrashLoopError(exec.step, exec.interruptions))
      return
    }
  }

  /** No page ran what it has no step for, and a sub-flow counts for itself: neither can have crashed one. */
  #began(exec: Execution | undefined): boolean {
    return exec !== undefined && this.#core.step(exec.step) !== undefined && !isWaiting(exec, none, none)
  }
}

const none = (): boolean => false

function isDirty(model: Model, id: number): boolean {
  const exec = model.execs.get(id)
  return exec !== undefined && (exec.dirty || exec.entries.length > exec.committed)
}

/** The executions that a crash or a reload cut off at work. Waiting alone is no interruption. */
export function interrupted(model: Model): number[] {
  if (model.run === undefined || model.run.end) return []
  return [...model.execs.values()]
    .filter((it) => it.dirty || it.entries.length > it.committed || !isWaiting(it, none))
    .map((it) => it.id)
}
