import { startsWith, toPath } from '../state/path'
import { linesOf, type AnyMapping } from './mapping'
import type { Definition } from './workflow'

/**
 * Describes where an otherwise right mapping would take a private value of the parent to a place in the child that is stored.
 * The input and the flow state always are stored.
 */
export function leaks({ capture = {} }: AnyMapping, parent: Definition, child: Definition): string[] {
  const secrets = (parent.options.private ?? []).map((it) => toPath(it).keys)
  if (secrets.length === 0) return []
  const hidden = (child.options.private ?? []).map((it) => toPath(it).keys)
  return ['input', 'state', 'flowState'].flatMap((target) =>
    linesOf(capture[target]).flatMap(([to, { scope, path, text }]) => {
      if (scope !== 'state') return []
      const places = secrets.flatMap((it) => place(it, path.keys, to.keys))
      const isKept = (keys: readonly string[]): boolean =>
        target !== 'state' || !hidden.some((it) => startsWith(keys, it))
      return places.some(isKept)
        ? [
            `capture.${target}: "${text}" is private, but would be stored there; make the target private in the child's state`,
          ]
        : []
    }),
  )
}

/** Where in the child a private path comes to stand, if it is captured at all. */
function place(
  secret: readonly string[],
  from: readonly string[],
  to: readonly string[],
): (readonly string[])[] {
  if (startsWith(from, secret)) return [to]
  return startsWith(secret, from) ? [[...to, ...secret.slice(from.length)]] : []
}
