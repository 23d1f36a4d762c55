import { differing } from './diff'
import { isPlainObject } from './json'
import type { Op } from './op'
import { toPath } from './path'
import { sameContent } from './same'
import { at, isContainer, type Container } from './view'

/** What turns a state into what its schema makes of it, wherever its keys stand, but for one key. */
export function towards(made: unknown, state: unknown, keys: readonly string[], but?: string): Op[] {
  if (state === made) return []
  const { id } = toPath(keys)
  if (made === undefined) return [['delete', id]]
  if (isAlike(made, state))
    return Object.keys(Object.assign({}, state, made)).flatMap((key) =>
      key === but ? [] : towards(at(made, key), at(state, key), [...keys, key]),
    )
  if (Array.isArray(made) && Array.isArray(state)) {
    const [start, cut, end] = differing(state, made)
    return [['splice', id, start, cut - start, made.slice(start, end)]]
  }
  return sameContent(state, made) ? [] : [['set', id, made]]
}

/** Whether two values can be compared key by key. */
export function isAlike(made: unknown, state: unknown): state is Container {
  if (!isContainer(made) || !isContainer(state)) return false
  if (Array.isArray(made)) return Array.isArray(state) && made.length === state.length
  return isPlainObject(made) && isPlainObject(state)
}
