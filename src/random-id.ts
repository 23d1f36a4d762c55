const SIZE = 18
const LETTERS = '0123456789abcdefghijklmnopqrstuv'
/** Drawn for many names at once: that is what costs. */
let drawn = /* @__PURE__ */ new Uint8Array()
let used = 0
/** The letters of the name that is made; the same list for all. */
const codes: number[] = []

/** A name that is unique in the world. */
export function randomId(): string {
  // Not every page has crypto.randomUUID: plain http has none.
  if (used === drawn.length) {
    drawn = crypto.getRandomValues(new Uint8Array(SIZE * 128))
    used = 0
  }
  for (let at = 0; at < SIZE; at++) codes[at] = LETTERS.charCodeAt(drawn[used++]! & 31)
  // At once: a text that grew piece by piece keeps its pieces, and is kept as long as its session.
  return String.fromCharCode(...codes)
}
