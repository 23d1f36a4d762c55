import { applied } from '../../state/applied'
import { diff } from '../../state/diff'
import type { Op } from '../../state/op'
import { Tree } from '../../state/tree'
import { Fifo } from './fifo'
import { addWait } from './ledger'
import {
  createModel,
  Ledger,
  type Delivery,
  type Entry,
  type Execution,
  type LogEntry,
  type Model,
  type Point,
} from './model'

/**
 * A whole model as plain JSON: what a snapshot holds. The old states that re-runs and rollbacks read are kept as operations
 * that lead back to them, so that a snapshot costs little more than the state (decision 1).
 */
export interface SavedModel extends Plain {
  readonly state: unknown
  readonly flow?: unknown
  readonly run?: Model['run']
  readonly heard?: readonly (readonly [tab: string, n: number])[]
  readonly parent?: Model['parent']
  readonly latest?: Model['latest']
  readonly queues: readonly (readonly [step: string, events: readonly Delivery[]])[]
  readonly buffers: readonly (readonly [name: string, events: unknown[]])[]
  readonly scopes: readonly unknown[]
  readonly execs: readonly SavedExecution[]
  readonly log: readonly Numbered<LogEntry, 'before'>[]
  /** Each old state as the operations that make it of the one before; the first is made of `state`. */
  readonly roots: readonly (readonly Op[])[]
}

type Plain = Pick<
  Model,
  'seq' | 'lineage' | 'changed' | 'paused' | 'nextEvent' | 'nextExec' | 'nextScope' | 'unconsumed'
>

export type SavedExecution = Omit<Execution, 'root' | 'entries' | 'points'> & {
  readonly root: number
  readonly entries: readonly Numbered<Entry, 'root'>[]
  readonly points: readonly (Omit<Point, 'child'> & { readonly child?: SavedModel })[]
}

/** With the number of an old state in place of the state. */
type Numbered<T, Key extends keyof T> = Omit<T, Key> & { readonly [K in Key]?: number }

/** A saved model with the operations that lead to its state from another state. */
export type SavedPast = Omit<SavedModel, 'state'> & { readonly back: readonly Op[] }

export function toPast({ state, ...rest }: SavedModel, from: unknown): SavedPast {
  return { ...rest, back: diff(from, state) }
}

export function fromPast({ back, ...rest }: SavedPast, from: unknown): SavedModel {
  return { ...rest, state: applied(from, back) }
}

/** Shares with the model only what never changes, so it may be kept. */
export function saveModel(model: Model): SavedModel {
  const state = model.tree.root()
  const roots: Op[][] = []
  const number = numbering(state, roots)
  // From the newest state back, so that each step is small.
  const log = renumbered<LogEntry, Numbered<LogEntry, 'before'>>(model.log, 'before', number)
  const execs = model.execs.values().map((exec) => saveExecution(exec, number))
  const { run, parent, latest } = model
  // Without spreads: the history of a long session makes one for every 500 records.
  const saved: { -readonly [Key in keyof SavedModel]: SavedModel[Key] } = Object.assign(plainOf(model), {
    state,
    queues: Array.from(model.queues, ([step, it]) => [step, it.items] as const).filter(
      ([, it]) => it.length > 0,
    ),
    buffers: copied(model.buffers),
    scopes: Array.from(model.scopes.values(), (it) => ({ ...it, gathered: copied(it.gathered) })),
    execs,
    log,
    roots,
  })
  if (run) saved.run = { ...run }
  if (model.flow) saved.flow = model.flow.root()
  if (model.heard.size > 0) saved.heard = [...model.heard]
  if (parent) saved.parent = parent
  if (run && !run.end && latest.length > 0) saved.latest = latest
  return saved
}

/** What is the same in a model and in what is saved of it. */
function plainOf(of: Plain): Plain {
  const { seq, lineage, changed, paused, nextEvent, nextExec, nextScope, unconsumed } = of
  return { seq, lineage, changed, paused, nextEvent, nextExec, nextScope, unconsumed: [...unconsumed] }
}

