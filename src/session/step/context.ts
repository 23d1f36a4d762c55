import { checkArgument } from '../../state/argument'
import { isPromise } from '../../state/thenable'
import { isEvent, type EventType, type WorkflowEvent } from '../../workflow/event'
import type { NodeHost } from '../../workflow/node'
import type { AnyMapping } from '../../workflow/mapping'
import type { AnyWorkflow, Shape } from '../../workflow/shape'
import type { StepContext, UnknownOutcome } from '../../workflow/step-context'
import type { Attempt } from './attempt'
import { knownEvent } from './known-event'
import { Phases } from './phases'
import { StepFlow } from './step-flow'
import { StepState } from './step-state'
import { runSubflow } from './subflow'

type Context = StepContext<Shape, unknown, unknown, unknown>

/** What a step's handler is given. Members are made when they are read, so that a tiny step costs little. */
export function makeContext(attempt: Attempt): Context {
  return new LiveContext(attempt) as unknown as Context
}

class LiveContext {
  readonly event: unknown
  readonly attempt: number
  readonly runId: string
  readonly #attempt: Attempt
  #state: StepState | undefined
  #flowState: StepFlow | undefined

  constructor(attempt: Attempt) {
    this.#attempt = attempt
    this.event = attempt.event
    this.attempt = attempt.exec.attempt
    // The id of its own run, also when it is read later.
    this.runId = attempt.core.model.run?.id ?? ''
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  get sessionId(): string {
    return this.#attempt.core.options.id
  }

  get step(): string {
    return this.#attempt.step.name
  }

  get state(): StepState {
    return (this.#state ??= new StepState(this.#attempt))
  }

  get flowState(): StepFlow {
    return (this.#flowState ??= new StepFlow(this.#attempt))
  }

  get resources(): unknown {
    return this.#attempt.core.options.resources.view
  }

  get once() {
    return (key: string, effect: (key: string) => unknown, options?: { onUnknownOutcome?: UnknownOutcome }) =>
      this.#fence(this.#attempt.points.effects.once(key, effect, options))
  }

  get ask() {
    return (event: WorkflowEvent, options?: { timeout?: number }) =>
      this.#fence(this.#attempt.points.ask(event, options))
  }

  get waitFor() {
    return (event: EventType, options?: Parameters<Attempt['points']['waitFor']>[1]) =>
      this.#fence(this.#attempt.points.waitFor(event, options))
  }

  get subflow() {
    return (workflow: AnyWorkflow, mapping?: AnyMapping) =>
      this.#fence(runSubflow(this.#attempt, this, workflow, mapping))
  }

  get sleep() {
    return (ms: number) => this.#fence(this.#attempt.points.sleep(ms))
  }

  get commit() {
    return () => this.#fence(this.#attempt.points.commit())
  }

  get collect() {
    return (event: WorkflowEvent, expected: readonly EventType[], options: { buffer?: string } = {}) => {
      try {
        const known = this.#attempt.points.collect(event, expected, options)
        // Mostly the result is known at once and needs no fence, which saves two promises for each.
        const sure = !isPromise(known) && this.#attempt.core.closed === undefined
        return sure ? Promise.resolve(known) : this.#fence(Promise.resolve(known))
      } catch (error) {
        return this.#attempt.fence(Promise.reject(error as Error), true)
      }
    }
  }

  get send() {
    return (event: unknown) => this.#attempt.send(event)
  }

  get stream() {
    return (event: WorkflowEvent) => {
      const { over, replay, core, step } = this.#attempt
      if (!isEvent(event)) knownEvent(event, [], () => `stream() of step "${step.name}"`, '')
      // A re-run repeats only what was shown before.
      if (over === undefined && replay.live) core.options.onStream(event)
    }
  }

  get progress() {
    return (fraction: number, label?: string) => {
      if (this.#attempt.over) return
      checkArgument('progress()', fraction, 'number')
      if (label !== undefined) checkArgument('progress(): label', label, 'string')
      // A sum of fractions may be a little more than 1.
      this.#attempt.core.options.onProgress({
        fraction: Math.min(fraction, 1),
        ...(label !== undefined && { label }),
      })
    }
  }

  get requireResource() {
    return (key: string) => this.#attempt.core.options.resources.require(key)
  }

  get getResource() {
    return (key: string, fallback?: unknown) => this.#attempt.core.options.resources.get(key, fallback)
  }

  get setResource() {
    return (key: string, value: unknown) => {
      if (!this.#attempt.over) this.#attempt.core.options.resources.set({ [key]: value })
    }
  }

  get deleteResource() {
    return (key: string) => {
      if (!this.#attempt.over) this.#attempt.core.options.resources.delete(key)
    }
  }

  /** For the handler of a node alone. */
  get '~node'(): NodeHost {
    const phases = new Phases(this.#attempt)
    return {
      phase: (key, run) => this.#fence(phases.phase(key, run)),
      execute: (run, rescue) => this.#fence(phases.execute(run, rescue)),
    }
  }

  #fence<T>(promise: Promise<T>): Promise<T> {
    return this.#attempt.fence(promise)
  }
}
