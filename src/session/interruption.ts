import { CrashLoopError } from '../errors'
import type { Core } from './core'
import { failRun } from './failure'
import type { Model } from './model'
import { isWaiting } from './status'

/** Interruptions of one execution in a row that are taken for a crash loop. */
const CRASH_LOOP = 10

/**
 * After loading: what a crash or a reload cut off is rolled back, by a record of its own. An execution that is
 * cut off again and again without getting anywhere fails the run, before it takes the page down once more.
 */
export function recordInterruptions(core: Core): void {
  const execs = interrupted(core.model)
  if (execs.length === 0) return
  core.append({ kind: 'interrupted', execs })
  for (const exec of core.model.execs.values()) {
    if (exec.interruptions < CRASH_LOOP) continue
    failRun(core, exec, exec.attempt, new CrashLoopError(exec.step, exec.interruptions))
    return
  }
}

/** The executions that a crash or a reload cut off at work. Waiting alone is no interruption. */
export function interrupted(model: Model): number[] {
  if (model.run === undefined || model.run.end) return []
  const uncommitted = new Set(model.log.map((it) => it.exec))
  return [...model.execs.values()]
    .filter((it) => uncommitted.has(it.id) || it.entries.length > it.committed || !isWaiting(it, false))
    .map((it) => it.id)
}
