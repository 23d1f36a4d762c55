import type { Clock } from '../clock'
import { Refusal } from '../storage/refusal'
import type { Outbox } from '../session/followers/outbox'
import type { LiveSession } from '../session/live-session'
import type { Meanwhile } from '../session/meanwhile'
import type { Found } from './finding'

/** Milliseconds until storage that has failed, or has not answered, is looked at again. */
const NEXT_LOOK = 30_000

/**
 * What silent storage answers in the end, however often it has to be asked: an answer may be lost for ever. Nothing when the session no longer waits for it. Throws the Refusal of what cannot be used.
 */
export async function lateAnswer(
  first: Promise<Found>,
  again: () => Promise<Found>,
  meanwhile: Meanwhile,
  clock: Clock,
): Promise<Found | undefined> {
  for (let finding = first; ; finding = again()) {
    const found = await new Promise<Found | undefined>((resolve, reject) => {
      const timer = clock.setTimeout(() => resolve(undefined), NEXT_LOOK)
      const rest = (meanwhile.onEnd = () => clock.clearTimeout(timer))
      finding.then(
        (answer) => {
          rest()
          resolve(answer)
        },
        (error: unknown) => {
          if (!(error instanceof Refusal)) return
          rest()
          reject(error)
        },
      )
    })
    if (meanwhile.over) return undefined
    if (found) return found
  }
}

/** What a tab had asked of its leader comes before what it has typed since storage is silent, as it was typed. */
export function typedLast({ core }: LiveSession, outbox: Outbox, arrive: () => void): void {
  const typed = outbox.isEmpty ? [] : (core.early?.splice(0) ?? [])
  arrive()
  for (const again of typed) core.write(again())
  if (typed.length > 0) core.mend()
}
