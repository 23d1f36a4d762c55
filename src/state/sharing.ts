import { differing } from './diff'
import { isPlainObject } from './json'
import { late } from './late'
import type { Op } from './op'
import { sameContent, type sameJson } from './same'
import type { Tree } from './tree'
import { at, isContainer } from './view'

/**
 * What was made, with the objects that were given wherever the two are equal, so that whoever shows one of them need not hear
 * of it. An item of a list may have moved. `same`: what counts as equal at once; else the keys must be in the same order too.
 */
export function sharing(made: unknown, given: unknown, same?: typeof sameJson): unknown {
  if (Object.is(made, given) || same?.(made, given)) return given
  if (!isContainer(made) || !isContainer(given)) return made
  if (Array.isArray(made)) return Array.isArray(given) ? listSharing(made, given, same) : made
  if (!isPlainObject(made) || !isPlainObject(given) || Array.isArray(given))
    return made instanceof Date && sameContent(made, given) ? given : made
  const parts = { ...made }
  const others = Object.keys(given)
  let isEqual = true
  let nth = 0
  for (const key of Object.keys(made)) {
    const it = at(given, key)
    parts[key] = sharing(made[key], it, same)
    isEqual &&= parts[key] === it && key === others[nth]
    nth++
  }
  return isEqual && nth === others.length ? given : parts
}

function listSharing(
  made: readonly unknown[],
  given: readonly unknown[],
  same: typeof sameJson | undefined,
): unknown {
  const [start, cut, end] = differing(given, made)
  const old = given.slice(start, cut)
  // Where a list was cut or grew, its items are there already, and at another place than before.
  const known = new Set(old)
  const placed = (it: unknown, other: unknown): unknown => (known.has(it) ? it : sharing(it, other, same))
  const inPlace = made.slice(start, end).map((it, nth) => placed(it, old[nth]))
  const others = new Map<string, unknown>()
  old.forEach((it, nth) => isContainer(it) && it !== inPlace[nth] && others.set(signOf(it), it))
  const parts = inPlace.map((it, nth) =>
    isContainer(it) && it !== old[nth] ? placed(it, others.get(signOf(it))) : it,
  )
  if (parts.length === old.length && parts.every((it, nth) => it === old[nth])) return given
  return [...made.slice(0, start), ...parts, ...made.slice(end)]
}

/** Equal items have the same. Mostly there is a number or a text among the values of an item that no other one has. */
function signOf(item: object): string {
  return Object.values(item)
    .filter((it) => !isContainer(it))
    .join()
}

/** Whether operations write objects, and not just texts and numbers. What comes at the end of a list has not been there. */
export function bringObjects(ops: readonly Op[]): boolean {
  return ops.some((op) => op[0] !== 'append' && op.slice(-2).some(isContainer))
}

/** The tree shows the objects of an earlier state wherever it is equal to that: what another tab has told are copies. */
export function share(tree: Tree, shown: unknown): void {
  // Unread lists would be read to compare them.
  if (late.count === 0) tree.restore(sharing(tree.root(), shown))
}
