import { LoadError } from '../../storage-errors'
import { decodeFlow, type LoadedFlow } from '../../storage/flow'
import type { Refusal } from '../../storage/refusal'
import { accepting, mustKeep } from '../migration'
import type { OpeningDeps } from '../opening-deps'
import type { FlowCode } from './code'

/** Reads a workflow's flow state. Throws a Refusal for what is newer, damaged, or not what the schema takes. */
export async function loadFlow(deps: OpeningDeps, code: FlowCode): Promise<LoadedFlow | undefined> {
  const { definition, writer } = code
  const stored = await deps.storage.readFlow(definition.name)
  const decoded = stored && (await decodeFlow(stored, definition, deps.serializer))
  const loaded = decoded && { ...decoded, state: accepting(writer.schema, decoded.state, 'STATE_INVALID') }
  // The next write stores the whole value. What a schema leaves out of it is gone then, which only a new version may want.
  if (loaded && stored.version === definition.version) mustKeep(loaded.state, decoded.state)
  // Newer code may have come meanwhile.
  return definition === code.definition ? loaded : loadFlow(deps, code)
}

/** The refusal as an error for the app, with what can be done about it. */
export function flowLoadError(
  { code, message, cause }: Refusal,
  name: string,
  { storage }: OpeningDeps,
  retry: () => Promise<void>,
): LoadError {
  const reset = async (): Promise<void> => {
    await storage.quarantineFlow(name, true)
    await retry()
  }
  const remedies = { retry, reset, export: () => storage.readFlow(name) }
  return new LoadError(code, name, message, remedies, cause, 'flow state')
}
