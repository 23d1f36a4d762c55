import type { Core } from './core'
import { goesOn } from './model/model'
import type { RecordBody, RecordedError, SessionRecord } from './model/record'

/** A step that has failed, and is tried again when it is due. */
export interface DueRetry {
  readonly step: string
  /** How often it was tried so far. */
  readonly attempts: number
  /** When it is tried again; milliseconds since 1970. */
  readonly retryAt: number
  /** What it failed with last. `undefined` once the history does not go back that far. */
  readonly error: RecordedError | undefined
}

/** The steps in back-off, those of sub-flows after the workflow's own. */
export function retriesOf({ levels, model, history, options, remote }: Core): DueRetry[] {
  if (!goesOn(model)) return []
  // Only its page knows which of them is at work: one that is due may wait for a worker. Elsewhere the time tells.
  const now = remote && !model.paused ? options.clock.now() : 0
  let errors: ReadonlyMap<string, RecordedError> | undefined
  return [...levels].flatMap(({ model: { execs }, path, attempts }) =>
    execs
      .values()
      // The time stays with an execution that is tried again.
      .flatMap((exec) => {
        const { id, step, attempt, retryAt = 0 } = exec
        if (retryAt <= now || attempts.get(id)?.exec === exec) return []
        // Once for all of them, and not for each of a thousand branches.
        errors ??= lastErrors(history.since(0))
        const place = [...path.flatMap((it) => [it.exec.id, it.point.key]), id]
        return { step, attempts: attempt - 1, retryAt, error: errors.get(JSON.stringify(place)) }
      }),
  )
}

/** What each execution has failed with last, on this line of the history, by its place in the session. */
function lastErrors(records: readonly SessionRecord[]): Map<string, RecordedError> {
  const errors = new Map<string, RecordedError>()
  let undone = Infinity
  for (const record of [...records].reverse()) {
    if (record.seq > undone) continue
    if (record.kind === 'rewound') undone = record.to
    const place: unknown[] = []
    let body: RecordBody = record
    for (; body.kind === 'child'; body = body.record) place.push(body.exec, body.key)
    if (body.kind !== 'attemptFailed') continue
    const key = JSON.stringify([...place, body.exec])
    if (!errors.has(key)) errors.set(key, body.error)
  }
  return errors
}
