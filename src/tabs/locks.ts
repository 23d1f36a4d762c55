/** What Dogear needs of the Web Locks API; `navigator.locks` is one. */
export interface Locks {
  request(
    name: string,
    options: { readonly ifAvailable?: boolean; readonly steal?: boolean; readonly signal?: AbortSignal },
    callback: (lock: object | null) => unknown,
  ): Promise<unknown>
}

/** The page's own locks. Plain http pages have none, nor has Node 20. A page in a sandbox has them but cannot use them. */
export function pageLocks(): Locks | undefined {
  if (typeof navigator === 'undefined') return undefined
  return (navigator as { readonly locks?: Locks | null }).locks ?? undefined
}
