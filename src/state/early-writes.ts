import { Batch } from './batch'
import type { Node } from './node'
import type { Op } from './op'
import type { Keys } from './path-types'
import { isPromise } from './thenable'
import type { View } from './view'
import { Writes, type Call, type StoreParts } from './writes'

/** Makes operations anew, for the state at that time. */
export type Remake = () => readonly Op[]

type Again = (view: View) => readonly Op[]

/**
 * The writes of a session, which may come before it was read. Then they are kept as calls, and made anew for the state that
 * is found. Where that is not possible, a write keeps its operations.
 */
export class EarlyWrites extends Writes {
  readonly #early: () => Remake[] | undefined
  /** The calls that make the writes of the open batch anew. */
  #calls: Again[] = []

  /** `early`: the list for the calls, while the state is not known yet. */
  constructor(parts: StoreParts, early: () => Remake[] | undefined) {
    super(parts)
    this.#early = early
  }

  override noted(ops: readonly Op[], call: Call, path: string | Keys | Node, value: unknown): void {
    if (this.#early()) this.#rememberCall(ops, call, path, value)
  }

  /** A method of its own, so that a write that is not early makes nothing for it. */
  #rememberCall(ops: readonly Op[], call: Call, path: string | Keys | Node, value: unknown): void {
    const { initial, writer } = this.parts
    // Until then the caller may change what it has given. What `reset()` writes is known by its identity.
    const own = typeof value === 'object' && value !== initial() ? writer.copy(value, '') : value
    this.remember(ops, (view) => this.make(view, call, path, own))
  }

  override remember(ops: readonly Op[], make: (view: View) => readonly Op[] | Promise<readonly Op[]>): void {
    const early = this.#early()
    if (!early || ops.length === 0) return
    const again = (view: View): readonly Op[] => {
      try {
        const made = make(view)
        return isPromise(made) ? ops : made
      } catch {
        return ops
      }
    }
    if (this.open) this.#calls.push(again)
    else early.push(() => again(this.tree))
  }

  /** The writes of a batch that throws are not made anew either. */
  override batch<R>(run: () => R): R {
    const { length } = this.#calls
    try {
      return super.batch(run)
    } catch (error) {
      this.#calls.length = length
      throw error
    }
  }

  protected override ended(ops: readonly Op[]): void {
    const calls = this.#calls
    this.#calls = []
    this.remember(ops, () => {
      const again = new Batch(this.tree)
      for (const call of calls) again.put(call(again))
      return again.end()
    })
  }
}
