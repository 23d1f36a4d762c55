import type { Op } from '../../state/op'
import type { Persistence } from '../../storage/persistence'
import type { Shown } from './message'
import type { Outbox } from './outbox'

/** The leader of a session, for the other tabs. */
export interface Remote {
  /** What it last showed of itself. */
  readonly view: Shown | undefined
  readonly persistence: Persistence
  /** The asks that were answered here and are not known to be answered there. Another object when it changes. */
  readonly answering: ReadonlySet<string>
  /** What was asked of it, and is not answered yet. */
  readonly outbox: Pick<Outbox, 'mayBegin' | 'undoneOf'>
  /** Makes a write there, and shows it here at once. */
  write(ops: readonly Op[]): void
  /** The session is closed: resolves when what was done here is stored, or kept. */
  close(): Promise<void>
  /** Calls one of the session's methods there. */
  call(name: string, ...args: readonly unknown[]): Promise<unknown>
}
