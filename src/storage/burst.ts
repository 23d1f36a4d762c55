import { nextTask, soon } from '../clock'

/** Writes the records of a burst of work at its end. */
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

/** A function of its own, because a closure would cost every call of the function it is made in. */
export function writeSoon(one: Writing): void {
  soon(() => one.write())
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
