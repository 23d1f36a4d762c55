import { rebase } from '../state/rebase'
import { addEntry } from './ledger'
import { isOpenWrite, type Execution, type LogEntry, type Model } from './model'
import type { SessionRecord } from './record'

type Of<Kind> = Extract<SessionRecord, { kind: Kind }>

export function foldWrote(model: Model, { exec: id, ops }: Of<'wrote'>): void {
  const exec = id === undefined ? undefined : model.execs.get(id)
  // Nothing uncommitted, nothing to take out again: an outside write then needs no log.
  if (exec !== undefined)
    // Written out: a spread behind a spread takes forty times as long.
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

export function foldSaw(model: Model, { exec: id, reads }: Of<'saw'>): void {
  const exec = model.execs.get(id)
  if (exec) addEntry(exec, { kind: 'saw', reads, version: model.changed, root: model.tree.root() })
}

/** What an execution did up to now stays, whatever becomes of its attempt. */
export function commit(model: Model, exec: Execution): void {
  exec.committed = exec.entries.length
  exec.interruptions = 0
  if (!exec.dirty) return
  exec.dirty = false
  exec.span++
  trim(model)
}

/**
 * Takes an execution's uncommitted writes out again. A rebase, not a restore: the state before the first of
 * them, with everybody else's writes since applied again, in order (durable-steps, rule c).
 */
export function rollback(model: Model, id: number): void {
  const exec = model.execs.get(id)
  if (exec === undefined) return
  forget(exec)
  if (!exec.dirty) return
  const own = (it: LogEntry): boolean => it.exec === id && it.span === exec.span
  const first = model.log.findIndex(own)
  const since = model.log.slice(first)
  const { root, kept } = rebase(
    since[0]?.before,
    since.map((it) => ({ ops: it.ops, dropped: own(it) })),
  )
  const others = since.filter((it) => !own(it))
  model.log.length = first
  for (const [index, { ops, before }] of kept.entries()) {
    const other = others[index] as LogEntry
    model.log.push({ ...other, ops, ...('before' in other && { before }) })
  }
  exec.dirty = false
  exec.span++
  model.changed = model.seq
  model.tree.restore(root)
  trim(model)
}

/** Drops what an execution did not commit from its ledger. An answer is true whatever becomes of the attempt. */
function forget(exec: Execution): void {
  const kept = exec.entries.filter(
    (it, index) => index < exec.committed || it.kind === 'answered' || it.kind === 'flow',
  )
  exec.committed = kept.length
  exec.entries = kept
}

/** Lets go of what no rollback can need: everything before the oldest uncommitted write. */
function trim(model: Model): void {
  const oldest = model.log.findIndex((it) => isOpenWrite(model, it))
  if (oldest < 0) model.log = []
  else if (oldest > 0) model.log = model.log.slice(oldest)
}
