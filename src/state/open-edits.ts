/** The newest of the asynchronous edits that are open; each waits for those before it. None of these promises rejects. */
export interface OpenEdits {
  steps?: Promise<unknown> | undefined
  /** Writes of steps do not wait for these. */
  outside?: Promise<unknown> | undefined
}

/** What an edit that is called now has to wait for. */
export function before({ steps, outside }: OpenEdits): Promise<unknown> | undefined {
  return steps && outside ? Promise.all([steps, outside]) : (steps ?? outside)
}

/** The next edits wait for this one until it has ended. */
export function queue(edits: OpenEdits, whose: keyof OpenEdits, ended: Promise<unknown>): void {
  edits[whose] = ended
  // It is the first to wait for the end, so it runs right before the others.
  void ended.then(() => edits[whose] === ended && (edits[whose] = undefined))
}
