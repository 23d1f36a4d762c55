import { addEntry } from './ledger'
import { createModel, type Entry, type Model } from './model'
import { emitted, type ChildBegin, type RecordBody, type SessionRecord } from './record'
import { foldCollected, foldDone, foldFlowWrote, foldOpened, foldRetried, reopen } from './reduce-points'
import { answer, deliver } from './reduce-deliver'
import { foldRewound } from './reduce-rewound'
import { foldEnded, foldFinished, foldGathered, foldStarted, foldTaken } from './reduce-run'
import { foldWrote, rollback } from './reduce-state'
import { renamed } from './renamed'
import { restoreModel, saveModel } from './saved-model'

type Migrated = Extract<RecordBody, { kind: 'migrated' }>

type Fold<Kind> = (model: Model, record: Extract<SessionRecord, { kind: Kind }>) => void

/**
 * The only place where a session changes: what a record means for the model. It depends on its two arguments alone, so that
 * a reload, another tab and a test all get the same session from the same records. Records were checked when they were made,
 * so it never throws for a record that a session has written.
 */
export function reduce(model: Model, record: SessionRecord): void {
  const fold = folds[record.kind] as Fold<SessionRecord['kind']> | undefined
  if (fold === undefined) throw new TypeError(`a record of unknown kind "${record.kind}"`)
  model.seq = record.seq
  fold(model, record)
  if (!leavesStop(record)) model.latest = emitted(record)
  if (record.by !== undefined) hear(model.heard, record.by, record.n ?? 0)
}

/** Whether a stop event sent before this record may still have to end the run, after a crash or a rewind. */
export function leavesStop({ kind }: SessionRecord): boolean {
  return (
    kind === 'wrote' ||
    kind === 'interrupted' ||
    kind === 'migrated' ||
    kind === 'rewound' ||
    kind === 'paused' ||
    kind === 'resumed'
  )
}

/** Tabs come and go. As many are remembered as may be open at a time. */
const TABS = 32

function hear(heard: Map<string, number>, tab: string, n: number): void {
  heard.delete(tab)
  heard.set(tab, n)
  for (const oldest of heard.keys()) if (heard.size > TABS) heard.delete(oldest)
}

type Folds = { readonly [Kind in SessionRecord['kind']]: Fold<Kind> }

/** Without a prototype, so that only kinds of records are found. */
const folds: Folds = /* @__PURE__ */ Object.assign(Object.create(null) as object, {
  // The first record: there is nothing to clear.
  created(model, { state, lineage }) {
    model.tree.restore(state)
    model.lineage = lineage
  },
  reset(model, { state, lineage }) {
    const { tree, seq, heard } = model
    tree.restore(state)
    Object.assign(model, createModel(state, lineage, tree), { seq, heard })
  },
  started: foldStarted,
  sent(model, { event }) {
    // An event came after all: a stalled run goes on.
    if (model.run?.end?.status === 'stalled') model.run.end = undefined
    deliver(model, event)
  },
  taken: foldTaken,
  wrote: foldWrote,
  saw(model, { exec: id, reads }) {
    const exec = model.execs.get(id)
    if (exec) addEntry(exec, { kind: 'saw', reads, version: model.changed, root: model.tree.root() })
  },
  opened: foldOpened,
  done: foldDone,
  answered(model, { exec, key, value, timeout }) {
    answer(model, exec, key, timeout ? { timeout } : { value })
  },
  flowWrote: foldFlowWrote,
  child(model, { exec: id, key, record, seq, at, private: paths }) {
    const exec = model.execs.get(id)
    const point = exec?.points.get(key)
    const child = point?.child
    if (exec === undefined || point === undefined || child === undefined) return
    reduce(child, { seq, at, ...record })
    if (record.kind === 'migrated') {
      point.begin = begunAs(point.begin as ChildBegin, record, paths)
      const names = record.names && Object.fromEntries(record.names)
      if (names) point.child = restoreModel(renamed(saveModel(child), names), child.tree)
    }
    // The sub-flow makes progress: what cuts it off again and again is counted inside it.
    if (record.kind !== 'interrupted') exec.interruptions = 0
  },
  collected: foldCollected,
  ended: foldEnded,
  gathered: foldGathered,
  finished: foldFinished,
  attemptFailed(model, { exec: id, attempt, retryAt, again = [] }) {
    rollback(model, [id])
    const exec = model.execs.get(id)
    if (exec === undefined) return
    for (const key of again) reopen(model, exec, key)
    exec.interruptions = 0
    exec.attempt = retryAt === undefined ? attempt : attempt + 1
    exec.retryAt = retryAt
  },
  interrupted(model, { execs, counts }) {
    rollback(model, execs)
    for (const id of execs) {
      const exec = model.execs.get(id)
      if (exec && counts) exec.interruptions++
    }
  },
  retried: foldRetried,
  // What older code had not committed was rolled back before. What a re-run reads has the new shape.
  migrated(model, { state }) {
    model.tree.restore(state)
    model.log = []
    const execs = model.execs.values()
    model.execs.clear()
    for (const exec of execs) {
      const entries = exec.entries.map((it): Entry => ({ ...done(it), root: state }))
      model.execs.add(exec.id, { ...exec, entries, root: state })
    }
  },
  paused: (model) => void (model.paused = true),
  resumed: (model) => void (model.paused = false),
  rewound: foldRewound,
} satisfies Folds)

/** The beginning of a sub-flow, in the shape of its newer code. */
function begunAs(begin: ChildBegin, { version, first }: Migrated, paths: ChildBegin['private']): ChildBegin {
  const { private: _old, ...rest } = begin
  return { ...rest, version, state: first, ...(paths && { private: paths }) }
}

/** Marks an entry as older code's: its writes and sends are not compared with those of newer code. */
function done(it: Entry): Entry {
  if (it.kind === 'sent') return { ...it, old: true }
  return it.kind === 'wrote' && it.ops.length > 0 ? { ...it, ops: [], old: true } : it
}
