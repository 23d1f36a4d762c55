import { edit as editOps } from '../state/edit'
import type { Op } from '../state/op'
import { toPath } from '../state/path'
import type { Keys } from '../state/path-types'
import type { StateStore } from '../state/store'
import type { Attempt } from './attempt'
import type { StepChange } from './flow'

/**
 * The flow state as one attempt sees and writes it. A write is an effect: it shows at once and for everybody, stays
 * when the attempt fails, and is not made again by a re-run. Reads see what is there now, also in a re-run: a step
 * that takes a way because of one keeps it in `once`.
 */
export class StepFlow {
  readonly get: StateStore<unknown>['get']
  readonly has: StateStore<unknown>['has']
  readonly subscribe: StateStore<unknown>['subscribe']
  readonly #attempt: Attempt
  readonly #counts = new Map<string, number>()

  constructor(attempt: Attempt) {
    this.#attempt = attempt
    const { state } = attempt.core.options.flow
    this.get = state.get
    this.has = state.has
    this.subscribe = state.subscribe
  }

  get set(): (input: string | Keys, value: unknown) => Promise<void> {
    return (input, value) => {
      const path = toPath(input)
      const { writer } = this.#attempt.core.options.flow
      return this.#write(`set:${path.text}`, (view) => listOf(writer.set(view, path, value, true)))
    }
  }

  get append(): (input: string | Keys, item: unknown) => Promise<void> {
    return (input, item) => {
      const path = toPath(input)
      const { writer } = this.#attempt.core.options.flow
      return this.#write(`append:${path.text}`, (view) => [writer.append(view, path, item)])
    }
  }

  get delete(): (input: string | Keys) => Promise<void> {
    return (input) => {
      const path = toPath(input)
      const { writer } = this.#attempt.core.options.flow
      return this.#write(`delete:${path.text}`, (view) => listOf(writer.delete(view, path, true)))
    }
  }

  get replace(): (state: unknown) => Promise<void> {
    return (state) => this.#replace('replace', state)
  }

  get reset(): () => Promise<void> {
    return () => this.#replace('reset', this.#attempt.core.options.flow.initial)
  }

  get edit(): (recipe: (draft: unknown) => unknown) => Promise<void> {
    return (recipe) => {
      const { flow } = this.#attempt.core.options
      return this.#write('edit', (view) => {
        const ops = editOps(flow.writer, view, recipe)
        return ops instanceof Promise ? this.#settled(ops) : ops
      })
    }
  }

  #replace(name: string, state: unknown): Promise<void> {
    const { writer } = this.#attempt.core.options.flow
    return this.#write(name, (view) => [writer.replace(view, state)])
  }

  async #settled(ops: Promise<readonly Op[]>): Promise<readonly Op[]> {
    const made = await ops
    if (this.#attempt.over) throw this.#attempt.over
    return made
  }

  /** Writes of one kind to one path in one step are told apart by their order, as recorded points are. */
  #write(name: string, change: StepChange): Promise<void> {
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    return this.#attempt.fence(this.#once(`flow:${name}#${count}`, change))
  }

  async #once(key: string, change: StepChange): Promise<void> {
    const { core, exec, replay, over } = this.#attempt
    if (over) throw over
    if (exec.points.has(key)) replay.wroteFlow(key)
    else await core.options.flow.write({ core, exec, key }, change)
  }
}

function listOf(op: Op | undefined): readonly Op[] {
  return op === undefined ? [] : [op]
}
