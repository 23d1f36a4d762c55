import { copyOnlyJson } from '../../state/json'
import type { CompiledSchema } from '../../state/schema'
import type { Writer } from '../../state/writer'
import type { Definition } from '../../workflow/workflow'
import { flowSchema, flowWriter } from '../../session/flow'
import type { LoadedFlow } from '../../storage/flow'

/** What the newest code of a workflow in this page says of its flow state. */
export class FlowCode {
  definition: Definition
  readonly writer: Writer
  /** What it is before anything is stored. */
  initial: unknown
  /** The options of older definitions, which may come again. */
  readonly #met = new WeakSet<Definition['options']>()

  constructor(definition: Definition) {
    this.definition = definition
    this.writer = flowWriter(definition.options.flowState)
    this.initial = beginningOf(this.writer.schema)
  }

  /** Newer code takes the place of what was there. Returns whether it is newer. */
  renew(definition: Definition): boolean {
    const { version, options } = definition
    const had = this.definition
    if (options === had.options || this.#met.has(options) || version < had.version) return false
    const schema = flowSchema(options.flowState)
    this.initial = beginningOf(schema)
    this.#met.add(had.options)
    this.definition = definition
    this.writer.schema = schema
    return true
  }

  /** What it makes of a flow state until that is read again: the defaults, where it does not take it. */
  shown(base: LoadedFlow): LoadedFlow {
    let state = this.initial
    try {
      if (base.seq > 0) state = this.writer.schema.initial(base.state)
    } catch {
      // It is refused when it is read.
    }
    return { ...base, state }
  }
}

function beginningOf({ initial }: CompiledSchema): unknown {
  return copyOnlyJson(initial(undefined), 'flowState')
}
