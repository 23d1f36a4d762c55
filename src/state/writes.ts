import { Batch } from './batch'
import type { Node } from './node'
import type { Op } from './op'
import type { Keys } from './path-types'
import type { Tree } from './tree'
import type { View } from './view'
import type { Writer } from './writer'

export interface StoreParts {
  readonly tree: Tree
  readonly writer: Writer
  /** Makes operations real: records and applies them, then tells the subscribers. */
  readonly commit: (ops: readonly Op[]) => void
  /** While the state is not known yet: who makes the writes anew when it is. */
  readonly early?: () => Remake[] | undefined
  /** What the state belongs to. When that is another one at the end of an edit, the recipe runs again on it. */
  readonly base?: () => unknown
  readonly initial: () => unknown
  /**
   * Whether a write that changes nothing is a write all the same: somebody else's before it may still be taken out
   * again. Default: never.
   */
  readonly always?: () => boolean
}

/** Makes operations anew, for the state as it is by then. */
export type Remake = () => readonly Op[]

type Again = (view: View) => readonly Op[]
type Call = 'set' | 'append' | 'delete' | 'replace'

/** The writes of a store, and its open batch. */
export class Writes {
  readonly #parts: StoreParts
  #open: Batch | undefined
  /** How the writes of the open batch are made anew. */
  #calls: Again[] = []
  /** Why there may be no write just now. */
  blocked: (() => Error) | undefined

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  get tree(): Tree {
    return this.#parts.tree
  }

  /** What a read sees: in a batch, with what it has written. */
  get view(): View {
    return this.#open ?? this.#parts.tree
  }

  put(call: Call, path: string | Keys | Node, value?: unknown): void {
    const op = this.#make(this.view, call, path, value)
    if (op === undefined) return
    if (this.#parts.early?.()) this.#rememberCall(op, call, path, value)
    this.land([op])
  }

  /** The operation of a call; none while writes are blocked. */
  #make(view: View, call: Call, input: string | Keys | Node, value: unknown): Op | undefined {
    if (this.blocked) throw this.blocked()
    const { tree, writer, always } = this.#parts
    const path = tree.named(input)
    if (call === 'set') return writer.set(view, path, value, always?.())
    if (call === 'append') return writer.append(view, path, value)
    return call === 'delete' ? writer.delete(view, path, always?.()) : writer.replace(view, value)
  }

  batch<R>(run: () => R): R {
    if (this.#open !== undefined) return run()
    const open = (this.#open = new Batch(this.#parts.tree))
    const calls = (this.#calls = [] as Again[])
    let result: R
    let ops = none
    try {
      result = run()
    } finally {
      this.#open = undefined
      ops = open.end()
    }
    this.remember(ops, () => {
      const again = new Batch(this.#parts.tree)
      for (const call of calls) again.put(call(again))
      return again.end()
    })
    this.land(ops)
    return result
  }

  /** Makes operations real, at once or at the end of the batch. */
  land(ops: readonly Op[]): void {
    if (ops.length === 0) return
    if (this.#open === undefined) this.#parts.commit(ops)
    else this.#open.put(ops)
  }

  /** Apart, so that a write which is not early makes nothing for it. */
  #rememberCall(op: Op, call: Call, path: string | Keys | Node, value: unknown): void {
    this.remember([op], (view) => {
      const made = this.#make(view, call, path, value)
      return made ? [made] : none
    })
  }

  /** An early write is made anew for the state that is read; where that is impossible, it is what it was. */
  remember(ops: readonly Op[], make: (view: View) => readonly Op[] | Promise<readonly Op[]>): void {
    const early = this.#parts.early?.()
    if (!early || ops.length === 0) return
    const again = (view: View): readonly Op[] => {
      try {
        const made = make(view)
        return made instanceof Promise ? ops : made
      } catch {
        return ops
      }
    }
    if (this.#open) this.#calls.push(again)
    else early.push(() => again(this.#parts.tree))
  }
}

export const none: readonly Op[] = []
