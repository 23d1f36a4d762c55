import type { Op } from '../../state/op'
import type { Keys } from '../../state/path-types'
import type { View } from '../../state/view'
import type { Path } from '../../state/path'
import type { Writer } from '../../state/writer'

/** Makes the operation of a write from what is at its path; nothing when nothing would change. */
export type Make = (view: View, path: Path) => Op | undefined

/** Makes a write; `name` is its name in the ledger. */
type Write = (name: string, path: string | Keys, make: Make) => Promise<void>

/** The writes of a step, except edits, to the state or to the flow state. Each method can be taken off. */
export class StepWrites {
  readonly set: (path: string | Keys, value: unknown) => Promise<void>
  readonly append: (path: string | Keys, item: unknown) => Promise<void>
  readonly delete: (path: string | Keys) => Promise<void>
  readonly replace: (state: unknown) => Promise<void>
  readonly reset: () => Promise<void>

  constructor(writer: Writer, initial: unknown, write: Write) {
    this.set = (path, value) => write('set', path, (view, at) => writer.set(view, at, value, true))
    this.append = (path, item) => write('append', path, (view, at) => writer.append(view, at, item))
    this.delete = (path) => write('delete', path, (view, at) => writer.delete(view, at, true))
    this.replace = (state) => write('replace', '', (view) => writer.replace(view, state))
    this.reset = () => write('reset', '', (view) => writer.replace(view, initial, initial))
  }
}
