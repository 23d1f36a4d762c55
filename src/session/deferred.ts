/** A promise with its two ends. Nobody has to wait for it: a rejection that no one hears is no crash. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

export function deferred<T>(): Deferred<T> {
  let resolve!: Deferred<T>['resolve']
  let fail!: Deferred<T>['reject']
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    fail = no
  })
  const reject = (error: Error): void => {
    // Only now: most are never rejected, and a second promise for each costs as much as the first.
    promise.catch(() => {})
    fail(error)
  }
  return { promise, resolve, reject }
}

/** For callers who must hear nothing any more. */
export function never<T>(): Promise<T> {
  return new Promise(() => {})
}
