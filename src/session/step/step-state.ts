import { NestedEditError } from '../../errors'
import { edit as editOps } from '../../state/edit'
import type { Op } from '../../state/op'
import { before } from '../../state/open-edits'
import { toPath, type Path } from '../../state/path'
import type { View } from '../../state/view'
import type { Keys } from '../../state/path-types'
import { isPromise } from '../../state/thenable'
import { alone, queued } from './open-edit'
import type { Attempt } from './attempt'
import { StepWrites, type Make } from './step-writes'

const written = /* @__PURE__ */ Promise.resolve()

/**
 * The state as one attempt sees and writes it (decision 2, rules 1 and 2). While the attempt repeats what is
 * recorded, reads see the version of that time and equal writes are silent; after that everything is new.
 */
export class StepState extends StepWrites {
  readonly get: (...args: [path?: string | Keys, fallback?: unknown]) => unknown
  readonly has: (path: string | Keys) => boolean
  readonly edit: (recipe: (draft: unknown) => void | Promise<void>) => Promise<void>
  readonly subscribe: (path: string | Keys, listener: () => void) => () => void

  constructor(attempt: Attempt) {
    const { writer, initialState } = attempt.core.options
    const { tree } = attempt.core.model
    super(writer, initialState, (_, path, make) => whenFree(attempt, path, make))
    this.get = (...args) => read(attempt, args)
    this.has = (path) => view(attempt).has(toPath(path))
    this.edit = (recipe) => attempt.fence(edit(attempt, recipe), true)
    this.subscribe = (path, listener) => attempt.ending(tree.subscribe(toPath(path), listener))
  }
}

/** The state that the attempt's next read sees. Counts as a read. */
function view(attempt: Attempt): View {
  const { core, exec, replay } = attempt
  const seen = replay.view
  const { model } = core
  // Somebody else has written: a re-run must be told to see that here.
  if (seen === undefined && attempt.over === undefined && !replay.knows(model.changed)) {
    core.append({ kind: 'saw', exec: exec.id, reads: replay.reads }, 'relaxed')
    replay.entered()
  }
  replay.reads++
  if (seen === undefined) return model.tree
  const { privacy, writer } = core.options
  // What is private was not stored: a re-run finds its default.
  if (!privacy.none) seen.apply(privacy.complete(seen, writer.schema))
  return seen
}

function read(attempt: Attempt, args: [path?: string | Keys, fallback?: unknown]): unknown {
  const path: Path = toPath(args[0] ?? '')
  const seen = view(attempt)
  if (args.length === 0) return seen.root()
  if (args.length > 1 && !seen.has(path)) return args[1]
  return seen.read(path)
}

function put(attempt: Attempt, path: Path, make: Make): void {
  // A write first reads its place. Like any read, it must see the same again in a re-run.
  const seen = view(attempt)
  const op = make(seen, path)
  if (op !== undefined) record(attempt, [op], seen !== attempt.core.model.tree)
}

/** `astray`: the operations were made for another state than the one that they land on. */
function record(attempt: Attempt, ops: readonly Op[], astray: boolean): void {
  const { privacy } = attempt.core.options
  if (ops.length === 0 || attempt.replay.wrote(ops)) return
  const told = privacy.told(ops)
  if (told.length > 0 && (attempt.replay.takeOlder() || (told !== ops && attempt.replay.wrote(told)))) return
  attempt.core.append({ kind: 'wrote', exec: attempt.exec.id, ops }, 'relaxed')
  attempt.replay.entered()
  if (astray) attempt.core.mend()
}

/**
 * Writers of one session take turns: a write waits while an asynchronous edit is open. But a repeated write of a re-run does
 * not wait for another step's edit: the step's other branches must see it as early as they saw it before.
 */
function whenFree(attempt: Attempt, at: string | Keys, make: Make): Promise<void> {
  const guarded = (): void => {
    if (attempt.over) throw attempt.over
    put(attempt, toPath(at), make)
  }
  const { steps } = attempt.core.options.writer.openEdits
  if (attempt.editing) return attempt.fence(Promise.reject(new NestedEditError()), true)
  try {
    if (steps && (attempt.waiting || !attempt.replay.owes(toPath(at))))
      return attempt.fence(inTurn(attempt, steps.then(guarded)), true)
    guarded()
    return written
  } catch (error) {
    return attempt.fence(Promise.reject(error as Error), true)
  }
}

async function edit(attempt: Attempt, recipe: (draft: unknown) => void | Promise<void>): Promise<void> {
  if (attempt.editing) throw new NestedEditError('ctx.state.edit')
  const { core } = attempt
  const edits = before(core.options.writer.openEdits)
  const turn = (async () => {
    if (edits) await edits
    if (attempt.over) throw attempt.over
    const { changed, tree } = core.model
    const seen = view(attempt)
    const ops = alone(attempt, () => editOps(core.options.writer, seen, recipe, true))
    const settled = isPromise(ops) ? await ops : ops
    if (attempt.over) throw attempt.over
    record(attempt, settled, seen !== tree || core.model.changed !== changed)
  })()
  return inTurn(attempt, turn)
}

/** A write that waits is like an edit: one called now would overtake it. */
function inTurn(attempt: Attempt, turn: Promise<void>): Promise<void> {
  const ended = queued(attempt, attempt.core.options.writer.openEdits, turn)
  attempt.waiting = ended
  void ended.then(() => {
    if (attempt.waiting === ended) attempt.waiting = undefined
  })
  return turn
}
