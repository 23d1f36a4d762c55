import { Ledger, type Entry, type Execution, type Model, type Point } from './model'

/** Most executions record nothing but their end: they share these. */
export const noEntries: readonly Entry[] = Object.freeze([])
export const noPoints: Ledger = /* @__PURE__ */ new Ledger()

export function addEntry(exec: Execution, entry: Entry): void {
  if (exec.entries === noEntries) exec.entries = []
  ;(exec.entries as Entry[]).push(entry)
}

/** The version of the state that the execution knows. */
export function versionOf({ entries, version }: Execution): number {
  return entries[entries.length - 1]?.version ?? version
}

/** Notes what happened at a point, with the state when somebody else has written since the entry before. */
export function addMoment(
  { tree, changed }: Model,
  exec: Execution,
  kind: 'opened' | 'done' | 'answered',
  key: string,
): void {
  const version = changed
  const entry: Entry =
    versionOf(exec) === changed ? { kind, key, version } : { kind, key, version, root: tree.root() }
  addEntry(exec, entry)
}

export function addPoint(model: Model, exec: Execution, point: Point): void {
  const before = exec.points.get(point.key)
  if (before) dropWait(model, exec, before)
  if (exec.points === noPoints) exec.points = new Ledger()
  exec.points.set(point.key, point)
  addWait(model, exec, point)
}

export function addWait({ waits }: Model, exec: Execution, point: Point): void {
  if (point.result !== undefined) return
  exec.points.open.add(point)
  if (point.reply === undefined) return
  const others = waits.get(point.reply)
  if (others) others.set(point, { exec, point })
  else waits.set(point.reply, new Map([[point, { exec, point }]]))
}

/** Nobody waits at the point any more. */
export function dropWait({ waits }: Model, { points }: Execution, point: Point): void {
  points.open.delete(point)
  if (point.reply === undefined || !waits.get(point.reply)?.delete(point)) return
  if (waits.get(point.reply)?.size === 0) waits.delete(point.reply)
}
