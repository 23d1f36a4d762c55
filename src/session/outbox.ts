import type { Op } from '../state/op'
import { deferred, type Deferred } from './deferred'
import type { Answer, Asked } from './message'
import { rebuildError } from './recorded-error'

/** What this tab has asked of the executing one and has no answer to yet. */
export interface Pending extends Omit<Asked, 'kind'> {
  readonly at: number
  readonly done: Deferred<unknown>
  /** The epoch of the leader that was last asked. */
  askedOf: number
  /** Whether it must stay as it is. */
  sent: boolean
}

/**
 * The operations of one tab, in order, each until the tab that executes has stored it: through any number of
 * leaders, and when the tab itself becomes the leader.
 */
export class Outbox {
  readonly by: string
  #n = 0
  #pending: Pending[] = []

  constructor(by: string) {
    this.by = by
  }

  get pending(): readonly Pending[] {
    return this.#pending
  }

  add(call: string, args: readonly unknown[], seen: number, at: number): Pending {
    const entry = {
      by: this.by,
      n: ++this.#n,
      seen,
      call,
      args,
      at,
      done: deferred<unknown>(),
      askedOf: 0,
      sent: false,
    }
    this.#pending.push(entry)
    return entry
  }

  /** Writes in one burst are one operation. */
  write(ops: readonly Op[], seen: number, at: number): void {
    const last = this.#pending.at(-1)
    if (last?.call === 'write' && !last.sent) (last.args[0] as Op[]).push(...ops)
    else this.add('write', [[...ops]], seen, at)
  }

  /** The writes that are not in the records up to `n`. */
  *writes(n: number): Iterable<readonly Op[]> {
    for (const it of this.#pending) if (it.call === 'write' && it.n > n) yield it.args[0] as Op[]
  }

  answered({ n, value, error }: Pick<Answer, 'n' | 'value' | 'error'>): void {
    const entry = this.#pending.find((it) => it.n === n)
    if (entry === undefined) return
    this.#pending = this.#pending.filter((it) => it !== entry)
    if (error) entry.done.reject(rebuildError(error))
    else entry.done.resolve(value)
  }

  /** Answers may have been missed: everything is asked once more. */
  forget(): void {
    for (const entry of this.#pending) entry.askedOf = 0
  }

  /** The calls that will not be done, in words; what is asked of storage or of what is shown is nothing that is lost. */
  get undone(): string[] {
    return [...new Set(this.#pending.map((it) => it.call))].filter((it) => it !== 'flush')
  }

  /** What may be done by whoever executes later: the rest means something else by then. */
  get lasting(): Omit<Asked, 'kind'>[] {
    return this.#pending
      .filter(({ call }) => call === 'write' || call === 'reply' || call === 'send')
      .map(({ by, n, seen, call, args }) => ({ by, n, seen, call, args }))
  }

  /** Nobody will answer any more. */
  reject(why: () => Error): void {
    for (const { done } of this.#pending.splice(0)) done.reject(why())
  }
}
