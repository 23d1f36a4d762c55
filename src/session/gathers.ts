import { after, emits } from '../workflow/routes'
import type { Definition } from '../workflow/workflow'
import type { Core } from './core'
import type { Scope } from './model/model'
import { scopeOf } from './model/reduce-deliver'

/**
 * The gathering steps of a fan-out: those that have gathered something, and those beside them that its events lead to before
 * any other gathering step. Of two such that follow each other, the first is of an inner fan-out and the second of an outer one.
 * What only a recovery step leads to is one of them when it neither follows another one nor leads to it, nor ends the run in
 * place of the others: together with them at times is enough, as in a step that waits for both.
 */
export function gathersAfter(
  { step, parent, passed = [], gathered }: Scope,
  definition: Definition,
): string[] {
  const [first, within] = waysFrom(step, definition)
  // The outermost fan-out is in no branch that could go on: what leads back to it, or to another one like it, begins anew.
  const isAnew = (to: string, it: string): boolean =>
    parent === undefined && !within.has(to) && waysFrom(to, definition)[0].has(it)
  const leads = (one: string, other: string): boolean =>
    waysFrom(one, definition, (to) => !isAnew(to, one))[0].has(other)
  const isBefore = (one: string, other: string): boolean => leads(one, other) && !leads(other, one)
  // What an inner fan-out's gather has passed on may be nothing: its own gather is still to come.
  const near = [...waysFrom(step, definition, undefined, passed)[0]].filter((it) => !passed.includes(it))
  const all = [...new Set([...gathered.keys(), ...near])]
  const rank = (it: string): number => (gathered.has(it) ? 2 : Number(first.has(it)))
  const isOfAnother = (it: string): boolean =>
    all.some((other) => {
      const more = rank(other) - rank(it)
      if (more > 0) return isBefore(it, other) || isBefore(other, it)
      return more === 0 && (parent === undefined ? isBefore(it, other) : isBefore(other, it))
    })
  const { stepsByName, options } = definition
  const ends = (it: string): string[] =>
    [it, ...waysFrom(it, definition, () => true)[1]].filter((to) =>
      emits(stepsByName.get(to), options.stop?.type),
    )
  const others = all.filter((it) => rank(it) > 0).flatMap(ends)
  const isInstead = (it: string): boolean => {
    const own = ends(it)
    return rank(it) === 0 && others.length > 0 && own.length > 0 && !own.some((to) => others.includes(to))
  }
  return all.filter((it) => gathered.has(it) || !(isOfAnother(it) || isInstead(it)))
}

/**
 * The gathering steps that a step's events lead to, and the steps that they pass. They end at gathering steps, unless `beyond`
 * or with those that have `run`, which say that the steps before them may have failed and been recovered.
 */
function waysFrom(
  step: string,
  definition: Definition,
  beyond?: (to: string) => boolean,
  run?: readonly string[],
): readonly [gathers: Set<string>, passed: Set<string>] {
  const gathers = new Set<string>()
  const passed = new Set<string>()
  const follow = (from: string, mayFail: boolean): void => {
    for (const { name: to, join } of after(definition.stepsByName.get(from), definition, mayFail)) {
      const isGather = join === 'gather'
      if (isGather) gathers.add(to)
      if (beyond ? beyond(to) : !isGather || run?.includes(to)) passed.add(to)
    }
  }
  // The fan-out itself has not failed: who would recover it is no part of it.
  follow(step, false)
  for (const it of passed) follow(it, run !== undefined)
  return [gathers, passed]
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
