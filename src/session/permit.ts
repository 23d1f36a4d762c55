import type { Core } from './core'
import { heedStop } from './level'
import { interrupt } from './step/interruption'

const none: readonly string[] = []

/** Whether steps may run in this page: not before its resources are there, and somebody wants them to run. */
export class Permit {
  /** Opened without resuming, until somebody runs or resumes it. */
  held = false
  /** The session is shown, but not yet claimed by this page. */
  unclaimed = false
  readonly #core: Core
  #supplied = false
  /** Counts what was cut off, once work begins. */
  #count: (() => void) | undefined

  constructor(core: Core) {
    this.#core = core
  }

  /** The session has been read. What was cut off is rolled back now, and counted when work begins. */
  begin(held: boolean): void {
    this.held = held
    const { paused } = this.#core.model
    if (!paused) heedStop(this.#core)
    this.interrupt()
    if (!paused) this.granted()
  }

  /** What was cut off is rolled back now. */
  interrupt(): void {
    this.#count = interrupt(this.#core)
  }

  /** The work ends before it has begun again, so the interruption is not counted. */
  forget(): void {
    this.#count = undefined
  }

  /** Whether steps may run. The first time, what was cut off is counted. */
  granted(): boolean {
    if (this.waits || this.unclaimed) return false
    this.#supplied = true
    const count = this.#count
    this.#count = undefined
    count?.()
    // A crash loop ends the run.
    return this.#core.model.run?.end === undefined
  }

  get waits(): boolean {
    return this.held || this.missing.length > 0
  }

  /** Only until work begins: a resource that is taken away later is an error of the step that requires it. */
  get missing(): readonly string[] {
    return this.#supplied ? none : this.#core.options.resources.missing()
  }

  /** Another run begins: its resources are checked again. */
  renew(): void {
    this.#supplied = false
  }
}
