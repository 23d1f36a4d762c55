/** How long a session that nobody writes is kept, in milliseconds: 30 days. */
export const EXPIRE_AFTER: number = 2_592_000_000
/** Twenty years: a session that looks as old as that is not old, but a clock is wrong. */
const BEYOND_BELIEF = 630_720_000_000

/**
 * Whether a session is past its time. A clock that was set back, or far ahead, expires nothing: what a wrong clock throws away
 * is lost, what it keeps too long is not.
 */
export function isExpired(
  { savedAt }: { readonly savedAt: number },
  now: number,
  expireAfter: number | undefined,
): boolean {
  const age = now - savedAt
  return expireAfter !== undefined && age > expireAfter && age < BEYOND_BELIEF
}
