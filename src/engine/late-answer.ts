import type { Clock } from '../clock'
import { Refusal } from '../storage/refusal'
import type { Outbox } from '../session/followers/outbox'
import type { LiveSession } from '../session/live-session'
import type { Meanwhile } from '../session/meanwhile'
import type { Found } from './finding'

/** Milliseconds until storage that failed is looked at again. */
const NEXT_LOOK = 30_000

/**
 * What silent storage answers in the end, however often it has to be asked. Nothing when the session no longer waits for
 * it. Throws the Refusal of what cannot be used.
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

/** What a tab had asked of its leader comes before what it has typed since storage is silent, as it was typed. */
export function typedLast({ core }: LiveSession, outbox: Outbox, arrive: () => void): void {
  const typed = outbox.isEmpty ? [] : (core.early?.splice(0) ?? [])
  arrive()
  for (const again of typed) core.write(again())
  if (typed.length > 0) core.mend()
}
