import type { CopyValue } from '../state/json'
import type { CompiledSchema } from '../state/schema'

/** What a new session's state begins with. */
export interface Beginning {
  readonly state: unknown
  /** Why no new session can begin: the schema requires something that was not given. A stored session does not need it. */
  readonly lack?: Error
}

export function beginning(schema: CompiledSchema, given: unknown, copy: CopyValue): Beginning {
  try {
    return { state: copy(schema.initial(given), 'initialState') }
  } catch (error) {
    if (given !== undefined) throw error
    return { state: {}, lack: error as Error }
  }
}
