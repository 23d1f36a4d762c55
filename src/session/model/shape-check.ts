import { toPath } from '../../state/path'

/**
 * What a value must be, as plain data, so that a page that never checks pays nothing:
 *
 * - a text names a kind (see `isKind`) or another spec; `'a|b'` is one of these texts
 * - `[spec]` is a list of such values; `[one, 'two?']` is a list with a spec for each item, where those with a `?` may be
 *   missing
 * - an object with specs is an object with at least these keys; `'key?'` may be missing, and `'...'` names specs that it must
 *   meet as well
 * - an object with `'@'` names the key under which the value has the name of the spec that it must meet
 */
export type Spec = string | readonly Spec[] | { readonly [key: string]: Spec }

/** The specs that have a name. */
export type Specs = Readonly<Record<string, Spec>>

/** The path where a value is not what it should be: `''` is the value itself; `undefined` when nothing is wrong. */
export function wrong(value: unknown, spec: Spec, names: Specs): string | undefined {
  if (typeof spec === 'string') {
    const named = names[spec]
    return named === undefined ? (isKind(value, spec) ? undefined : '') : wrong(value, named, names)
  }
  const parts = partsOf(value, spec, names)
  if (typeof parts === 'string') return parts
  for (const [key, part, must] of parts) {
    const path = wrong(part, must, names)
    if (path !== undefined) return path === '' ? key : `${key}.${path}`
  }
  return undefined
}

type Part = readonly [key: string, value: unknown, spec: Spec]

function listParts(value: unknown, specs: readonly Spec[]): readonly Part[] | '' {
  if (!Array.isArray(value)) return ''
  const only = specs.length === 1 ? (specs[0] as Spec) : undefined
  const least = specs.filter((it) => typeof it !== 'string' || !it.endsWith('?')).length
  if (only === undefined && (value.length > specs.length || value.length < least)) return ''
  return value.map((it, index) => [String(index), it, only ?? (specs[index] as Spec)])
}

function objectParts(value: unknown, specs: Specs, names: Specs): readonly Part[] | string {
  if (typeof value !== 'object' || value === null) return ''
  const by = specs['@']
  if (typeof by === 'string') {
    const kind = own(value, by)
    if (typeof kind !== 'string' || kind === '@' || !Object.hasOwn(specs, kind)) return by
    return partsOf(value, specs[kind] as Spec, names)
  }
  if (Array.isArray(value)) return ''
  const found: Part[] = []
  for (const [key, spec] of Object.entries(specs)) {
    if (key === '...')
      for (const name of spec as readonly string[]) {
        const parts = partsOf(value, name, names)
        if (typeof parts === 'string') return parts
        found.push(...parts)
      }
    else {
      const name = key.replace('?', '')
      const inner = own(value, name)
      if (name === key || inner !== undefined) found.push([name, inner, spec])
    }
  }
  return found
}

function partsOf(value: unknown, spec: Spec, names: Specs): readonly Part[] | string {
  if (typeof spec === 'string') return partsOf(value, names[spec] as Spec, names)
  return Array.isArray(spec)
    ? listParts(value, spec as readonly Spec[])
    : objectParts(value, spec as Specs, names)
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
      return Number.isSafeInteger(value) && (value as number) >= 0
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
