/** How long a session that nobody writes is kept, in milliseconds. */
export const EXPIRE_AFTER: number = 30 * 24 * 3600 * 1000
/** A session as old as that is no old session: a clock is wrong. */
const BEYOND_BELIEF = 20 * 365 * 24 * 3600 * 1000

/**
 * Whether a session is past its time. A clock that was set back, or far ahead, expires nothing: what is thrown away
 * because of a wrong clock is lost, what is kept too long is not.
 */
export function isExpired(
  { savedAt }: { readonly savedAt: number },
  now: number,
  expireAfter: number | undefined,
): boolean {
  const age = now - savedAt
  return expireAfter !== undefined && age > expireAfter && age < BEYOND_BELIEF
}
