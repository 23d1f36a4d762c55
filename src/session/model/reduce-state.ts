import { applied } from '../../state/applied'
import { rebase } from '../../state/rebase'
import { addEntry } from './ledger'
import { isOpenWrite, type Entry, type Execution, type LogEntry, type Model } from './model'
import type { SessionRecord } from './record'

type Of<Kind> = Extract<SessionRecord, { kind: Kind }>

export function foldWrote(model: Model, { exec: id, ops }: Of<'wrote'>): void {
  const exec = id === undefined ? undefined : model.execs.get(id)
  // While nothing is uncommitted there is nothing to take out again, so an outside write needs no log.
  if (exec !== undefined)
    // Written out: two spreads in a row take forty times as long.
    model.log.push(
      exec.dirty
        ? { exec: exec.id, span: exec.span, ops }
        : { exec: exec.id, span: exec.span, ops, before: model.tree.root() },
    )
  else if (model.log.length > 0) model.log.push({ exec: undefined, ops })
  const since = model.changed
  model.changed = model.seq
  model.tree.apply(ops)
  if (exec === undefined) return
  exec.dirty = true
  addEntry(exec, { kind: 'wrote', ops, since, version: model.changed })
}

/** What an execution did up to now stays, however its attempt ends. */
export function commit(model: Model, exec: Execution): void {
  exec.committed = exec.entries.length
  exec.interruptions = 0
  if (!exec.dirty) return
  exec.dirty = false
  exec.span++
  trim(model)
  // No rollback goes back to where this execution began, so its first state is let go, however long others write.
  const { log } = model
  let began = log.length
  while (--began > 0 && (log[began]?.exec !== exec.id || log[began]?.before === undefined));
  if (began > 0) log[began] = { ...(log[began] as LogEntry), before: undefined }
}

/**
 * Takes the uncommitted writes of executions out again. A rebase, not a restore: the state before the first of
 * them, with everybody else's writes since applied again, in order (decision 2, rule 5).
 */
export function rollback(model: Model, ids: readonly number[]): void {
  const execs = ids.flatMap((id) => model.execs.get(id) ?? [])
  const out = new Set<number | undefined>(ids)
  const own = (it: LogEntry): boolean => out.has(it.exec) && isOpenWrite(model, it)
  const first = model.log.findIndex(own)
  for (const exec of execs) forget(exec)
  if (first < 0) return
  const base = stateBefore(model, first)
  const since = model.log.splice(first)
  const others = since.filter((it) => !own(it))
  const { root, kept } = rebase(
    base,
    since.map((it) => ({ ops: it.ops, dropped: own(it) })),
  )
  // The states before them have changed: each is worked out when it is needed.
  for (const [index, { ops }] of kept.entries())
    model.log.push({ ...(others[index] as LogEntry), ops, before: first + index > 0 ? undefined : base })
  for (const exec of execs)
    if (exec.dirty) {
      exec.dirty = false
      exec.span++
    }
  model.changed = model.seq
  model.tree.restore(root)
  trim(model)
}

/** The state before an entry of the log. */
function stateBefore({ log }: Model, index: number): unknown {
  let from = index
  while (from > 0 && log[from]?.before === undefined) from--
  return applied(
    log[from]?.before,
    log.slice(from, index).flatMap((it) => it.ops),
  )
}

/** Whether an entry stays when what was not committed is taken out: it came from outside, or cannot be undone. */
export function outlasts({ kind }: Entry): boolean {
  return kind === 'answered' || kind === 'flow'
}

/** Drops from its ledger what an execution did not commit. Answers stay, however the attempt ends. */
function forget(exec: Execution): void {
  const kept = exec.entries.filter((it, index) => index < exec.committed || outlasts(it))
  // After all that the step did, the next attempt reads what is there by then. A re-run of that attempt must not find the older
  // version first.
  for (let at = kept.length; /^(saw|done|answered)$/.test(kept[--at]?.kind ?? '');)
    if (kept[at]?.kind === 'saw') kept.splice(at, 1)
  exec.committed = kept.length
  exec.entries = kept
}

/** Lets go of what no rollback can need: everything before the oldest uncommitted write. */
function trim(model: Model): void {
  const oldest = model.log.findIndex((it) => isOpenWrite(model, it))
  if (oldest < 0) model.log = []
  else if (oldest > 0) {
    const before = stateBefore(model, oldest)
    model.log = model.log.slice(oldest)
    model.log[0] = { ...(model.log[0] as LogEntry), before }
  }
}
