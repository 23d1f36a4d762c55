import type { Op } from '../state/op'
import type { Core } from './core'
import type { Outbox } from './outbox'

/**
 * What a tab that follows shows on top of what is recorded: its writes that are not recorded yet, and its private
 * values, which are in no news.
 */
export class Overlay {
  readonly #core: Core
  readonly #outbox: Outbox
  /** The state without own writes that are not recorded; only while there are some. */
  #confirmed: unknown
  /** What was shown before news is folded, if any of it is this tab's own. */
  #shown: unknown

  constructor(core: Core, outbox: Outbox) {
    this.#core = core
    this.#outbox = outbox
    this.#confirmed = core.model.tree.root()
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

  /** The tree shows what is recorded, and nothing else. */
  takeOff(): void {
    const { model, options } = this.#core
    if (!options.privacy.none || this.#isOn) this.#shown = model.tree.root()
    if (this.#isOn) model.tree.restore(this.#confirmed)
  }

  /** The session is reset: what is private goes as well. */
  beginAnew(): void {
    this.#shown = this.#core.options.initialState
  }

  /** What is not recorded is shown again; the very same, where the news was of nothing but what this tab shows already. */
  putOn(changed: boolean, known: boolean): void {
    const { model, options } = this.#core
    const { tree, heard } = model
    const shown = this.#shown
    this.#shown = undefined
    if (changed && this.#isOn) {
      this.#confirmed = tree.root()
      for (const ops of this.#outbox.writes(heard)) tree.apply(ops)
    }
    if (shown !== undefined) tree.apply(options.privacy.carry(shown, tree, options.writer.schema))
    if (known && shown !== undefined) tree.restore(shown)
    if (tree.pending) tree.flush()
  }

  get #isOn(): boolean {
    for (const _ of this.#outbox.writes(this.#core.model.heard)) return true
    return false
  }
}
