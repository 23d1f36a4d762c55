import type { Clock } from '../clock'
import { TimeoutError } from '../errors'

/**
 * `promise`, or a rejection with a TimeoutError of scope `storage` after `ms` milliseconds. The promise itself
 * goes on: hold on to it where a late answer matters.
 */
export function withinLimit<T>(clock: Clock, promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(new TimeoutError('storage', what, ms)), ms)
    // A storage over something synchronous may return the answer itself, without a promise.
    Promise.resolve(promise).then(
      (value) => {
        clock.clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clock.clearTimeout(timer)
        reject(error)
      },
    )
  })
}
