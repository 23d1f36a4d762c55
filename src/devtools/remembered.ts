const KEY = 'dogear-inspector'

/** Whether the inspector was open when the page was left: it looks on through a reload. */
export function isRemembered(): boolean {
  return tried((it) => it.getItem(KEY)) === 'open'
}

export function remember(open: boolean): void {
  tried((it) => (open ? it.setItem(KEY, 'open') : it.removeItem(KEY)))
}

/** A page without cookies has none, and a full one takes nothing more: both say so by throwing. */
function tried<T>(call: (storage: Storage) => T): T | undefined {
  try {
    return call(sessionStorage)
  } catch {
    return undefined
  }
}
