/** What was thrown, in words: its message, where it has one. Anything may be thrown, also what has no text. */
export function wordsOf(thrown: unknown): string {
  try {
    const { message } = Object(thrown) as { message?: unknown }
    return typeof message === 'string' ? message : String(thrown)
  } catch {
    return `an ${typeof thrown} without a text`
  }
}

/** A member of what was thrown: it may itself throw when it is looked at. */
export function memberOf(thrown: unknown, key: 'name' | 'code' | 'cause' | 'errors'): unknown {
  try {
    return (thrown as Record<string, unknown> | null)?.[key]
  } catch {
    return undefined
  }
}