/** How the state of an item is made of the one before it: each checkpoint of a long step has all those of the last one. */
const ways = /* @__PURE__ */ new WeakMap<object, readonly [from: unknown, ops: Op[]]>()

/** Numbers the states that differ from `state`, and adds to `roots` how each is made of the one before. */
function numbering(state: unknown, roots: Op[][]): (root: unknown, of: object) => number {
  const numbers = new Map<unknown, number>([[state, -1]])
  let last = state
  return (root, of) => {
    const known = numbers.get(root)
    if (known !== undefined) return known
    let way = ways.get(of)
    if (!way || way[0] !== last) ways.set(of, (way = [last, diff(last, root)]))
    roots.push(way[1])
    last = root
    numbers.set(root, roots.length - 1)
    return roots.length - 1
  }
}

function saveExecution(exec: Execution, number: (root: unknown, of: object) => number): SavedExecution {
  const entries = renumbered<Entry, Numbered<Entry, 'root'>>(exec.entries, 'root', number)
  // Completed in place: a rest of so many members takes ten times as long.
  return Object.assign(
    { ...exec },
    {
      entries,
      root: number(exec.root, exec),
      points: Array.from(exec.points.values(), savePoint),
    },
  )
}

function savePoint({ child, ...point }: Point): SavedExecution['points'][number] {
  return child ? { ...point, child: saveModel(child) } : point
}

function restorePoint({ child, ...point }: SavedExecution['points'][number]): Point {
  return child ? { ...point, child: restoreModel(child) } : { ...point }
}

export function restoreModel(saved: SavedModel, into: Tree = new Tree(undefined)): Model {
  const roots: unknown[] = []
  for (const ops of saved.roots) roots.push(applied(roots.length === 0 ? saved.state : roots.at(-1), ops))
  const root = (number: number): unknown => (number < 0 ? saved.state : roots[number])
  into.restore(saved.state)
  const model = createModel(saved.state, saved.lineage, into)
  const { run, parent, latest = [] } = saved
  Object.assign(model, plainOf(saved), {
    ...{ heard: new Map(saved.heard), parent, latest },
    run: run && { ...run, pages: run.pages ?? [], kept: run.kept ?? [] },
  })
  if (saved.flow !== undefined) model.flow = new Tree(saved.flow)
  for (const [step, events] of saved.queues) model.queues.set(step, new Fifo(events))
  for (const [name, events] of saved.buffers) model.buffers.set(name, [...events] as never)
  for (const scope of saved.scopes as { id: number; gathered: [] }[])
    model.scopes.set(scope.id, { ...scope, gathered: new Map(copied(scope.gathered)) } as never)
  for (const exec of saved.execs)
    model.execs.add(exec.id, {
      ...exec,
      root: root(exec.root),
      entries: renumbered<Numbered<Entry, 'root'>, Entry>(exec.entries, 'root', root),
      points: new Ledger(exec.points.map((it) => [it.key, restorePoint(it)])),
    })
  index(model)
  model.log = renumbered<Numbered<LogEntry, 'before'>, LogEntry>(saved.log, 'before', root)
  return model
}

/** The items with the number of a state in place of the state, or back again. The newest first, so that each step is small. */
function renumbered<From, To>(
  items: readonly From[],
  key: keyof From & keyof To,
  to: (old: never, of: never) => unknown,
): To[] {
  const made = [...items].reverse().map((item) => {
    const { [key]: old, ...it } = item
    return old === undefined ? it : { ...it, [key]: to(old as never, item as never) }
  })
  return made.reverse() as To[]
}

function copied<T>(lists: Iterable<readonly [string, Iterable<T>]>): [string, T[]][] {
  return Array.from(lists, ([name, list]) => [name, [...list]])
}

/** Works out what follows from the rest of the model: who waits for what, and which scopes are at their end. */
function index(model: Model): void {
  for (const { id, open } of model.scopes.values()) if (open === 0) model.ripe.add(id)
  const points = model.execs
    .values()
    .flatMap((exec) => [...exec.points.values()].map((point) => ({ exec, point })))
  for (const { exec, point } of points.sort((a, b) => a.point.seq - b.point.seq)) addWait(model, exec, point)
}
