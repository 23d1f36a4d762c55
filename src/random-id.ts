const SIZE = 9
/** Drawn for many names at once: that is what costs. */
let drawn = /* @__PURE__ */ new Uint8Array()
let used = 0
const pairs: string[] = []
/** The parts of the name that is made; the same list for all. */
const parts: string[] = []

/** A name that is unique in the world. */
export function randomId(): string {
  // Not every page has crypto.randomUUID: plain http has none.
  if (used === drawn.length) {
    drawn = crypto.getRandomValues(new Uint8Array(SIZE * 128))
    used = 0
  }
  for (let at = 0; at < SIZE; at++) {
    const byte = drawn[used++]!
    parts[at] = pairs[byte] ??= byte.toString(36).padStart(2, '0')
  }
  // Joined: a text that grew piece by piece keeps its pieces, and is kept as long as its session.
  return parts.join('')
}
