import { toPath } from '../../state/path'

/**
 * What a value must be, as plain data, so that a page that never checks pays nothing:
 *
 * - a text names a kind (see `isKind`) or another spec; `'a|b'` is one of these texts
 * - `[spec]` is a list of such values; `[one, 'two?']` is a list with a spec for each item, where those with a `?` may be
 *   missing
 * - an object with specs is an object with at least these keys; `'key?'` may be missing, and `'...'` names a spec that it must
 *   meet as well
 * - an object with `'@'` names the key under which the value has the name of the spec that it must meet
 */
export type Spec = string | readonly Spec[] | { readonly [key: string]: Spec }

/** The specs that have a name. */
export type Specs = Readonly<Record<string, Spec>>

/** The path where a value is not what it should be: `''` is the value itself; `undefined` when nothing is wrong. */
export function wrong(value: unknown, spec: Spec, names: Specs): string | undefined {
  if (typeof spec !== 'string')
    return Array.isArray(spec)
      ? wrongInList(value, spec as readonly Spec[], names)
      : wrongInObject(value, spec as Specs, names)
  const named = names[spec]
  if (named !== undefined) return wrong(value, named, names)
  return isKind(value, spec) ? undefined : ''
}

function wrongAt(key: string | number, value: unknown, spec: Spec, names: Specs): string | undefined {
  const path = wrong(value, spec, names)
  return path ? `${key}.${path}` : path === '' ? String(key) : undefined
}

function wrongInList(value: unknown, specs: readonly Spec[], names: Specs): string | undefined {
  if (!Array.isArray(value)) return ''
  const { length } = specs
  const least = specs.filter((it) => typeof it !== 'string' || !it.endsWith('?')).length
  if (length > 1 && (value.length > length || value.length < least)) return ''
  for (let at = 0; at < value.length; at++) {
    const path = wrongAt(at, value[at], specs[length > 1 ? at : 0] as Spec, names)
    if (path !== undefined) return path
  }
  return undefined
}

function wrongInObject(value: unknown, specs: Specs, names: Specs): string | undefined {
  if (typeof value !== 'object' || value === null) return ''
  const by = specs['@']
  if (typeof by === 'string') {
    const kind = own(value, by)
    if (typeof kind !== 'string' || kind === '@' || !Object.hasOwn(specs, kind)) return by
    return wrong(value, specs[kind] as Spec, names)
  }
  if (Array.isArray(value)) return ''
  for (const [key, spec] of Object.entries(specs)) {
    const name = key.replace('?', '')
    const inner = own(value, name)
    if (name !== key && inner === undefined) continue
    const path = key === '...' ? wrong(value, spec, names) : wrongAt(name, inner, spec, names)
    if (path !== undefined) return path
  }
  return undefined
}

function isKind(value: unknown, kind: string): boolean {
  switch (kind) {
    case 'any':
      return true
    case 'some':
      return value !== undefined
    case 'text':
      return typeof value === 'string'
    case 'flag':
      return typeof value === 'boolean'
    case 'time':
      return typeof value === 'number'
    case 'place':
      return Number.isSafeInteger(value)
    case 'count':
    case 'nth':
      return Number.isSafeInteger(value) && (value as number) >= (kind === 'nth' ? 1 : 0)
    case 'path':
      return isPath(value)
    default:
      return kind
        .replace('?', '')
        .split('|')
        .includes(value as string)
  }
}

function isPath(value: unknown): boolean {
  try {
    return (typeof value === 'string' || Array.isArray(value)) && toPath(value as string).text.length >= 0
  } catch {
    return false
  }
}

function own(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}
