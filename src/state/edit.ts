import { applied } from './applied'
import { checkArgument } from './argument'
import { frozen } from './development'
import { diff } from './diff'
import { draftOf, type Touched } from './draft'
import { nameOf } from './json'
import type { Op } from './op'
import { toPath, type Path } from './path'
import { sameContent } from './same'
import type { Checked } from './schema'
import { isThenable } from './thenable'
import { towards } from './towards'
import { currentOf, valueAt, type View } from './view'
import { appended, type Writer } from './writer'

export type Recipe = (draft: unknown) => unknown

/**
 * The changes that a recipe makes to a draft of what `view` shows; a promise of them when it returns one. What has moved is set
 * as it is or, `inParts`, where it differs from what was there: a re-run must make what older code had recorded.
 */
export function edit(
  writer: Writer,
  view: View,
  recipe: Recipe,
  inParts: boolean = false,
): Op[] | Promise<Op[]> {
  checkArgument('edit()', recipe, 'function')
  const before = view.root()
  const { draft, touched, finish } = draftOf(before)
  const succeed = (): Op[] => {
    const after = finish()
    const { nodes, originals } = touched
    const by = (known: Touched): Op[] =>
      changes(writer, { before, after, touched }, diff(before, after, known), inParts)
    try {
      return by(inParts ? { nodes } : touched)
    } catch {
      // As in a set, a schema may drop keys of what was assigned, and fill some in.
      const assigned = [...nodes.keys()].filter((it) => nodes.get(it)?.foreign)
      return by({ nodes, originals: new Set([...originals, ...assigned]) })
    }
  }
  const fail = (error: unknown): never => {
    // A draft that somebody kept must throw from now on.
    finish()
    throw error
  }
  let outcome
  try {
    outcome = recipe(draft)
  } catch (error) {
    return fail(error)
  }
  return isThenable(outcome) ? Promise.resolve(outcome).then(succeed, fail) : succeed()
}

interface Edited {
  readonly before: unknown
  readonly after: unknown
  readonly touched: Required<Touched>
}

function changes(writer: Writer, edited: Edited, ops: readonly Op[], inParts: boolean): Op[] {
  const { schema } = writer
  const { before, after } = edited
  const start = currentOf(before)
  const result = currentOf(after)
  /** What the schema has made of what is around them, where it has changed something else there. */
  const around = new Map<string, Checked>()
  const own = ops.map((op) => {
    if (op[0] === 'replace') return writer.replace(start, op[1])
    const path = toPath(op[1])
    const itself = (): Op => copied(writer, edited, op, path)
    const made = (all: Checked, asked: Path): Op => {
      const { keys, text } = all.path
      if (inParts || keys.length >= asked.keys.length) return writer.made(all, start)
      around.set(text, all)
      return itself()
    }
    const whole = valueAt(after, path.keys)
    if (op[0] === 'delete' && whole === undefined) {
      const rest = schema.checkDelete(result, path)
      return rest ? made(rest, path) : op
    }
    // One item that is added at the end of a list is checked alone, as in an append.
    if (op[0] === 'splice' && op[3] === 0 && op[2] + 1 === (whole as unknown[]).length) {
      const [, id, last, , [item]] = op
      const place = toPath([...path.keys, String(last)])
      const one = schema.check(result, place, item)
      if (one.path !== place) return made(one, place)
      return frozen<Op>(['splice', id, last, 0, [writer.kept(one.value, place)]])
    }
    // `whole` holds the operations before it as well, so a path that a later one changes is checked at its end.
    const checked = whole === undefined ? undefined : schema.check(result, path, whole)
    return checked && !sameContent(checked.value, whole) ? made(checked, path) : itself()
  })
  return [...around.values()].reduce((done, all) => completed(writer, before, done, all), own)
}

/** Operations on a state, and then those that lead to what the schema has made of a part of it. */
function completed(writer: Writer, before: unknown, ops: readonly Op[], all: Checked): Op[] {
  const { keys } = all.path
  const made = writer.made(all, currentOf(before)).at(-1)
  const rest = towards(made, valueAt(applied(before, ops), keys), keys)
  return [...ops, ...rest.map((it) => frozen(it))]
}

function copied(
  writer: Writer,
  { before, touched: { originals } }: Edited,
  op: Exclude<Op, readonly ['replace', unknown]>,
  path: Path,
): Op {
  switch (op[0]) {
    case 'set':
      return frozen<Op>(['set', op[1], writer.kept(op[2], path, originals.has(op[2]) && op[2])])
    case 'append':
      // A draft's list grows by a splice, so this is text.
      return appended(path, op[2], 'text')
    case 'splice': {
      // What was somewhere in the list before is kept as it is.
      const known = new Set(valueAt(before, path.keys) as readonly unknown[])
      const items = op[4].map((it, index) =>
        writer.kept(
          it,
          `${nameOf(path, writer.schema.root)}.${op[2] + index}`,
          (known.has(it) || originals.has(it)) && it,
        ),
      )
      return frozen<Op>(['splice', op[1], op[2], op[3], items])
    }
    default:
      return op
  }
}
