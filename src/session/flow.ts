import { copyOnlyJson, nameOf, type CopyValue } from '../state/json'
import type { Op } from '../state/op'
import { compileSchema, type CompiledSchema } from '../state/schema'
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
  fresh?(): Promise<void>
  /** Makes a step's write, once for each name in an execution; resolves when it is kept, and recorded. */
  write(attempt: FlowAttempt, name: string, change: StepChange): Promise<void>
  /** Resolves when everything so far is durable; rejects with the storage's error. */
  flush?(): Promise<void>
}

/** Makes the operations of a step's write for a given state; called again when another page was faster. */
export type StepChange = (view: View) => readonly Op[] | Promise<readonly Op[]>

/** The attempt that writes to flow state. What it waits for is none of its time when that is storage. */
export interface FlowAttempt {
  readonly core: Core
  readonly exec: Execution
  awaiting<T>(wait: Promise<T>, forStorage: boolean): Promise<T>
}

type SameValues = Parameters<typeof compileSchema>[1]

const NAME = 'flowState'

/** What is refused is named as a part of the flow state, here and below. */
export function flowSchema(schema: Schema | undefined, same?: SameValues): CompiledSchema {
  return compileSchema(schema, same, NAME)
}

/** Makes the operations of writes to a flow state: of JSON whatever the serializer, unless it is part of a session. */
export function flowWriter(
  schema: Schema | undefined,
  same?: SameValues,
  copy: CopyValue = copyOnlyJson,
): Writer {
  return new Writer(flowSchema(schema, same), (value, where, before) =>
    copy(value, nameOf(where, NAME), before),
  )
}
