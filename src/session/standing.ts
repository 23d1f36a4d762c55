import { SessionStateError } from '../errors'
import type { Persistence } from '../storage/persistence'
import type { Core } from './core'
import type { Gate } from './gate'
import type { Model } from './model/model'
import { orphansOf, type Orphan } from './orphans'
import type { Outcome } from './outcome'
import type { Permit } from './permit'
import { exportable, saveSession, type SavedSession } from './model/saved-session'
import type { Role } from './session'
import { statusOf, type Status } from './model/status'

/** What a session shows of itself, whatever it is doing: nothing here changes anything. */
export abstract class Standing {
  abstract readonly core: Core
  abstract readonly gate: Gate
  abstract readonly permit: Permit
  abstract readonly outcome: Outcome

  get ready(): Promise<void> {
    return this.gate.ready
  }

  get role(): Role {
    if (this.gate.phase !== 'open' || this.gate.error) return 'reader'
    return this.core.remote ? 'follower' : 'leader'
  }

  get status(): Status {
    const { phase, refused } = this.gate
    if (phase === 'loading') return phase
    if (refused) return 'error'
    const { core } = this
    const { remote } = core
    const status = remote?.view?.status
    if (status !== undefined) return status === 'waiting' && remote?.answering.size ? 'running' : status
    return statusOf(core.model, this.permit.waits || core.lacking.length > 0, core)
  }

  get persistence(): Persistence {
    const { core, gate } = this
    return (gate.error ? undefined : (core.remote ?? core.journal)?.persistence) ?? gate.persistence
  }

  get missingResources(): readonly string[] {
    const { remote, lacking, options } = this.core
    const own = remote?.view?.missing ?? options.resources.missing()
    return lacking.length > 0 ? [...new Set([...own, ...lacking])].sort() : own
  }

  get error(): Error | undefined {
    return this.gate.error ?? this.outcome.error
  }

  get result(): unknown {
    return this.core.model.run?.end?.result
  }

  get orphans(): Orphan[] {
    return [...this.core.levels].flatMap(orphansOf)
  }

  /** Whether somebody waits for the session, for its run, or in one of its steps. */
  protected get isAwaited(): boolean {
    const { attempts, children } = this.core
    const loads = this.gate.phase !== 'open' || this.permit.unclaimed
    return loads || attempts.size + children.size > 0 || this.outcome.awaited
  }

  /** The number up to which everything is stored. */
  get stored(): number {
    return this.core.journal?.stored ?? 0
  }

  /** The whole session without private values, for a snapshot. */
  save(model: Model = this.core.model): SavedSession {
    return this.core.options.privacy.session(saveSession(this.core, model))
  }

  toJSON(): unknown {
    const { phase, refused, error } = this.gate
    const { definition, model, options } = this.core
    const { id } = options
    // Nothing was read yet: the copy would be an empty session, and pass for a backup.
    if ((phase === 'loading' || refused) && model.seq === 0)
      throw error ?? new SessionStateError(`session "${id}" is loading; await its \`ready\``)
    const head = { format: 1, workflow: definition.name, version: definition.version }
    return exportable({ ...head, id, ...this.save() })
  }
}
