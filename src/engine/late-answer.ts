import type { Clock } from '../clock'
import { Refusal } from '../storage/refusal'
import type { Meanwhile } from '../session/meanwhile'
import type { Found } from './finding'

/** Milliseconds until storage that has failed, or has not answered, is looked at again. Each look without an answer doubles them. */
const NEXT_LOOK = 30_000

/**
 * What silent storage answers in the end, however often it has to be asked: an answer may be lost for ever. Nothing when the
 * session no longer waits for it. Throws the Refusal of what cannot be used.
 */
export async function lateAnswer(
  first: Promise<Found>,
  again: () => Promise<Found>,
  meanwhile: Meanwhile,
  clock: Clock,
): Promise<Found | undefined> {
  let wait = NEXT_LOOK
  for (let finding = first; ; finding = again()) {
    let next = wait * 2
    const found = await new Promise<Found | undefined>((resolve, reject) => {
      const timer = clock.setTimeout(() => resolve(undefined), wait)
      const rest = (meanwhile.onEnd = () => clock.clearTimeout(timer))
      finding.then(
        (answer) => {
          rest()
          resolve(answer)
        },
        (error: unknown) => {
          next = NEXT_LOOK
          if (!(error instanceof Refusal)) return
          rest()
          reject(error)
        },
      )
    })
    if (meanwhile.over) return undefined
    if (found) return found
    // Where every answer takes longer than this, none would ever be taken.
    wait = next
  }
}
