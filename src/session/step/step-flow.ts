import { NestedEditError } from '../../errors'
import { edit as editOps, type Recipe } from '../../state/edit'
import { fitted } from '../../state/mend'
import type { Op } from '../../state/op'
import { before, type OpenEdits } from '../../state/open-edits'
import { toPath } from '../../state/path'
import type { StateStore } from '../../state/store'
import { isPromise } from '../../state/thenable'
import type { View } from '../../state/view'
import type { Attempt } from './attempt'
import type { StepChange } from '../flow'
import { alone, queued } from './open-edit'
import { StepWrites } from './step-writes'

type Ops = readonly Op[]

/**
 * The flow state as one attempt sees and writes it. A write is an effect: it shows at once and for everybody, stays when
 * the attempt fails, and is not made again by a re-run. Reads see the present value, also in a re-run: when a step's way
 * depends on one, it is read in `once`.
 */
export class StepFlow extends StepWrites {
  readonly get: StateStore<unknown>['get']
  readonly has: StateStore<unknown>['has']
  readonly edit: (recipe: Recipe) => Promise<void>
  readonly subscribe: StateStore<unknown>['subscribe']

  constructor(attempt: Attempt) {
    const { state, writer, initial } = attempt.core.options.flow
    const counts = new Map<string, number>()
    // Writes of one kind to one path in one step are told apart by their order, as recorded points are.
    const write = (name: string, change: StepChange): Promise<void> => {
      if (attempt.editing) return attempt.fence(Promise.reject(new NestedEditError('ctx.flowState')), true)
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
    const edit = (recipe: Recipe, view: View): Ops | Promise<Ops> => {
      const seen = state.get()
      const ops = alone(attempt, () => editOps(writer, view, recipe))
      const landing = (it: Ops): Ops => {
        if (attempt.over) throw attempt.over
        return fitted(writer.schema, seen, state.get(), it)
      }
      return isPromise(ops) ? ops.then(landing) : ops
    }
    this.edit = (recipe) =>
      write(
        'edit',
        inTurn(attempt, writer.openEdits, (view) => edit(recipe, view)),
      )
    this.subscribe = (path, listener) => attempt.ending(state.subscribe(path, listener))
  }
}

/** An edit waits for those before it. When it is made again, for what another page has stored, its turn has been. */
function inTurn(attempt: Attempt, edits: OpenEdits, make: StepChange): StepChange {
  let isFirst = true
  const later = (view: View): Ops | Promise<Ops> => {
    if (attempt.over) throw attempt.over
    return make(view)
  }
  return (view) => {
    const turn = isFirst ? before(edits) : undefined
    isFirst = false
    const made = turn ? turn.then(() => later(view)) : make(view)
    if (isPromise(made)) void queued(attempt, edits, made)
    return made
  }
}

async function once(attempt: Attempt, key: string, change: StepChange): Promise<void> {
  const { core, exec, replay, over } = attempt
  if (over) throw over
  if (exec.points.has(key)) replay.wroteFlow(key)
  else await core.options.flow.write(attempt, key, change)
}

function listOf(op: Op | undefined): Ops {
  return op === undefined ? [] : [op]
}
