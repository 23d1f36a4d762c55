import { StorageError } from '../../storage-errors'
import { jsonText } from '../json-text'

/** What a storage of text keeps of a value. Throws a StorageError for what would not come back as it was. */
export function keptText(value: unknown): string {
  return jsonText(value, (found) => {
    throw new StorageError(
      `this storage keeps text, and cannot hold a ${kindOf(found)}: use a serializer that returns text`,
    )
  })
}

function kindOf(value: unknown): string {
  return typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value
}
