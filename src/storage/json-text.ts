import { isPlain } from './part'

/** The JSON text of a value. `refuse` is given what would not come back as it was. */
export function jsonText(value: unknown, refuse: (found: unknown) => never): string {
  // The replacer is given what `toJSON` made of the value, but what is in the object matters.
  return JSON.stringify(value, function (this: Record<string, unknown>, key) {
    const it = this[key]
    return isJson(it) || (it === undefined && key !== '' && !Array.isArray(this)) ? it : refuse(it)
  })
}

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean'
  return value === null || isPlain(value)
}
