import { nextTask } from '../clock'

/** Who writes what a burst of work has brought. */
interface Writing {
  write(): void
}

const waiting = new Set<Writing>()
/** Who has come last comes again, with most records. */
let last: Writing | undefined
let planned = false

/** At the end of the burst: a chain of steps that runs through in one go becomes one batch. One task for all sessions. */
export function afterBurst(one: Writing): void {
  if (one === last) return
  last = one
  waiting.add(one)
  if (planned) return
  planned = true
  nextTask(writeAll)
}

/** It has nothing to write any more: who closes a thousand sessions in one go keeps none of them until the end of it. */
export function forget(one: Writing): void {
  waiting.delete(one)
  if (one === last) last = undefined
}

/** Whether its burst is not over. */
export function isInBurst(one: Writing): boolean {
  return waiting.has(one)
}

function writeAll(): void {
  const all = [...waiting]
  waiting.clear()
  planned = false
  last = undefined
  for (const one of all) one.write()
}
