/** Executions that are to run again, by step, the oldest first. A busy step holds up no other. */
export class Backlog {
  readonly #steps = new Map<string, Set<number>>()
  size = 0

  add(exec: number, step: string): void {
    const execs = this.#steps.get(step)
    if (execs) execs.add(exec)
    else this.#steps.set(step, new Set([exec]))
    this.size++
  }

  /** Takes the oldest execution whose step may run. */
  take(mayRun: (step: string) => boolean): number | undefined {
    let oldest: number | undefined
    let from: Set<number> | undefined
    for (const [step, execs] of this.#steps) {
      const [exec] = execs
      if (exec === undefined || (oldest !== undefined && oldest < exec) || !mayRun(step)) continue
      oldest = exec
      from = execs
    }
    if (oldest === undefined) return undefined
    from?.delete(oldest)
    this.size--
    return oldest
  }

  clear(): void {
    this.#steps.clear()
    this.size = 0
  }
}
