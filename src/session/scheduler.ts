import { nextTask } from '../clock'
import { StepLimitError } from '../run-errors'
import type { StepDefinition } from '../workflow/step'
import { Attempt } from './step/attempt'
import { Backlog } from './backlog'
import { makeContext } from './step/context'
import type { Core } from './core'
import type { Deadlines } from './deadlines'
import { failRun } from './step/failure'
import { gathersAfter } from './gathers'
import { heedStop } from './level'
import type { LiveAttempt } from './step/live-attempt'
import { goesOn, type Execution, type Scope } from './model/model'
import { MOST_STEPS } from './outcome'
import { hasWorker, nextQueued } from './queued'
import { RunTimer } from './run-timer'

/** How many executions may start in one task. After them the page may draw, and what was recorded may be stored. */
const BURST = 256

/** Starts what can start: steps whose events are there, retries that are due, and the end when nothing is left. */
export class Scheduler {
  private readonly core: Core
  readonly #backlog = new Backlog()
  readonly #deadlines: Deadlines
  readonly #runTimer: RunTimer
  #awake = false
  /** What the sub-flows were last told: whether work may start. */
  #wasActive = false
  /** Set during `step()` of a paused session. */
  #stepping = false
  /** What has started since `step()` was called. */
  #started: Attempt[] | undefined

  constructor(core: Core) {
    this.core = core
    this.#runTimer = new RunTimer(core)
    this.#deadlines = core.deadlines
    core.wake = () => this.run()
    core.active = () => this.active
    core.stepped = () => {
      this.#stepping = false
      core.options.within?.stepped()
    }
  }

  /** Runs until nothing can start any more. Called from inside itself, it only notes that there is more. */
  run(): void {
    if (this.#awake) return
    this.#awake = true
    try {
      let started = 0
      while (started < BURST && this.#startNext()) started++
      const active = this.#tellChildren()
      // The timer rests while nothing may run.
      if (active) this.#deadlines.arm(this.core.wake)
      else this.#deadlines.rest()
      this.#runTimer.update(active)
      if (started < BURST) this.#stallIfDone()
      else nextTask(this.core.wake)
    } finally {
      this.#awake = false
    }
    this.core.options.within?.ran()
  }

  /** A sub-flow starts its own work. From here it only hears whether it may. Returns whether work may start by then. */
  #tellChildren(): boolean {
    const { active } = this
    if (this.#wasActive === active) return active
    this.#wasActive = active
    for (const child of this.core.children.values()) child.wake()
    return this.active
  }

  /** Whether work may start at all. */
  get active(): boolean {
    const { core } = this
    const may = !core.model.paused || this.#stepping
    return may && goesOn(core.model) && core.closed === undefined && core.ready()
  }

  /**
   * Ends every attempt and timer of this page; the model stays as it is. With `'crashed'` like a killed page: running attempts
   * never hear of it.
   */
  stop(reason: Error | 'crashed'): void {
    const { attempts, children } = this.core
    if (reason === 'crashed') attempts.clear()
    else if (attempts.size > 0) for (const attempt of attempts.values()) attempt.abort(reason)
    if (children.size > 0) {
      const open = [...children.values()]
      children.clear()
      for (const child of open) child.end(reason)
    }
    this.#deadlines.rest()
    this.#runTimer.rest()
  }

  /** Lets one execution start, here or in a sub-flow. */
  startOne(): LiveAttempt | undefined {
    const all: LiveAttempt[] = (this.#started = [])
    // The records that this makes start nothing else.
    this.#awake = true
    try {
      while (all.length === 0 && this.#startNext());
      let started = all.at(-1)
      // Nobody else tells a sub-flow of a paused session that nothing is left in it.
      if (started === undefined) this.#stallIfDone()
      for (const child of this.core.children.values()) started ??= child.startOne()
      return started
    } finally {
      this.#started = undefined
      this.#awake = false
    }
  }

  /** Lets one more execution start, and waits until it has ended or waits itself. */
  async step(): Promise<boolean> {
    const { core } = this
    if (!core.model.paused) core.append({ kind: 'paused' })
    // A rewind may have led to right before the end.
    heedStop(core)
    this.#stepping = true
    const started = this.startOne()
    this.#stepping = false
    // When nothing can start, a loop of steps waits a task for what is to come, such as the result of a sub-flow.
    await (started ? started.settled : new Promise<void>(nextTask))
    this.#stepping = true
    this.#stallIfDone()
    this.#stepping = false
    return goesOn(core.model)
  }

  #startNext(): boolean {
    if (!this.active) return false
    this.#survey()
    this.#expire()
    return this.#startAgain() || this.#closeScope() || this.#startQueued()
  }

  /** Interrupted and retried executions come before queued events. */
  #startAgain(): boolean {
    const { core } = this
    while (this.#backlog.size > 0) {
      const id = this.#backlog.take((name) => hasWorker(core, core.step(name)))
      if (id === undefined) return false
      const exec = core.model.execs.get(id)
      const step = exec && core.step(exec.step)
      if (exec === undefined || step === undefined || core.attempts.has(id)) continue
      this.#start(exec, step)
      core.options.onChange()
      return true
    }
    return false
  }

  /** What is to run again is known from what happens. After a load or a new start the whole model is searched. */
  #survey(): void {
    const { model, attempts, deadlines, unsurveyed } = this.core
    if (!unsurveyed) return
    this.core.unsurveyed = false
    this.#backlog.clear()
    deadlines.clear()
    for (const { id, step, retryAt, points } of model.execs.values()) {
      for (const { key, deadline, result } of points.values())
        if (deadline !== undefined && result === undefined) deadlines.add({ at: deadline, exec: id, key })
      if (attempts.has(id)) continue
      if (retryAt === undefined) this.#backlog.add(id, step)
      else deadlines.add({ at: retryAt, exec: id })
    }
    deadlines.since(this.core.storedAt)
  }

  #startQueued(): boolean {
    const { core } = this
    const queued = nextQueued(core)
    if (queued === undefined) return false
    const { step, events } = queued
    const { model, definition } = core
    const limit = definition.options.maxSteps ?? MOST_STEPS
    if ((model.run?.steps ?? 0) >= limit) {
      failRun(core, undefined, 0, new StepLimitError(limit))
      return true
    }
    const exec = model.nextExec
    core.append({ kind: 'taken', exec, step: step.name, events, seq: 0, at: 0 })
    const taken = model.execs.get(exec)
    if (taken) this.#start(taken, step)
    return true
  }

