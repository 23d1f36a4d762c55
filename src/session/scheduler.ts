import { nextTask } from '../clock'
import { StepLimitError } from '../errors'
import type { StepDefinition } from '../workflow/step'
import { Attempt } from './attempt'
import { makeContext } from './context'
import type { Core } from './core'
import { failRun } from './failure'
import type { Fifo } from './fifo'
import type { Delivery, Execution } from './model'
import { RunTimer } from './run-timer'

/** Executions that may start in one task: then the page may draw, and what was recorded may be stored. */
const BURST = 256

/** Starts what can start: steps whose events are there, retries that are due, and the end when nothing is left. */
export class Scheduler {
  private readonly core: Core
  readonly #timers = new Map<string, unknown>()
  readonly #runTimer: RunTimer
  #awake = false
  /** Set while a paused session is stepped by hand. */
  #stepping = false
  #started: Attempt | undefined

  constructor(core: Core) {
    this.core = core
    this.#runTimer = new RunTimer(core)
    core.wake = () => this.run()
  }

  /** Runs until nothing can start any more. Called from inside itself, it only notes that there is more. */
  run(): void {
    if (this.#awake) return
    this.#awake = true
    try {
      let started = 0
      while (started < BURST && this.#startNext()) started++
      this.#armTimers()
      this.#runTimer.update(this.active)
      if (started < BURST) this.#stallIfDone()
      else nextTask(() => this.run())
    } finally {
      this.#awake = false
    }
  }

  /** Whether work may start at all. */
  get active(): boolean {
    const { core } = this
    const { run, paused } = core.model
    const may = !paused || this.#stepping
    return run !== undefined && run.end === undefined && may && core.closed === undefined && core.ready()
  }

  /** Ends every attempt and timer of this page; the model stays as it is. */
  stop(reason: Error): void {
    for (const attempt of this.core.attempts.values()) attempt.abort(reason)
    this.#clearTimers()
  }

  /** Lets one more execution start, and waits until it has ended or waits itself. */
  async step(): Promise<boolean> {
    const { core } = this
    if (!core.model.paused) core.append({ kind: 'paused' })
    this.#stepping = true
    this.#started = undefined
    while (this.#started === undefined && this.#startNext());
    await (this.#started as Attempt | undefined)?.settled
    this.#stepping = true
    this.#stallIfDone()
    this.#stepping = false
    return core.model.run !== undefined && core.model.run.end === undefined
  }

  /** Like a killed page: timers are gone, and what runs is never told. */
  halt(): void {
    this.#clearTimers()
    this.core.attempts.clear()
  }

  #clearTimers(): void {
    for (const timer of this.#timers.values()) this.core.options.clock.clearTimeout(timer)
    this.#timers.clear()
    this.#runTimer.rest()
  }

  #startNext(): boolean {
    if (!this.active) return false
    return this.#startAgain() || this.#closeScope() || this.#startQueued()
  }

  /** Interrupted and retried executions come before queued events. */
  #startAgain(): boolean {
    const { core } = this
    if (core.attempts.size === core.model.execs.size) return false
    for (const exec of core.model.execs.values()) {
      if (core.attempts.has(exec.id)) continue
      if (exec.retryAt !== undefined && exec.retryAt > core.options.clock.now()) continue
      const step = core.step(exec.step)
      // A step that is not there any more: its work is kept and reported, not dropped.
      if (step === undefined || !this.#hasWorker(step)) continue
      this.#start(exec, step)
      return true
    }
    return false
  }

  /** The oldest event first; of one event, the step that was defined first. */
  #startQueued(): boolean {
    const { core } = this
    let oldest: Delivery | undefined
    let best: StepDefinition | undefined
    for (const [name, queue] of core.model.queues) {
      const step = core.step(name)
      const head = queue.peek()
      if (step === undefined || head === undefined || !this.#hasWorker(step)) continue
      if (oldest && (oldest.id < head.id || (oldest === head && isBefore(best, step, head)))) continue
      if (step.join === 'allOf' && oneOfEach(queue, step) === undefined) continue
      oldest = head
      best = step
    }
    if (oldest === undefined || best === undefined) return false
    const ids = best.join === 'allOf' ? oneOfEach(core.model.queues.get(best.name), best) : [oldest.id]
    this.#take(best.name, ids ?? [], best)
    return true
  }

  #take(name: string, events: readonly number[], step: StepDefinition): void {
    const { core } = this
    const { model, definition } = core
    const limit = definition.options.maxSteps ?? 10_000
    if ((model.run?.steps ?? 0) >= limit) {
      failRun(core, undefined, 0, new StepLimitError(limit))
      return
    }
    const exec = model.nextExec
    core.append({ kind: 'taken', exec, step: name, events })
    const taken = model.execs.get(exec)
    if (taken) this.#start(taken, step)
  }

  #start(exec: Execution, step: StepDefinition): void {
    const attempt = new Attempt(this.core, exec, step)
    this.core.attempts.set(exec.id, attempt)
    this.#started = attempt
    // One is enough for a step by hand; what follows from it waits for the next.
    this.#stepping = false
    attempt.start(makeContext(attempt))
  }

  #hasWorker(step: StepDefinition): boolean {
    if (this.core.attempts.size < step.workers) return true
    let busy = 0
    for (const { step: other } of this.core.attempts.values()) if (other === step) busy++
    return busy < step.workers
  }

