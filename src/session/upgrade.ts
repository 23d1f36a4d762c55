import type { Definition } from '../workflow/workflow'

/** What says which code something was made by: a stored session, or a sub-flow that has begun. */
export interface Made {
  readonly workflow: string
  readonly version: number
}

/**
 * States of older code as a definition's migrations make them. Rejects when that cannot be, and when it is the code that
 * is older.
 */
export type Upgrade = (
  definition: Definition,
  made: Made,
  states: readonly unknown[],
) => Promise<readonly unknown[]>
