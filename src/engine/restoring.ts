import type { Clock } from '../clock'
import type { CopyValue } from '../state/json'
import { sameContent } from '../state/same'
import type { CompiledSchema } from '../state/schema'
import { Tree } from '../state/tree'
import type { Definition } from '../workflow/workflow'
import type { Tail } from '../storage/tail'
import type { Loaded } from '../storage/load'
import { mustBeKnown, mustBeWhole, unreadable } from '../storage/refusal'
import { History } from '../session/model/history'
import type { Model } from '../session/model/model'
import type { SessionRecord } from '../session/model/record'
import { renamed } from '../session/model/renamed'
import { interrupted } from '../session/step/interruption'
import type { Privacy } from '../session/model/privacy'
import { wrongIn, wrongInRecord } from '../session/model/saved-check'
import { saveModel } from '../session/model/saved-model'
import { restoreSession, type SavedSession } from '../session/model/saved-session'
import { wholeHistory } from '../session/model/short-records'
import { accepting, migrated, mustKeep } from './migration'
import { isKnown } from './overtaken'

/** What is needed to restore a session from what is stored. */
export interface RestoringParts {
  readonly definition: Definition
  readonly schema: CompiledSchema
  readonly copy: CopyValue
  readonly privacy: Privacy
  /** A session before its first record. */
  readonly fresh: (tree: Tree) => Model
  /** Why no session can begin where nothing is stored. */
  readonly lack: Error | undefined
  /** For the time of a migration. */
  readonly clock: Clock
}

/** A session as it was found; nothing when there was none. */
export interface Restored {
  readonly model: Model | undefined
  readonly history: History
  /** What a page had left in its exit journal, and is part of it. */
  readonly tail?: Tail | undefined
  /** What a page had left, and does not continue it. */
  readonly dropped?: Tail
}

/** Folds and checks snapshot and records, in a tree beside the one that is shown, until all of it is known to be good. */
function folded(parts: RestoringParts, loaded: Loaded | undefined): Restored {
  const { definition, fresh } = parts
  const history = new History(definition.options.history)
  if (loaded === undefined) return { model: undefined, history }
  const { snapshot, records } = loaded
  const aside = new Tree(undefined)
  const names = definition.options.renamedSteps
  try {
    const saved = wholeHistory(snapshot?.value) as SavedSession
    if (snapshot) whole(wrongIn(saved))
    const model = snapshot ? restoreSession(renamed(saved, names), snapshot.at, aside, history) : fresh(aside)
    goOn(parts, model, history, records)
    // Parts that are right and fold without complaint may still not fit together.
    if (records.length > 0 || names) whole(wrongIn(saveModel(model)))
    return { model, history }
  } catch (error) {
    unreadable('its records do not fit together', error)
  }
}

/** Folds the records after that, wherever they were read: checked, and with the present names of steps. */
function goOn(
  { definition }: RestoringParts,
  model: Model,
  history: History,
  records: readonly unknown[],
): void {
  for (const it of records as readonly SessionRecord[]) {
    whole(wrongInRecord(it))
    history.fold(model, renamed(it, definition.options.renamedSteps))
  }
}

/** Refuses what is wrong at the named place. */
export function whole(wrong: string | undefined): void {
  if (wrong !== undefined) mustBeWhole(false, wrong)
}

/** Migrates the session to this code's version, or checks that it has it. */
async function settled(
  parts: RestoringParts,
  version: number,
  model: Model,
  history: History,
): Promise<void> {
  const { definition, schema, privacy } = parts
  if (version < definition.version && definition.graph === undefined)
    return migrate(parts, version, model, history)
  const accepted = accepting(schema, model.tree.root(), 'STATE_INVALID')
  // Private values were not stored: they begin anew.
  const state = privacy.filled(model.tree.root(), accepted)
  if (sameContent(accepted, state)) {
    if (state !== model.tree.root()) model.tree.restore(state)
    return
  }
  mustKeep(accepted, state)
  await migrate(parts, definition.version, model, history)
}

/**
 * The same, with what a page had recorded and not stored when it was left. That continues what is stored, unless somebody
 * else has written since.
 */
export async function continued(
  parts: RestoringParts,
  loaded: Loaded | undefined,
  tail: Tail | undefined,
): Promise<Restored> {
  const seq = loaded?.head.seq ?? 0
  const same = loaded?.head.epoch === tail?.epoch
  if (tail && tail.from <= seq + 1)
    try {
      mustBeKnown('version', tail.version, parts.definition.version)
      const { history, model = parts.fresh(new Tree(undefined)) } = folded(parts, loaded)
      const left = tail.records.slice(seq + 1 - tail.from) as SessionRecord[]
      // Its last write may have landed all the same, before somebody has claimed the session.
      const last = tail.records[seq - tail.from] as SessionRecord | undefined
      const goesOn = tail.base === seq || (last && isKnown(last, { history }))
      if (loaded && !same && !(goesOn && model.lineage === tail.lineage)) whole('lineage')
      goOn(parts, model, history, left)
      // A tab that led beside silent storage had heard the epoch from others, and may have had a session of its own.
      if (loaded && model.lineage !== tail.lineage) whole('lineage')
      // Outside of a storage nobody can say whose records these are.
      whole(wrongIn(saveModel(model)))
      // A session without records has the version of whoever has claimed it.
      const made = left.reduce(
        (version, it) => (it.kind === 'migrated' ? it.version : version),
        loaded && seq > 0 ? loaded.head.version : tail.version,
      )
      await settled(parts, made, model, history)
      return { model, history, tail }
    } catch {
      // What was half folded is of no use.
    }
  const stored = folded(parts, loaded)
  if (loaded && stored.model) await settled(parts, loaded.head.version, stored.model, stored.history)
  else if (parts.lack) throw parts.lack
  return tail ? { ...stored, dropped: tail } : stored
}

/** First rolls back what was cut off, because its writes have the old shape. */
async function migrate(
  { definition, schema, copy, clock }: RestoringParts,
  from: number,
  model: Model,
  history: History,
): Promise<void> {
  const execs = interrupted(model)
  const before = model.tree.root()
  const stamp = (): { seq: number; at: number } => ({ seq: model.seq + 1, at: clock.now() })
  if (execs.length > 0) history.fold(model, { kind: 'interrupted', execs, ...stamp() })
  const state = await migrated(definition, schema, copy, from, model.tree.root(), before)
  history.fold(model, { kind: 'migrated', version: definition.version, state, ...stamp() })
}