  #start(exec: Execution, step: StepDefinition): void {
    const attempt = new Attempt(this.core, exec, step)
    this.core.attempts.add(exec.id, attempt)
    this.#started?.push(attempt)
    // A step by hand starts one; what follows from it waits for the next step.
    this.core.stepped()
    attempt.start(makeContext(attempt))
  }

  #closeScope(): boolean {
    const { model, definition } = this.core
    if (model.ripe.size > 0)
      for (const id of model.ripe) {
        const scope = model.scopes.get(id) as Scope
        const steps = gathersAfter(scope, definition)
        this.core.append({
          kind: 'gathered',
          scope: scope.id,
          to: steps.map((step, index) => ({ id: model.nextEvent + index, step })),
        })
        return true
      }
    return false
  }

  /** Retries that are due join the backlog; waits and sleeps whose time has come are over. */
  #expire(): void {
    const { core } = this
    for (let due = core.deadlines.take(); due; due = core.deadlines.take()) {
      const { exec: id, key } = due
      const exec = core.model.execs.get(id) as Execution
      const attempt = core.attempts.get(id)
      if (key === undefined) this.#backlog.add(id, exec.step)
      else if (exec.points.get(key)?.type !== 'sleep')
        core.append({ kind: 'answered', exec: id, key, timeout: true })
      else if (attempt) attempt.points.log.done(key, 'sleep', {})
      else core.append({ kind: 'done', exec: id, key, type: 'sleep' })
    }
  }

  #stallIfDone(): void {
    const { core } = this
    const { model, definition } = core
    if (!this.active || model.execs.size > 0 || model.ripe.size > 0) return
    // Events that only come from outside may still come.
    if (definition.options.events.some((it) => definition.routes.has(it.type))) return
    // After a step by hand, what may start waits for the next one.
    if (nextQueued(core)) return
    for (const [name, queue] of model.queues) if (queue.size > 0 && core.step(name) === undefined) return
    const waiting = [...model.queues.values()].flatMap((it) => it.items).map((it) => it.type)
    const kept = [...model.buffers.values()].flat().map((it) => it.type)
    core.append({
      kind: 'finished',
      status: 'stalled',
      unconsumed: [...model.unconsumed, ...waiting, ...kept],
    })
  }
}
