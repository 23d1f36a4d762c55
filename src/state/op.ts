/** How a record names a path: dotted text, or the segments when one of them has a dot or is empty. */
export type OpPath = string | readonly string[]

/**
 * One change of a state. Records keep operations, never resulting values: an append stays an append, so that
 * a rollback can take one step's changes out and apply everybody else's again. Frozen JSON, short on purpose:
 * this is what is journaled.
 */
export type Op =
  | readonly [op: 'set', path: OpPath, value: unknown]
  /** An item at the end of a list, or text at the end of a text; creates either when nothing is there. */
  | readonly [op: 'append', path: OpPath, item: unknown, as?: 'text' | 'list']
  /** Removes a key; in a list, splices one item out. */
  | readonly [op: 'delete', path: OpPath]
  | readonly [op: 'splice', path: OpPath, index: number, deleteCount: number, items: readonly unknown[]]
  /** The whole state. */
  | readonly [op: 'replace', value: unknown]
