import type { Core } from './core'
import type { Scope } from './model/model'
import { scopeOf } from './model/reduce-deliver'

/** The gathering steps that a step's events lead to before any other gathering step. */
export function gathersAfter({ step, passed = [] }: Scope, definition: Core['definition']): string[] {
  const found = new Set<string>()
  const seen = new Set([step])
  for (const from of seen)
    for (const { type } of definition.stepsByName.get(from)?.emits ?? [])
      for (const to of definition.routes.get(type) ?? [])
        if (definition.stepsByName.get(to)?.join === 'gather' && !passed.includes(to)) found.add(to)
        else seen.add(to)
  return [...found]
}

/**
 * Whether what a gather has made of nothing goes on to a gather, of which there are more than fan-outs around it. Then nothing
 * was the outer list, and not the list of one of its items: no definition says which of its steps fan out.
 */
export function isForNone(core: Core, { type, scope, answers }: Made): boolean {
  const { takers, stepsByName } = core.definition
  const taken = takers.get(type)
  if (answers || taken?.to.length !== 0) return false
  const around = scopeOf(core.model, scope)
  const exceeds = (step: string) =>
    stepsByName.get(step)?.emits.some((it) => isForNone(core, { type: it.type, scope: around?.parent }))
  return !around || taken.gather.some(exceeds)
}

/** An event that a step emits, as far as it is known. */
interface Made {
  readonly type: string
  readonly scope?: number | undefined
  readonly answers?: unknown
}
