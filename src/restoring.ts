import type { LoadErrorCode } from './errors'
import { History } from './session/history'
import type { Model } from './session/model'
import type { SessionRecord } from './session/record'
import { reduce } from './session/reduce'
import { restoreSession, type SavedSession } from './session/saved-session'
import { sameJson } from './state/same'
import type { CompiledSchema } from './state/schema'
import { Tree } from './state/tree'
import type { Tail } from './storage/exit-journal'
import type { Loaded } from './storage/load'
import type { StoredHead } from './storage/storage'
import type { Definition } from './workflow/workflow'

/** Stored data that is whole and yet not for this code. */
export class Refused extends Error {
  readonly code: LoadErrorCode
  constructor(code: LoadErrorCode, reason: string, cause?: unknown) {
    super(reason, { cause })
    this.code = code
  }
}

/** What a session is made of again, from what was stored of it. */
export interface RestoringParts {
  readonly definition: Definition
  readonly schema: CompiledSchema
  /** A session before its first record. */
  readonly fresh: (tree: Tree) => Model
}

/** Throws when the head says that this is no session for this code. */
export function accept({ name, version, graph }: Definition, head: StoredHead): void {
  if (head.workflow !== name)
    throw new Refused('WRONG_WORKFLOW', `it belongs to workflow "${head.workflow}", not to "${name}"`)
  if (head.version > version)
    throw new Refused(
      'NEWER_VERSION',
      `it has version ${head.version}, this code knows ${version}; reload the page`,
    )
  // A document is edited while its code stays: what its nodes have written is what they read.
  if (head.version < version && graph === undefined)
    throw new Refused(
      'MIGRATION_MISSING',
      `it has version ${head.version}, and nothing migrates it to ${version}`,
    )
}

/** A session as it was found; nothing when there was none. */
export interface Restored {
  readonly model: Model | undefined
  readonly history: History
}

/** Snapshot and records, folded and checked; beside the tree that is shown, until all of it is known to be good. */
function restored({ definition, schema, fresh }: RestoringParts, loaded: Loaded | undefined): Restored {
  const history = new History(definition.options.history)
  if (loaded === undefined) return { model: undefined, history }
  const { snapshot, records } = loaded
  const aside = new Tree(undefined)
  let model: Model
  try {
    model = snapshot
      ? restoreSession(snapshot.value as SavedSession, snapshot.at, aside, history)
      : fresh(aside)
    fold(model, history, records)
  } catch (error) {
    throw new Refused('UNREADABLE_RECORD', 'its records do not fit together', error)
  }
  check(schema, model.tree.root())
  return { model, history }
}

/**
 * The same with what a page had recorded and not stored when it was left: that goes on where storage ends, unless
 * somebody else has written since.
 */
export function continued(
  parts: RestoringParts,
  loaded: Loaded | undefined,
  tail: Tail | undefined,
): Restored {
  const stored = restored(parts, loaded)
  const seq = loaded?.head.seq ?? 0
  const fits = tail && tail.from <= seq + 1 && (loaded ? loaded.head.epoch === tail.epoch : tail.from === 1)
  if (!fits) return stored
  const { history, model = parts.fresh(new Tree(undefined)) } = stored
  try {
    fold(model, history, tail.records.slice(seq + 1 - tail.from))
    check(parts.schema, model.tree.root())
    return { model, history }
  } catch {
    // What was half folded is of no use any more.
    return restored(parts, loaded)
  }
}

function fold(model: Model, history: History, records: readonly unknown[]): void {
  for (const record of records as SessionRecord[]) {
    history.add(record, model)
    reduce(model, record)
  }
}

function check(schema: CompiledSchema, state: unknown): void {
  let accepted
  try {
    accepted = schema.initial(state)
  } catch (error) {
    throw new Refused(
      'STATE_INVALID',
      `its state does not pass the schema: ${(error as Error).message}`,
      error,
    )
  }
  if (!sameJson(accepted, state))
    throw new Refused('STATE_INVALID', 'the schema would change its state; raise the version')
}
