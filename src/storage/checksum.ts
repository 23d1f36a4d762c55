const encoder = new TextEncoder()

/**
 * A 32-bit checksum of a text, to notice damage; no protection against intent. Each round is a bijection of the
 * hash, so one changed word always shows; the length is hashed in. Words of four bytes, because character by
 * character it would take half as long as making the text does.
 */
export function checksum(text: string): number {
  const bytes = encoder.encode(text)
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2)
  const { length } = words
  let hash = bytes.length
  for (let at = 0; at < length; at++) hash = mixed(hash ^ words[at]!)
  for (let at = length << 2; at < bytes.length; at++) hash = mixed(hash ^ bytes[at]!)
  return hash >>> 0
}

/** The shift carries the high bits down, which no multiplication does. */
function mixed(hash: number): number {
  const product = Math.imul(hash, 0x9e3779b1)
  return product ^ (product >>> 15)
}
