import { DogearError } from '../../errors'

/** Another tab executes this session, and without Web Locks this tab cannot take part in it. */
export class ReadOnlyError extends DogearError {
  override readonly name = 'ReadOnlyError'
  readonly code = 'READ_ONLY'
  declare readonly id: string
  constructor(id: string) {
    super(
      `session "${id}" is open in another tab, and this page has no Web Locks (plain http has none): it only shows the session; go on there, or call takeOver()`,
    )
    this.id = id
  }
}

/** The tab that executes the session does not answer. What was done here is kept, and waits for that tab. */
export class LeaderSilentError extends DogearError {
  override readonly name = 'LeaderSilentError'
  readonly code = 'LEADER_SILENT'
  declare readonly id: string
  constructor(id: string) {
    super(`the tab that executes session "${id}" does not answer; wait, close that tab, or call takeOver()`)
    this.id = id
  }
}

/** Another tab or device took the session over before what was done here was stored, and it cannot be done again now. */
export class OvertakenError extends DogearError {
  override readonly name = 'OvertakenError'
  readonly code = 'OVERTAKEN'
  declare readonly id: string
  /** The kinds of the records that are not part of the session; for a follower, the calls that would have made them. */
  declare readonly lost: readonly string[]
  constructor(id: string, lost: readonly string[]) {
    super(
      `session "${id}" went on elsewhere before this page had stored its last changes (${lost.join(', ')}): they are not part of it; check it, and make them again`,
    )
    this.id = id
    this.lost = lost
  }
}
