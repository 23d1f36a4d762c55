import type { StepDefinition } from '../workflow/step'
import type { LiveAttempt } from './step/live-attempt'
import { Roster } from './model/roster'

/** The attempts of this page by execution, with how many of each step there are: its busy workers. */
export class Attempts extends Roster<LiveAttempt> {
  readonly #busy = new Map<StepDefinition, number>()

  busy(step: StepDefinition): number {
    return this.#busy.get(step) ?? 0
  }

  override add(exec: number, attempt: LiveAttempt): void {
    this.#count(attempt.step, 1)
    super.add(exec, attempt)
  }

  override delete(exec: number): void {
    const step = this.get(exec)?.step
    if (step) this.#count(step, -1)
    super.delete(exec)
  }

  override clear(): void {
    this.#busy.clear()
    super.clear()
  }

  #count(step: StepDefinition, by: number): void {
    this.#busy.set(step, this.busy(step) + by)
  }
}
