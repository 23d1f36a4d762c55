import { nextTask } from '../clock'

/** Who writes what a burst of work has brought. */
interface Writing {
  write(): void
}

const waiting = new Set<Writing>()
/** The one that came last, which mostly comes again with the next record. */
let last: Writing | undefined
let planned = false

/** Writes at the end of the burst, so that a chain of steps in one go becomes one batch. One task serves all sessions. */
export function afterBurst(one: Writing): void {
  if (one === last) return
  last = one
  waiting.add(one)
  if (planned) return
  planned = true
  nextTask(writeAll)
}

/** Apart from whoever calls it, because a closure costs each call of what it is made in, also those that do not come to it. */
export function writeSoon(one: Writing): void {
  queueMicrotask(() => one.write())
}

/** It has nothing more to write. So a thousand sessions that are closed in one go are not kept until the end of the burst. */
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
