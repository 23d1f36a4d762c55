import { NestedEditError } from '../errors'
import { edit, type Recipe } from './edit'
import { fitted } from './mend'
import type { Op } from './op'
import { before, queue } from './open-edits'
import { isPromise } from './thenable'
import { none, type StoreParts, type Writes } from './writes'

/** The state that a recipe was given. */
interface Seen {
  root?: unknown
}

/** The edits of a store: one after the other, also behind those of a session's steps, and no other write inside one. */
export class Edits {
  readonly #parts: StoreParts
  readonly #writes: Writes

  constructor(parts: StoreParts, writes: Writes) {
    this.#parts = parts
    this.#writes = writes
  }

  edit(recipe: Recipe): void | Promise<void> {
    const { openEdits } = this.#parts.writer
    const edits = before(openEdits)
    const seen: Seen = {}
    // A recipe that is known to be asynchronous must not read before the one in front of it has landed.
    const known = (recipe as Recipe | null)?.constructor?.name === 'AsyncFunction'
    let done =
      edits !== undefined && known ? edits.then(() => this.#run(recipe, seen)) : this.#run(recipe, seen)
    if (!isPromise(done)) return undefined
    if (edits !== undefined && !known) {
      // It has read too early: its result is dropped, and it runs again when its turn comes.
      done.catch(nothing)
      done = edits.then(() => this.#run(recipe, seen))
    }
    const landed = this.#landing(recipe, seen, done)
    queue(openEdits, 'outside', landed.catch(nothing))
    return landed
  }

  /** `done`: what the recipe has made, once it has awaited something. */
  async #landing(recipe: Recipe, seen: Seen, done: Promise<readonly Op[]>): Promise<void> {
    const base = (): unknown => this.#parts.base?.()
    let began = base()
    let ops = await done
    if (base() !== began) {
      // It began before the session was read, so it has not seen what it is to change.
      began = base()
      ops = await this.#run(recipe, seen)
    }
    let isAnew = false
    // Its operations were made for another state and would garble this one, so the recipe runs on it, once.
    const anew = (): readonly Op[] => {
      if (base() === began) return ops
      if (!isAnew)
        void Promise.resolve()
          .then(() => this.edit(recipe))
          .catch(() => this.#writes.land(ops))
      isAnew = true
      return none
    }
    this.#writes.remember?.(ops, anew)
    this.#writes.land(fitted(this.#parts.writer.schema, seen.root, this.#writes.view.root(), ops))
  }

  #run(recipe: Recipe, seen: Seen): readonly Op[] | Promise<readonly Op[]> {
    const writes = this.#writes
    seen.root = writes.view.root()
    if (writes.blocked) throw new NestedEditError('an edit')
    writes.blocked = () => new NestedEditError()
    let ops
    try {
      ops = edit(this.#parts.writer, writes.view, recipe)
    } finally {
      writes.blocked = undefined
    }
    if (isPromise(ops)) return ops
    writes.remember?.(ops, (view) => edit(this.#parts.writer, view, recipe))
    writes.land(ops)
    return none
  }
}

function nothing(): void {}