  #closeScope(): boolean {
    const { model, definition } = this.core
    for (const scope of model.scopes.values()) {
      if (scope.open > 0) continue
      const steps =
        scope.gathered.size > 0 ? [...scope.gathered.keys()] : gathersAfter(scope.step, definition)
      this.core.append({
        kind: 'gathered',
        scope: scope.id,
        to: steps.map((step, index) => ({ id: model.nextEvent + index, step })),
      })
      return true
    }
    return false
  }

  /** Timers of retries, deadlines and sleeps: one for each, fixed when it began. */
  #armTimers(): void {
    const { core } = this
    if (!core.timed && this.#timers.size === 0) return
    const due = new Map<string, { at: number; fire: () => void }>()
    if (this.active)
      for (const exec of core.model.execs.values()) {
        if (exec.retryAt !== undefined && !core.attempts.has(exec.id))
          due.set(`${exec.id}`, { at: exec.retryAt, fire: () => this.run() })
        for (const { key, deadline, result } of exec.points.values())
          if (deadline !== undefined && result === undefined)
            due.set(`${exec.id}/${key}`, { at: deadline, fire: () => this.#expire(exec, key) })
      }
    // While nothing may run the timers rest; they are needed again when it may.
    core.timed = due.size > 0 || !this.active
    const { clock } = core.options
    for (const [key, timer] of this.#timers)
      if (!due.has(key)) {
        clock.clearTimeout(timer)
        this.#timers.delete(key)
      }
    for (const [key, { at, fire }] of due) if (!this.#timers.has(key)) this.#arm(key, at, fire)
  }

  #arm(key: string, at: number, fire: () => void): void {
    const { clock } = this.core.options
    const timer = clock.setTimeout(
      () => {
        this.#timers.delete(key)
        fire()
      },
      Math.max(0, at - clock.now()),
    )
    this.#timers.set(key, timer)
  }

  #expire(exec: Execution, key: string): void {
    const point = exec.points.get(key)
    if (point === undefined || point.result !== undefined) return
    const attempt = this.core.attempts.get(exec.id)
    if (point.type !== 'sleep') this.core.append({ kind: 'answered', exec: exec.id, key, timeout: true })
    else if (attempt) attempt.points.done(key, 'sleep', {})
    else this.core.append({ kind: 'done', exec: exec.id, key, type: 'sleep' })
    this.run()
  }

  #stallIfDone(): void {
    const { core } = this
    const { model, definition } = core
    if (!this.active || model.execs.size > 0 || model.scopes.size > 0) return
    // Events that only come from outside may still come.
    if (definition.options.events?.some((it) => definition.routes.has(it.type))) return
    for (const [name, queue] of model.queues)
      if (queue.size > 0 && (core.step(name) === undefined || core.step(name)?.join !== 'allOf')) return
    const waiting = [...model.queues.values()].flatMap((it) => it.toArray().map((event) => event.type))
    const kept = [...model.buffers.values()].flat().map((it) => it.type)
    core.append({
      kind: 'finished',
      status: 'stalled',
      unconsumed: [...model.unconsumed, ...waiting, ...kept],
    })
  }
}

function isBefore(best: StepDefinition | undefined, step: StepDefinition, { to }: Delivery): boolean {
  return best !== undefined && to.indexOf(best.name) < to.indexOf(step.name)
}

/** One queued event of each type of an `allOf`, in its order; `undefined` while one is missing. */
function oneOfEach(queue: Fifo<Delivery> | undefined, step: StepDefinition): number[] | undefined {
  const left = queue?.toArray() ?? []
  const ids: number[] = []
  for (const { type } of step.on) {
    const index = left.findIndex((it) => it.type === type)
    if (index < 0) return undefined
    ids.push(...left.splice(index, 1).map((it) => it.id))
  }
  return ids
}

/** The gathering steps that a step's events lead to before any other gathering step. */
function gathersAfter(name: string, definition: Core['definition']): string[] {
  const found = new Set<string>()
  const seen = new Set([name])
  for (const from of seen)
    for (const { type } of definition.stepsByName.get(from)?.emits ?? [])
      for (const to of definition.routes.get(type) ?? [])
        if (definition.stepsByName.get(to)?.join === 'gather') found.add(to)
        else seen.add(to)
  return [...found]
}
