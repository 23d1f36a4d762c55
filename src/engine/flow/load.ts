import type { Definition } from '../../workflow/workflow'
import { copyOnlyJson } from '../../state/json'
import type { CompiledSchema } from '../../state/schema'
import type { Writer } from '../../state/writer'
import { flowSchema } from '../../session/flow'
import { LoadError } from '../../storage-errors'
import { decodeFlow, type LoadedFlow } from '../../storage/flow'
import type { Refusal } from '../../storage/refusal'
import { accepting } from '../migration'
import type { OpeningDeps } from '../opening-deps'

/** What code says of a flow state. Newer code may take its place. */
export interface FlowCode {
  definition: Definition
  readonly writer: Writer
  initial: unknown
  /** The options of older definitions, which may come again. */
  readonly met: WeakSet<Definition['options']>
}

/** Whether a definition is newer code. Then it takes the place of what was there. */
export function isNewer(definition: Definition, code: FlowCode): boolean {
  const { version, options } = definition
  const had = code.definition
  if (options === had.options || code.met.has(options) || version < had.version) return false
  const schema = flowSchema(options.flowState)
  code.initial = beginningOf(schema)
  code.met.add(had.options)
  code.definition = definition
  code.writer.schema = schema
  return true
}

export function beginningOf({ initial }: CompiledSchema): unknown {
  return copyOnlyJson(initial(undefined), 'flowState')
}

/** Reads a workflow's flow state. Throws a Refusal for what is newer, damaged, or not what the schema takes. */
export async function loadFlow(
  { storage, serializer }: OpeningDeps,
  code: FlowCode,
): Promise<LoadedFlow | undefined> {
  const stored = await storage.readFlow(code.definition.name)
  if (stored === undefined) return undefined
  const loaded = await decodeFlow(stored, code.definition, serializer)
  return { ...loaded, state: accepting(code.writer.schema, loaded.state, 'STATE_INVALID') }
}

/** What newer code makes of a flow state, until it is read again: the defaults, where it does not take it. */
export function renewed(base: LoadedFlow, { writer, initial }: FlowCode): LoadedFlow {
  let state = initial
  try {
    if (base.seq > 0) state = writer.schema.initial(base.state)
  } catch {
    // It is refused when it is read.
  }
  return { ...base, state }
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
