import { CrashLoopError } from '../../run-errors'
import type { Core } from '../core'
import { failStep } from './failure'
import { goesOn, type Execution, type Model } from '../model/model'
import { outlasts } from '../model/reduce-state'
import { isWaiting, type AtWork } from '../model/status'

/** Interruptions of one execution in a row that are taken for a crash loop. */
const CRASH_LOOP = 10

/**
 * Rolls back what a crash or a reload cut off, by a record of its own. Returns a function that counts the interruption. Call
 * it when the work begins again: a page that never lets the work run cuts nothing off. An execution that is cut off again
 * and again without progress has failed, before it takes the page down once more.
 */
export function interrupt(core: Core): () => void {
  const now = core.options.clock.now()
  const cut = interrupted(core.model, now)
  const dirty = cut.filter((id) => isDirty(core.model.execs.get(id) as Execution))
  if (dirty.length > 0) core.append({ kind: 'interrupted', execs: dirty })
  return () => {
    const { model } = core
    const execs = cut.filter((id) => began(core, model.execs.get(id), now))
    if (execs.length === 0 || model.run?.end) return
    core.append({ kind: 'interrupted', execs, counts: true })
    for (const it of [...model.execs.values()])
      if (it.interruptions >= CRASH_LOOP && !model.run?.end)
        failStep(core, it, it.attempt, new CrashLoopError(it.step, it.interruptions))
  }
}

/**
 * Whether an execution can have crashed a page. It cannot when the code has no step for it, or when it was still waiting for
 * its retry when this page was opened; and a sub-flow counts for itself.
 */
function began(core: Core, exec: Execution | undefined, opened: number): boolean {
  if (exec === undefined || core.step(exec.step) === undefined) return false
  return !isWaiting(by(exec, opened), nowhere)
}

/** As it was at that time at the latest: an attempt that was due is at work. */
function by(exec: Execution, time: number): Execution {
  const { retryAt } = exec
  return retryAt === undefined || retryAt > time ? exec : { ...exec, retryAt: undefined }
}

/** Stands for code that knows no step of any sub-flow. */
const nowhere: AtWork = {
  definition: { stepsByName: new Map() },
  attempts: new Map(),
  children: { get: () => ({ core: nowhere }) },
}

function isDirty({ dirty, entries, committed }: Execution): boolean {
  return dirty || entries.some((it, at) => at >= committed && !outlasts(it))
}

/** The executions that a crash or a reload at that time cut off at work. Waiting alone is no interruption. */
export function interrupted(model: Model, at = 0): number[] {
  if (!goesOn(model)) return []
  return model.execs
    .values()
    .filter((it) => isDirty(it) || !isWaiting(by(it, at), undefined))
    .map((it) => it.id)
}
