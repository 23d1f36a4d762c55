/**
 * A 32-bit checksum of a text, to notice damage; no protection against intent. Every single changed character
 * changes it (each round is a bijection of the hash), and so does the length, which is hashed in.
 *
 * 1.4 ms for a million characters. Encoding to bytes and hashing words is three times as fast in Node, and three
 * times as slow in Chromium, whose TextEncoder takes 4 ms.
 */
export function checksum(text: string): number {
  // A page that comes back runs this once, before anything of it is compiled: every look-up counts.
  const { imul } = Math
  const { length } = text
  let hash = 0x811c9dc5 ^ length
  for (let at = 0; at < length; at++) hash = imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** The checksum of what a serializer has made, when that is text; else 0. */
export function sumOf(data: unknown): number {
  return typeof data === 'string' ? checksum(data) : 0
}

/** Whether stored data are as they were; of what is no text nobody can say. */
export function isWhole(data: unknown, sum: unknown): boolean {
  return typeof data !== 'string' || checksum(data) === sum
}
