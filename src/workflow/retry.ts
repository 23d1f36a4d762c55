import { amount, mistakes, whole, type Rule } from './number'

/**
 * How often a failed step is tried again, and when. A function returns the delay in milliseconds, or `undefined` to give
 * up.
 */
export type Retry = RetryPolicy | ((failure: Failure) => number | undefined)

/** How often a failed step is tried again, and when. Times in milliseconds. */
export interface RetryPolicy {
  /** At most so many tries in all; with 1 a failure is final. */
  readonly attempts: number
  /** Before the first retry. Default 0. */
  readonly delay?: number | undefined
  /** Each later delay is so many times as long as the one before it. Default 1. */
  readonly factor?: number | undefined
  /** No delay is longer. Default: no limit. */
  readonly maxDelay?: number | undefined
  /** Spreads a delay over 50 to 100 % of it. Default false. */
  readonly jitter?: boolean | undefined
  /** Which errors to retry. Default: all. */
  readonly retryIf?: ((error: unknown) => boolean) | undefined
}

/** A failed try: its number (from 1), the milliseconds since the first one began, and what it threw. */
export interface Failure {
  readonly attempt: number
  readonly elapsed: number
  readonly error: unknown
}

/** Milliseconds until the next attempt, or `undefined` when there is none. `random` gives 0 to 1. */
export function retryDelay(
  retry: Retry | undefined,
  failure: Failure,
  random: () => number,
): number | undefined {
  if (retry === undefined) return undefined
  if (typeof retry === 'function') return retry(failure)
  const { attempts, delay = 0, factor = 1, maxDelay = Infinity, jitter = false, retryIf } = retry
  if (failure.attempt >= attempts || (retryIf && !retryIf(failure.error))) return undefined
  const full = Math.min(delay * factor ** (failure.attempt - 1), maxDelay)
  return jitter ? full * (0.5 + random() / 2) : full
}

const rules: Readonly<Record<string, Rule>> = {
  attempts: whole,
  delay: amount,
  factor: amount,
  maxDelay: amount,
  jitter: ['', () => true],
  retryIf: ['a function', (it) => it === undefined || typeof it === 'function'],
}

/** What is wrong with a policy, in words. */
export function retryMistakes(retry: Retry | null | undefined): string[] {
  if (retry == null || typeof retry === 'function') return []
  const odd = Object.keys(retry).filter((it) => !Object.hasOwn(rules, it))
  const options = Object.keys(rules).join(', ')
  return [
    ...odd.map((it) => `retry.${it} is no option; they are ${options}`),
    ...mistakes(retry, rules, 'retry.'),
  ]
}
