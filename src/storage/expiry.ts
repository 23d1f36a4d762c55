/** How long a session that nobody writes is kept, in milliseconds: 30 days. */
export const EXPIRE_AFTER: number = 2_592_000_000
/** A session as old as that, twenty years, is no old session: a clock is wrong. */
const BEYOND_BELIEF = 630_720_000_000

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
