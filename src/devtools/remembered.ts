const KEY = 'dogear-inspector'

/** Whether the inspector was open when the page was left: it looks on through a reload. */
export function isRemembered(): boolean {
  return sessionOf()?.getItem(KEY) === 'open'
}

export function remember(open: boolean): void {
  if (open) sessionOf()?.setItem(KEY, 'open')
  else sessionOf()?.removeItem(KEY)
}

/** A page without cookies has none, and says so by throwing. */
function sessionOf(): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    return undefined
  }
}
