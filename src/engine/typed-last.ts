import type { LiveSession } from '../session/live-session'

/**
 * What this tab had asked of its leader, and what tabs that were left had asked (`isAsked`), comes before what was typed here
 * while the session was being read, as it was typed.
 */
export function typedLast({ core }: LiveSession, isAsked: boolean, arrive: () => void): void {
  const typed = isAsked ? (core.early?.splice(0) ?? []) : []
  arrive()
  for (const again of typed) core.write(again())
  if (typed.length > 0) core.mend()
}
