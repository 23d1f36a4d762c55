import { SerializationError } from '../errors'
import { StorageError } from '../storage-errors'

/**
 * Turns a session's values into something that a storage can hold, and back. It gets and returns one whole stored value:
 * a list of records, or a snapshot. Both methods may be async (encryption, compression).
 */
export interface Serializer {
  /** Must not keep or change the value. */
  serialize(value: unknown): unknown
  /** Throws when `stored` cannot be read. The session is then refused and its bytes are set aside. */
  deserialize(stored: unknown): unknown
  /** Called at every write with the value and its path. Throws a SerializationError for what would not survive. */
  check?(value: unknown, path: string): void
}

/** Strict JSON text: the default. */
export const jsonSerializer: Serializer = {
  serialize(value) {
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) throw new SerializationError('the value', typeof value)
    return text
  },
  deserialize(stored) {
    if (typeof stored !== 'string') throw new StorageError('what is stored is not text')
    // The slow walk is for texts that may hold such a key, plainly or with escaped letters (which JSON.stringify
    // never writes).
    return /"(?:__proto__|constructor|prototype)"|\\u00[2-7]/.test(stored)
      ? JSON.parse(stored, refuseProto)
      : JSON.parse(stored)
  },
}

/** An own key of that name does no harm by itself, but the first `copy[key] = value` would follow it. */
function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__' || key === 'constructor' || key === 'prototype')
    throw new StorageError(`the stored text has a key "${key}"`)
  return value
}
