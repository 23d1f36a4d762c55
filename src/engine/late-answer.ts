import type { Clock } from '../clock'
import { Refusal } from '../storage/refusal'
import type { Meanwhile } from '../session/meanwhile'
import type { Found } from './finding'

/** Milliseconds until storage that failed is looked at again. */
const NEXT_LOOK = 30_000

/**
 * What storage that was silent answers in the end, however often it has to be asked. Nothing when the session does not wait
 * for it any more. Throws the Refusal of what it cannot use.
 */
export async function lateAnswer(
  first: Promise<Found>,
  again: () => Promise<Found>,
  meanwhile: Meanwhile,
  clock: Clock,
): Promise<Found | undefined> {
  for (let finding = first; ; finding = again()) {
    try {
      const found = await finding
      return meanwhile.over ? undefined : found
    } catch (error) {
      if (meanwhile.over) return undefined
      if (error instanceof Refusal) throw error
    }
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, NEXT_LOOK)
      meanwhile.onEnd = () => clock.clearTimeout(timer)
    })
  }
}
