import type { CopyValue } from '../state/json'
import type { Definition } from '../workflow/workflow'

/** Which code has made something: a stored session, or a sub-flow that has begun. */
export interface Made {
  readonly workflow: string
  readonly version: number
}

/**
 * Runs a definition's migrations on states of older code; `copy` checks and copies the results. Rejects when that is not
 * possible, and when this code is the older one.
 */
export type Upgrade = (
  definition: Definition,
  made: Made,
  states: readonly unknown[],
  copy: CopyValue,
) => Promise<readonly unknown[]>
