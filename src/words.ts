/** What was thrown, in words: its message, where it has one. Anything may be thrown, also what has no text. */
export function wordsOf(thrown: unknown): string {
  try {
    const { message } = Object(thrown) as { message?: unknown }
    return typeof message === 'string' ? message : String(thrown)
  } catch {
    return `an ${typeof thrown} without a text`
  }
}
