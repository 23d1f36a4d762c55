import { CancelledError, StalledError } from '../errors'
import type { Core } from './core'
import { deferred, type Deferred } from './deferred'
import { endError } from './failure'

/** How the run that is going on will end, or the last one has: the same promise and error for everybody. */
export class Outcome {
  private readonly core: Core
  private pending: Deferred<unknown> | undefined

  constructor(core: Core) {
    this.core = core
  }

  get promise(): Promise<unknown> {
    if (this.pending === undefined) {
      this.pending = deferred()
      this.settle()
    }
    return this.pending.promise
  }

  /** Why the run did not complete; `undefined` while it is going on. */
  get error(): Error | undefined {
    const end = this.core.model.run?.end
    if (end === undefined || end.status === 'completed') return undefined
    return endError(end, () => {
      if (end.status === 'cancelled') return new CancelledError(end.reason)
      return end.status === 'stalled' ? new StalledError(end.unconsumed ?? []) : undefined
    })
  }

  /** Tells those who wait, when the run has ended. */
  settle(): void {
    const end = this.core.model.run?.end
    if (end === undefined) return
    if (this.error) this.pending?.reject(this.error)
    else this.pending?.resolve(end.result)
  }

  /** Another run begins: who waited for the last one has been told. */
  renew(): void {
    this.pending = undefined
  }

  reject(error: Error): void {
    this.pending?.reject(error)
  }
}
