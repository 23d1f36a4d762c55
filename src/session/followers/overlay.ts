import type { Op } from '../../state/op'
import { sameContent } from '../../state/same'
import { bringObjects, share } from '../../state/sharing'
import type { Core } from '../core'
import type { News } from './message'
import type { Outbox } from './outbox'

/**
 * What a follower shows on top of the recorded state: its writes that are not recorded yet, and its private
 * values, which are in no news.
 */
export class Overlay {
  readonly #core: Core
  readonly #outbox: Outbox
  /** The recorded state, kept while there are unrecorded writes of this tab. */
  #confirmed: unknown
  /** The state that was shown before news is folded, if some of it must be found again. */
  #shown: unknown

  constructor(core: Core, outbox: Outbox) {
    this.#core = core
    this.#outbox = outbox
    this.#confirmed = core.model.tree.root()
  }

  /**
   * Whether the schema leaves what is recorded, with this tab's private values, as it is: what older code shows may lack a
   * default.
   */
  get isWhole(): boolean {
    const { model, options } = this.#core
    const shown = model.tree.root()
    const recorded = this.#isOn ? options.privacy.filled(this.#confirmed, shown) : shown
    try {
      return sameContent(options.writer.schema.initial(recorded), recorded)
    } catch {
      return false
    }
  }

  /** A write is about to be asked for. */
  begin(): void {
    if (!this.#isOn) this.#confirmed = this.#core.model.tree.root()
  }

  add(ops: readonly Op[]): void {
    const { tree } = this.#core.model
    tree.apply(ops)
    if (tree.pending) tree.flush()
  }

  /** The tree shows what is recorded, without this tab's own writes. What comes may `bring` copies of what is shown. */
  takeOff(bring: boolean = false): void {
    const { model, options } = this.#core
    if (bring || this.#isOn || !options.privacy.none) this.#shown = model.tree.root()
    if (this.#isOn) model.tree.restore(this.#confirmed)
  }

  /** The session is reset: what is private goes as well. */
  beginAnew(): void {
    this.#shown = this.#core.options.initialState
  }

  /** Shows the unrecorded writes again; with the same object as before when the news held only this tab's own writes. */
  putOn(changed: boolean, known: boolean): void {
    const { model, options } = this.#core
    const { tree, heard } = model
    const shown = this.#shown
    this.#shown = undefined
    if (changed && this.#isOn) {
      this.#confirmed = tree.root()
      for (const { args } of this.#outbox.undoneOf('write', heard)) tree.apply(args[0] as Op[])
    }
    if (shown !== undefined) {
      tree.apply(options.privacy.complete(tree, options.writer.schema, shown))
      if (known) tree.restore(shown)
      else share(tree, shown)
    }
    if (tree.pending) tree.flush()
  }

  get #isOn(): boolean {
    return this.#outbox.undoneOf('write', this.#core.model.heard).length > 0
  }
}

/** Whether what has happened may bring copies of objects that are shown. Most of it writes a text or a number. */
export function bringCopies(records: News['records']): boolean {
  return records.some((it) => 'record' in it && (it.record.kind !== 'wrote' || bringObjects(it.record.ops)))
}
