import { checkArgument } from './argument'
import { Batch } from './batch'
import type { Node } from './node'
import type { Op } from './op'
import type { Path } from './path'
import type { Keys } from './path-types'
import type { Tree } from './tree'
import type { View } from './view'
import type { Writer } from './writer'

export interface StoreParts {
  readonly tree: Tree
  readonly writer: Writer
  /** Makes operations real: records and applies them, then tells the subscribers. */
  readonly commit: (ops: readonly Op[]) => void
  /** What the state belongs to. When that has changed at the end of an edit, the recipe runs again on the new one. */
  readonly base?: () => unknown
  readonly initial: () => unknown
  /**
   * Whether a write that changes nothing is recorded all the same, because somebody else's write before it may still be taken
   * out again. Default: never.
   */
  readonly always?: () => boolean
  /** Takes a write apart that the schema has made larger. Default: it is recorded whole. */
  readonly apart?: (op: Op, asked: Path, view: View, call: Call) => Ops
}

export type Call = 'set' | 'append' | 'delete' | 'replace'
type Ops = readonly Op[]

/** The writes of a store, and its open batch. */
export class Writes {
  readonly parts: StoreParts
  protected open: Batch | undefined
  /** Why there may be no write just now. */
  blocked: (() => Error) | undefined

  constructor(parts: StoreParts) {
    this.parts = parts
  }

  get tree(): Tree {
    return this.parts.tree
  }

  /** What a read sees; in a batch, with the writes of the batch. */
  get view(): View {
    return this.open ?? this.parts.tree
  }

  put(call: Call, path: string | Keys | Node, value?: unknown): void {
    const ops = this.make(this.view, call, path, value)
    if (ops.length === 0) return
    this.noted?.(ops, call, path, value)
    this.land(ops)
  }

  /** The operations of a call; it throws while writes are blocked. */
  protected make(view: View, call: Call, input: string | Keys | Node, value: unknown): Ops {
    if (this.blocked) throw this.blocked()
    const { tree, apart } = this.parts
    const path = tree.named(input)
    const op = this.#op(view, call, path, value)
    if (op === undefined) return none
    const isWhole = op[0] === call || (call === 'set' && op[1] === path.id)
    return isWhole || !apart ? [op] : apart(op, path, view, call)
  }

  #op(view: View, call: Call, path: Path, value: unknown): Op | undefined {
    const { writer, always, initial } = this.parts
    if (call === 'set') return writer.set(view, path, value, always?.())
    if (call === 'append') return writer.append(view, path, value)
    if (call === 'delete') return writer.delete(view, path, always?.())
    if (value === view.peek(path) && !always?.()) return undefined
    // What reset() writes is no copy: another one finds it there, and changes nothing.
    return writer.replace(view, value, value === initial() ? value : undefined)
  }

  batch<R>(run: () => R): R {
    checkArgument('batch()', run, 'function')
    if (this.open !== undefined) return this.open.within(run)
    const open = (this.open = new Batch(this.tree))
    let result: R
    let ops: Ops
    try {
      result = run()
    } finally {
      this.open = undefined
      ops = open.end()
    }
    this.ended?.(ops)
    this.land(ops)
    return result
  }

  /** Makes operations real, at once or at the end of the batch. */
  land(ops: Ops): void {
    if (ops.length === 0) return
    if (this.open === undefined) this.parts.commit(ops)
    else this.open.put(ops)
  }

  /** A hook for subclasses that may have to make the same write anew. */
  protected noted?(ops: Ops, call: Call, path: string | Keys | Node, value: unknown): void

  remember?(ops: Ops, make: (view: View) => Ops | Promise<Ops>): void

  protected ended?(ops: Ops): void
}

export const none: Ops = []
