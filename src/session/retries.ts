import type { Core } from './core'
import type { Waiting } from './model/model'
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
export function retriesOf({ levels, model: { run }, history, options: { clock } }: Core): DueRetry[] {
  if (run === undefined || run.end) return []
  const now = clock.now()
  return [...levels].flatMap((level) =>
    level.model.execs
      .values()
      // The time stays with an execution that is tried again: only its page knows that it is at work.
      .flatMap(({ id, step, attempt, retryAt = 0 }) => {
        if (retryAt <= now) return []
        return { step, attempts: attempt - 1, retryAt, error: errorOf(history.since(0), level.path, id) }
      }),
  )
}

/** What an execution has failed with last, on this line of the history. */
function errorOf(
  records: readonly SessionRecord[],
  path: readonly Waiting[],
  id: number,
): RecordedError | undefined {
  let undone = Infinity
  for (const record of [...records].reverse()) {
    if (record.seq > undone) continue
    if (record.kind === 'rewound') undone = record.to
    let body: RecordBody | undefined = record
    for (const { exec, point } of path)
      body =
        body?.kind === 'child' && body.exec === exec.id && body.key === point.key ? body.record : undefined
    if (body?.kind === 'attemptFailed' && body.exec === id) return body.error
  }
  return undefined
}
