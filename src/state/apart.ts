import { frozen } from './development'
import { isAlike, towards } from './towards'
import type { Op } from './op'
import { ROOT, toPath, type Path } from './path'
import { at, type Current } from './view'

/**
 * A schema that computes one field from others makes a whole object of a call. These are the operations of what is another
 * value than before: the call's own first, then what the schema has changed beside it. So what somebody else writes into the
 * same object at this moment stays.
 */
export function apart(op: Op, asked: Path, current: Current, call: string): readonly Op[] {
  if (op[0] !== 'set' && op[0] !== 'replace') return [op]
  let place = op[0] === 'set' ? toPath(op[1]) : ROOT
  let now = current.peek(place)
  let made = op.at(-1)
  const more: Op[] = []
  for (const key of asked.keys.slice(place.keys.length)) {
    const beside = isAlike(made, now) && towards(made, now, place.keys, key)
    // Where more of a list has changed than one item, it is written whole.
    if (!beside || (Array.isArray(now) && beside.length > 0)) break
    more.push(...beside)
    place = toPath([...place.keys, key])
    now = at(now, key)
    made = at(made, key)
  }
  return place === ROOT ? [op] : [...ownOps(call, now, made, place), ...more].map((it) => frozen(it))
}

/** What the call itself has done at its place, or at the nearest one above that can be compared. */
function ownOps(call: string, now: unknown, made: unknown, { id, keys }: Path): Op[] {
  if (made === undefined) return [['delete', id]]
  if (call === 'append' && typeof now === 'string' && typeof made === 'string' && made.startsWith(now))
    return [['append', id, made.slice(now.length), 'text']]
  if (call === 'set' || !Array.isArray(now) || !Array.isArray(made)) return [['set', id, made]]
  // A list that keeps its newest items has lost others.
  const item: unknown = made.at(-1)
  return call === 'delete'
    ? towards(made, now, keys)
    : [['append', id, item, 'list'], ...towards(made, [...now, item], keys)]
}
