import type { Entry } from '../model/model'

/** Whether the entry is a result, which comes to the step in its turn. */
export function isResult(
  entry: Entry,
): entry is Extract<Entry, { key: string }> & { kind: 'done' | 'answered' } {
  return entry.kind === 'done' || entry.kind === 'answered'
}

/** Whether the entry is the step's own doing. A private write was stored without its operations: a re-run makes it anew. */
export function isAct(entry: Entry): boolean {
  const { kind } = entry
  return (
    (entry.kind === 'wrote' && entry.ops.length > 0) ||
    (kind === 'sent' && !('old' in entry)) ||
    kind === 'opened' ||
    kind === 'flow'
  )
}

/**
 * Whether the entry was made at the moment in which the step did it. A live send is not: it goes out with the point after
 * it. Neither is a write to flow state, which is recorded when it is kept.
 */
export function hasMoment({ kind }: Entry): boolean {
  return kind !== 'sent' && kind !== 'flow'
}

export function inWords(entry: Entry): string {
  switch (entry.kind) {
    case 'wrote':
      return `the write to ${entry.ops.map((op) => (op[0] === 'replace' ? 'the state' : String(op[1]))).join(', ')}`
    case 'flow':
      return `the write to flow state ${entry.key.slice('flow:'.length)}`
    case 'sent':
      return `the send of "${entry.event.type}"`
    default:
      return 'key' in entry ? `the point ${entry.key}` : entry.kind
  }
}
