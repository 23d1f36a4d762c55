import { StorageError } from '../storage-errors'
import { isPlain } from './part'

/** The JSON text of a value, for storages of text. Throws a StorageError for what would not come back as it was. */
export function jsonText(value: unknown): string {
  // The replacer is given what `toJSON` made of the value, but what is in the object matters.
  return JSON.stringify(value, function (this: Record<string, unknown>, key) {
    const it = this[key]
    if (!isJson(it) && !(it === undefined && key !== '' && !Array.isArray(this))) {
      throw new StorageError(
        `this storage keeps text, and cannot hold a ${kindOf(it)}: use a serializer that returns text`,
      )
    }
    return it
  })
}

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean'
  return value === null || isPlain(value)
}

function kindOf(value: unknown): string {
  return typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value
}
