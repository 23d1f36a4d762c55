import { nameOf, type CopyValue } from '../state/json'
import type { Op } from '../state/op'
import { compileSchema } from '../state/schema'
import type { Schema } from '../state/standard-schema'
import type { StateStore } from '../state/store'
import type { View } from '../state/view'
import { Writer } from '../state/writer'
import type { Core } from './core'
import type { Execution } from './model/model'

/**
 * The flow state as a session uses it: that of all sessions of the workflow, stored apart, or in a sub-flow its own,
 * which is a part of the parent's journal.
 */
export interface SessionFlow {
  /** For everybody outside steps, and for reading. */
  readonly state: StateStore<unknown>
  readonly writer: Writer
  readonly initial: unknown
  /** Reads the newest flow state, as far as it can be read. Never rejects. */
  fresh(): Promise<void>
  /** Makes a step's write, once for each key of an execution; resolves when it is kept, and recorded. */
  write(step: FlowWrite, change: StepChange): Promise<void>
  /** Resolves when everything so far is durable; rejects with the storage's error. */
  flush(): Promise<void>
}

/** Makes the operations of a step's write for a given state; called again when another page was faster. */
export type StepChange = (view: View) => readonly Op[] | Promise<readonly Op[]>

/** A write to flow state, and whose it is. */
export interface FlowWrite {
  readonly core: Core
  readonly exec: Execution
  readonly key: string
}

const NAME = 'flowState'

/** Makes the operations of writes to a flow state. What is refused is named as a part of that. */
export function flowWriter(
  schema: Schema | undefined,
  copy: CopyValue,
  same?: Parameters<typeof compileSchema>[1],
): Writer {
  return new Writer(compileSchema(schema, same, NAME), (value, where) => copy(value, nameOf(where, NAME)))
}
