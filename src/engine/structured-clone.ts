import { SerializationError } from '../errors'
import { StorageError } from '../storage-errors'
import { classOf, copyKeeping } from '../state/json'
import type { Serializer } from '../storage/serializer'

/**
 * For sessions whose state holds more than JSON: dates, maps, sets, big integers, files, blobs, typed arrays, and whatever
 * else IndexedDB can hold. Such a session has no `toJSON()`; use `engine.export(id)`. A map, set or date is one value: set
 * a new one, because a change in place is neither shown nor stored, not even in an `edit`.
 *
 * ```ts
 * const session = await engine.open(upload, { serializer: structuredCloneSerializer })
 * session.state.set('file', input.files?.[0])
 * ```
 */
export const structuredCloneSerializer: Serializer = {
  // Before the transaction opens: a value that cannot be cloned must not take the others down with it.
  serialize: (value) => structuredClone(value),
  deserialize(stored) {
    refuseProto(stored)
    return stored
  },
  check: (value, path) => check(value, path, []),
}

/** `outer`: the maps and sets that hold the value. */
function check(value: unknown, path: string, outer: readonly unknown[]): void {
  copyKeeping((it) => keeps(it, path, outer))(value, path)
}

/** Tags of the platform's own values, which a clone keeps whole. */
const PLATFORM =
  /^(?:Date|RegExp|Blob|File|FileList|ImageData|ImageBitmap|CryptoKey|ArrayBuffer|DataView|\w+Array)$/

function keeps(value: unknown, path: string, outer: readonly unknown[]): boolean {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint' || typeof value === 'number'
  if (value instanceof Map || value instanceof Set) {
    if (outer.includes(value)) throw new SerializationError(path, 'a cycle')
    const inner = [...(value as Iterable<unknown>)].flat(value instanceof Map ? 1 : 0)
    for (const it of inner) check(it, path, [...outer, value])
  } else if (!PLATFORM.test(Object.prototype.toString.call(value).slice(8, -1))) return false
  // Nothing tells a proxy from what it stands for, or that a buffer was given away. Stored later, it would hold up all else.
  try {
    if (!outer.length) structuredClone(value)
  } catch (error) {
    // Where structuredClone is missing, as in Jest's jsdom, the session goes on in memory.
    if ((error as Error).name === 'DataCloneError')
      throw new SerializationError(path, `${classOf(value)} that cannot be cloned`)
  }
  return true
}

/** An own key of that name does no harm by itself, but the first `copy[key] = value` would follow it. */
function refuseProto(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const key of ['__proto__', 'prototype', 'constructor'])
    if (Object.hasOwn(value, key)) throw new StorageError(`what is stored has a key "${key}"`)
  const inner =
    value instanceof Map || value instanceof Set ? [...(value as Iterable<unknown>)] : Object.values(value)
  if (!ArrayBuffer.isView(value)) for (const it of inner) refuseProto(it)
}
