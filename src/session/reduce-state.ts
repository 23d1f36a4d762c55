import { rebase } from '../state/rebase'
import { addEntry, type Execution, type Model } from './model'
import type { SessionRecord } from './record'

type Of<Kind> = Extract<SessionRecord, { kind: Kind }>

export function foldWrote(model: Model, { exec: id, ops }: Of<'wrote'>): void {
  const exec = id === undefined ? undefined : model.execs.get(id)
  // Nothing uncommitted, nothing to take out again: an outside write then needs no log.
  if (exec !== undefined || model.log.length > 0)
    model.log.push({ exec: exec?.id, ops, before: model.tree.root() })
  model.tree.apply(ops)
  if (exec !== undefined) addEntry(exec, { kind: 'wrote', ops, root: model.tree.root() })
}

export function foldSaw(model: Model, { exec: id, reads }: Of<'saw'>): void {
  const exec = model.execs.get(id)
  if (exec) addEntry(exec, { kind: 'saw', reads, root: model.tree.root() })
}

/** What an execution did up to now stays, whatever becomes of its attempt. */
export function commit(model: Model, exec: Execution): void {
  exec.committed = exec.entries.length
  exec.interruptions = 0
  for (const entry of model.log) if (entry.exec === exec.id) entry.exec = undefined
  trim(model)
}

/**
 * Takes an execution's uncommitted writes out again. A rebase, not a restore: the state before the first of
 * them, with everybody else's writes since applied again, in order (durable-steps, rule c).
 */
export function rollback(model: Model, id: number): void {
  const exec = model.execs.get(id)
  if (exec !== undefined) forget(exec)
  const first = model.log.findIndex((it) => it.exec === id)
  if (first < 0) return
  const since = model.log.slice(first)
  const base = since[0]?.before
  const { root, kept } = rebase(
    base,
    since.map((it) => ({ ops: it.ops, dropped: it.exec === id })),
  )
  const others = since.filter((it) => it.exec !== id)
  model.log.length = first
  for (const [index, entry] of kept.entries()) model.log.push({ ...entry, exec: others[index]?.exec })
  model.tree.restore(root)
  trim(model)
}

/** Drops what an execution did not commit from its ledger. An answer is true whatever becomes of the attempt. */
function forget(exec: Execution): void {
  const kept = exec.entries.filter((it, index) => index < exec.committed || it.kind === 'answered')
  exec.committed = kept.length
  exec.entries = kept
}

/** Lets go of what no rollback can need: everything before the oldest uncommitted write. */
function trim(model: Model): void {
  const oldest = model.log.findIndex((it) => it.exec !== undefined)
  if (oldest < 0) model.log = []
  else if (oldest > 0) model.log = model.log.slice(oldest)
}
