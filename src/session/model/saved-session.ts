import { SerializationError } from '../../errors'
import { copyJson } from '../../state/json'
import type { Tree } from '../../state/tree'
import type { History, SavedHistory } from './history'
import type { Model } from './model'
import { restoreModel, saveModel, type SavedModel } from './saved-model'

/** A session with its history as plain JSON: what a snapshot holds. */
export interface SavedSession extends SavedModel {
  /** The keys of the resources that were there, sorted. The resources themselves are never kept. */
  readonly resourceKeys: readonly string[]
  readonly history?: SavedHistory
}

/** What of a session is saved beside its model. */
interface Saving {
  readonly history: History
  readonly options: { readonly resources: { keys(): readonly string[] } }
}

/** A model with the history up to that record. Before the first record there is none. */
export function saveSession(
  { history, options }: Saving,
  model: Model,
  upTo: number = Infinity,
): SavedSession {
  const saved = upTo > 0 ? history.save(model.tree.root(), upTo) : undefined
  return { ...saveModel(model), resourceKeys: options.resources.keys(), ...(saved && { history: saved }) }
}

/** The model of a snapshot that was taken at that time. Its history goes into the given one. */
export function restoreSession(saved: SavedSession, at: number, into: Tree, history: History): Model {
  const model = restoreModel(saved, into)
  history.restore(saved.history, model, at)
  return model
}

/** A copy that nobody else holds, for whoever wants to keep it. Strict JSON, or it throws. */
export function exportable(session: object): unknown {
  try {
    return copyJson(session, 'session')
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    throw new SerializationError(error.path, error.kind, 'use engine.export(id), which takes any value')
  }
}
