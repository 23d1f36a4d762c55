import { DogearError, SessionStateError } from '../errors'
import { LoadError, StaleEpochError, type LoadRemedies } from '../storage-errors'
import { copyJson } from '../state/json'
import { Tree } from '../state/tree'
import type { Definition } from '../workflow/workflow'
import { FORMAT, SESSION_FORMAT } from '../storage/format'
import { mustBeKnown, Refusal, unreadable } from '../storage/refusal'
import type { Serializer } from '../storage/serializer'
import type { SessionStorage, StoredHead, StoredShape } from '../storage/storage'
import { Snapshots } from '../storage/snapshots'
import { storageError } from '../storage/storage-error'
import { withinLimit } from '../storage/time-limit'
import { Writer } from '../storage/writer'
import { History } from '../session/model/history'
import { Privacy } from '../session/model/privacy'
import { wrongIn } from '../session/model/saved-check'
import { restoreSession, type SavedSession } from '../session/model/saved-session'
import { statusOf } from '../session/model/status'
import { accept } from './migration'
import type { OpeningDeps } from './opening-deps'
import { placeOf } from './place'
import { tell } from './removing'
import { whole } from './restoring'

/** A whole session that is not stored yet: a fork, or one from outside. */
export interface Seedling extends SavedSession {
  readonly version: number
}

/**
 * Writes a whole session as the first snapshot of its id: all of it, or nothing. The claim refuses an id that exists, so
 * that of two tabs one wins.
 */
export async function plant(...given: Parameters<typeof stored>): Promise<void> {
  const [deps, , id] = given
  // A tab that leads in place of this one, which has closed its empty session, may claim the id meanwhile, and has nothing.
  // A second claim is enough: two that plant at once must not take the id from each other for ever.
  if (!(await stored(...given)) && !(await stored(...given))) throw taken(id)
  // A tab that leads under this id has nothing stored, and would otherwise hear of it only at its next write.
  tell(deps, placeOf(deps.storage, id))
}

/** Claims the id and stores the session. False when another tab has claimed the id since: what is there belongs to it. */
async function stored(
  deps: OpeningDeps,
  definition: Definition,
  id: string,
  { version, ...saved }: Seedling,
  own: Serializer = deps.serializer,
): Promise<boolean> {
  const { storage, clock, timeout } = deps
  const shape = { format: SESSION_FORMAT, workflow: definition.name, version }
  const epoch = await claimed(deps, id, shape)
  const model = restoreSession(saved, 0, new Tree(undefined), new History(0))
  const status = (): string => statusOf(model, false, undefined)
  const writer = new Writer({
    ...{ storage, id, clock, shape, timeout, status },
    serializer: own,
    epoch: () => epoch,
  })
  // A fork has private values in memory, and a copy may be from before its paths were private. A session of another version
  // has other paths, and is migrated first.
  const privacy = new Privacy(version === definition.version ? definition.options.private : [])
  try {
    await new Snapshots(writer).store({ seq: saved.seq, value: privacy.session(saved) })
  } catch (error) {
    if (error instanceof StaleEpochError && error.newest > 0) return false
    // What was given up may land yet, so it is removed; unless it is another page's by then.
    const undo = async (): Promise<void> => {
      const found = await storage.read(id)
      if (!found || found.head.epoch === epoch) await storage.delete(id)
    }
    await withinLimit(clock, undo(), timeout, '').catch(() => {})
    throw storageError(error)
  }
  return true
}

async function claimed(
  { storage, clock, timeout }: OpeningDeps,
  id: string,
  shape: StoredShape,
): Promise<number> {
  const begin = async (): ReturnType<SessionStorage['claim']> => {
    // A claim finds nothing of a session that has lost its head.
    if (await storage.read(id)) throw taken(id)
    return storage.claim(id, shape, 0)
  }
  const claim = withinLimit(clock, begin(), timeout, `claim of session "${id}"`)
  const { epoch } = await claim.catch((error: unknown) => {
    throw storageError(error)
  })
  if (!Number.isSafeInteger(epoch)) throw taken(id)
  return epoch as number
}

export function taken(id: string): Error {
  return new SessionStateError(`there is a session "${id}" already; give another id, or delete it first`)
}

/** A copy of what claims to be a session of this workflow. Throws a LoadError for anything else. */
export function checked(
  definition: Definition,
  json: unknown,
  id: string | undefined,
  remedies: LoadRemedies,
): Seedling & Named {
  try {
    return seedling(definition, json, id)
  } catch (error) {
    const known = error instanceof Refusal
    // The error of the copy names the place.
    const reason = known || error instanceof DogearError ? error.message : 'its parts do not fit together'
    const code = known ? error.code : 'UNREADABLE_RECORD'
    throw new LoadError(code, id ?? idOf(json), reason, remedies, error, 'imported session', '')
  }
}

function idOf(json: unknown): string {
  const { id } = (json ?? {}) as { id?: unknown }
  return typeof id === 'string' ? id : ''
}

interface Named {
  readonly id: string
}

function seedling(definition: Definition, json: unknown, id: string | undefined): Seedling & Named {
  if (typeof json !== 'object' || json === null) unreadable('it is no object; give what toJSON() gave')
  const head = json as Partial<StoredHead>
  if (
    !Number.isSafeInteger(head.format) ||
    !Number.isSafeInteger(head.version) ||
    !(Number(head.version) > 0)
  )
    unreadable('it is no saved session, as toJSON() gives it: it has no format and version')
  mustBeKnown('format', head.format as number, FORMAT)
  accept(definition, head as StoredHead)
  const copy = copyJson(json, 'session') as Seedling & Named & { format: number; workflow: string }
  const own = id ?? copy.id
  if (typeof own !== 'string' || own === '') unreadable('it has no id')
  const { format: _format, workflow: _workflow, ...saved } = { ...copy, id: own }
  whole(wrongIn(saved))
  if (!('state' in saved)) unreadable('it has no state')
  // Folding it once proves that it can be folded.
  const history = new History(Infinity)
  restoreSession(saved, 0, new Tree(undefined), history)
  for (const { seq } of history.entries().slice(-1)) history.at(seq)
  if (saved.seq > 0) return saved
  // Nobody has written to it. Without a record it still needs a number, to be a snapshot.
  const { history: _history, ...blank } = saved
  return { ...blank, seq: 1 }
}
