import { isWhole } from './checksum'
import { mustBeWhole, unreadable } from './refusal'
import type { Serializer } from './serializer'
import type { StoredBatch } from './storage'

/** What was stored, as it was. */
export async function decoded(
  { data, sum }: Pick<StoredBatch, 'data' | 'sum'>,
  serializer: Serializer,
): Promise<unknown> {
  mustBeWhole(isWhole(data, sum), 'checksum')
  try {
    return await serializer.deserialize(data)
  } catch (error) {
    return unreadable('it cannot be decoded', error)
  }
}
