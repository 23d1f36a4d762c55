/** A name that is unique in the world. */
export function randomId(): string {
  // Not every page has crypto.randomUUID: plain http has none.
  const bytes = crypto.getRandomValues(new Uint8Array(9))
  return Array.from(bytes, (it) => it.toString(36).padStart(2, '0')).join('')
}
