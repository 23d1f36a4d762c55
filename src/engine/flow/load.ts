import { LoadError } from '../../storage-errors'
import type { CompiledSchema } from '../../state/schema'
import type { Definition } from '../../workflow/workflow'
import { decodeFlow, type LoadedFlow } from '../../storage/flow'
import type { Refusal } from '../../storage/refusal'
import { accepting } from '../migration'
import type { OpeningDeps } from '../opening-deps'

/** Reads a workflow's flow state. Throws a Refusal for what is newer, damaged, or not what the schema takes. */
export async function loadFlow(
  { storage, serializer }: OpeningDeps,
  definition: Definition,
  schema: CompiledSchema,
): Promise<LoadedFlow | undefined> {
  const stored = await storage.readFlow(definition.name)
  if (stored === undefined) return undefined
  const loaded = await decodeFlow(stored, definition, serializer)
  return { ...loaded, state: accepting(schema, loaded.state, 'STATE_INVALID') }
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
