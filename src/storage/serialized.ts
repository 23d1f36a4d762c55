import type { Clock } from '../clock'
import type { Serializer } from './serializer'
import { withinLimit } from './time-limit'

interface Serializing {
  readonly serializer: Serializer
  readonly clock: Clock
  readonly timeout?: number
}

/** What is stored of a value. A serializer that waits for its key may wait for ever, and no flow must wait with it. */
export function serialized(
  { serializer, clock, timeout = 4000 }: Serializing,
  value: unknown,
  of: string,
): unknown {
  const made = serializer.serialize(value) as Promise<unknown> | undefined
  return made?.then ? withinLimit(clock, made, timeout, `serializing ${of}`) : made
}
