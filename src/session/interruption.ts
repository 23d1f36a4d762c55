import type { Model } from './model'
import { isWaiting } from './status'

/** The executions that a crash or a reload cut off at work. Waiting alone is no interruption. */
export function interrupted(model: Model): number[] {
  if (model.run === undefined || model.run.end) return []
  const uncommitted = new Set(model.log.map((it) => it.exec))
  return [...model.execs.values()]
    .filter((it) => uncommitted.has(it.id) || it.entries.length > it.committed || !isWaiting(it, false))
    .map((it) => it.id)
}
