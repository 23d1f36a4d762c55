import type { Schema } from '../state/standard-schema'
import { anything, defineEvent, type EventFactory } from './event'

/** The effect of a `once` that was begun and whose outcome nobody knows. */
export interface UnknownEffect {
  readonly step: string
  /** The key that the step gave to `once`. */
  readonly key: string
  /** The key that the effect was called with, so that you can ask the server what became of it. */
  readonly idempotencyKey: string
}

/** What became of an effect: `rerun` runs it again with the same key, `value` is its result. */
export type KnownOutcome = { readonly rerun: true } | { readonly value: unknown }

const outcome: Schema<KnownOutcome> = {
  '~standard': {
    version: 1,
    vendor: 'dogear',
    validate: (value) =>
      typeof value === 'object' && value !== null && ('value' in value || isRerun(value))
        ? { value }
        : { issues: [{ message: 'it is { rerun: true }, or { value } with the result of the effect' }] },
  },
}

/** What may be done about such an effect, in words. */
export const outcomes = '"rerun", "ask" or "fail"'

export function isOutcome(policy: string): boolean {
  return ['rerun', 'ask', 'fail'].includes(policy)
}

/** Whether the effect is to run again. */
export function isRerun(known: unknown): boolean {
  return (known as { rerun?: unknown }).rerun === true
}

/** The answer to {@link OutcomeUnknown}. */
export const OutcomeKnown: EventFactory<
  'outcomeKnown',
  KnownOutcome,
  KnownOutcome,
  undefined,
  Schema<KnownOutcome>
> = /* @__PURE__ */ defineEvent('outcomeKnown', outcome)

/**
 * Asks what became of an effect that was cut off when the page was left. With `onUnknownOutcome: 'ask'` it is among
 * `session.asks`, and is answered like any other ask: with `{ rerun: true }`, or with `{ value }` in place of the result.
 * Steps need not declare it; a step that has it in its `asks` gives `session.asks` its types.
 *
 * ```ts
 * const ask = session.asks.find((it) => it.type === OutcomeUnknown.type)
 * await ask?.reply({ value: await payments.find(ask.data.idempotencyKey) })
 * ```
 */
export const OutcomeUnknown: EventFactory<
  'outcomeUnknown',
  UnknownEffect,
  UnknownEffect,
  typeof OutcomeKnown,
  Schema<UnknownEffect>
> = /* @__PURE__ */ defineEvent('outcomeUnknown', anything as Schema<UnknownEffect>, { reply: OutcomeKnown })
