/** About how large a serialized value is: exact for text and binary data. */
export function sizeOf(data: unknown): number {
  const { length, byteLength } = Object(data) as { length?: unknown; byteLength?: unknown }
  return Number(length ?? byteLength) || 0
}
