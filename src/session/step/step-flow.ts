import { edit as editOps } from '../../state/edit'
import { fitted } from '../../state/mend'
import type { Op } from '../../state/op'
import { toPath } from '../../state/path'
import type { StateStore } from '../../state/store'
import type { Attempt } from './attempt'
import type { StepChange } from '../flow'
import { StepWrites } from './step-writes'

/**
 * The flow state as one attempt sees and writes it. A write is an effect: it shows at once and for everybody, stays when
 * the attempt fails, and is not made again by a re-run. Reads see the present value, also in a re-run: when a step's way
 * depends on one, it is read in `once`.
 */
export class StepFlow extends StepWrites {
  readonly get: StateStore<unknown>['get']
  readonly has: StateStore<unknown>['has']
  readonly edit: (recipe: (draft: unknown) => unknown) => Promise<void>
  readonly subscribe: StateStore<unknown>['subscribe']

  constructor(attempt: Attempt) {
    const { state, writer, initial } = attempt.core.options.flow
    const counts = new Map<string, number>()
    // Writes of one kind to one path in one step are told apart by their order, as recorded points are.
    const write = (name: string, change: StepChange): Promise<void> => {
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      return attempt.fence(once(attempt, `flow:${name}#${count}`, change))
    }
    super(writer, initial, (kind, input, make) => {
      const path = toPath(input)
      return write(path.text ? `${kind}:${path.text}` : kind, (view) => listOf(make(view, path)))
    })
    this.get = state.get
    this.has = state.has
    this.edit = (recipe) =>
      write('edit', (view) => {
        const seen = state.get()
        const ops = editOps(writer, view, recipe)
        const landing = (it: readonly Op[]): readonly Op[] => {
          if (attempt.over) throw attempt.over
          return fitted(writer.schema, seen, state.get(), it)
        }
        return ops instanceof Promise ? ops.then(landing) : ops
      })
    this.subscribe = (path, listener) => attempt.ending(state.subscribe(path, listener))
  }
}

async function once(attempt: Attempt, key: string, change: StepChange): Promise<void> {
  const { core, exec, replay, over } = attempt
  if (over) throw over
  if (exec.points.has(key)) replay.wroteFlow(key)
  else await core.options.flow.write({ core, exec, key }, change)
}

function listOf(op: Op | undefined): readonly Op[] {
  return op === undefined ? [] : [op]
}
