/** Whether a value can be awaited. For what users return: not every promise is one of the platform. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}

/**
 * Whether a value is a promise. Where a library has replaced `Promise`, as zone.js does, those of async functions are of another
 * class. A client may answer to any name, also to `then`: it is none.
 */
export function isPromise(value: unknown): value is Promise<unknown> {
  return (
    value instanceof Promise ||
    (value as Partial<Promise<unknown>> | null | undefined)?.[Symbol.toStringTag] === 'Promise'
  )
}
