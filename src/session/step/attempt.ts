import { ReplayMismatchError, SessionStateError, TimeoutError } from '../../errors'
import { frozen } from '../../state/development'
import { isThenable } from '../../state/thenable'
import type { WorkflowEvent } from '../../workflow/event'
import { retryDelay } from '../../workflow/retry'
import type { StepDefinition } from '../../workflow/step'
import type { Core } from '../core'
import type { Execution } from '../model/model'
import { Points } from './points'
import { lineOf, type Emission } from '../model/record'
import { deferred, never, type Deferred } from '../deferred'
import { isUnknown } from './effects'
import { isForNone } from '../gathers'
import { failStep } from './failure'
import { knownEvent } from './known-event'
import { recordError } from '../model/recorded-error'
import { emissionsOf, isUnclear, whenClear } from '../routing'
import { Replay } from './replay'
import { WorkTime } from './work-time'

/**
 * One try at running a step: from the top of its handler to its end, a failure, or an abort. Everything it does goes
 * through here and is fenced: once the attempt is over, nothing of it counts any more.
 */
export class Attempt {
  readonly core: Core
  readonly exec: Execution
  readonly step: StepDefinition
  /** Why the attempt is over; `undefined` while it runs. */
  over: Error | undefined
  /** When the next attempt is due, if that is decided; otherwise the step's policy decides it after a failure. */
  due: { readonly delay: number | undefined } | undefined
  /** How many edits of this attempt are open, and the last of the writes that wait for their turn. */
  editing = 0
  waiting: Promise<unknown> | undefined
  sends: readonly WorkflowEvent[] = none
  #replaying: Replay | undefined
  #recording: Points | undefined
  #controller: AbortController | undefined
  private readonly number: number
  /** How much was recorded before this attempt. */
  readonly #begun: number
  readonly #time: WorkTime | undefined
  waitsFor = 0
  /** How many of its calls wait, also for storage: its clock stands still. */
  #resting = 0
  #settling: Deferred<void> | undefined
  #endings: Set<() => void> | undefined

  constructor(core: Core, exec: Execution, step: StepDefinition) {
    this.core = core
    this.exec = exec
    this.step = step
    this.number = exec.attempt
    this.#begun = exec.entries.length
    if (step.timeout !== undefined) this.#time = this.#limit(step.timeout)
  }

  #limit(timeout: number): WorkTime {
    const late = (): Error => new TimeoutError('step', `step "${this.step.name}"`, timeout)
    return new WorkTime(this.core.options.clock, timeout, late, (error) => this.#fail(error))
  }

  /** Made on first use, like the signal: most steps never use it. */
  get replay(): Replay {
    return (this.#replaying ??= new Replay(this.exec, this.#begun))
  }

  get points(): Points {
    return (this.#recording ??= new Points(this))
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.over) this.#controller.abort(this.over)
    return this.#controller.signal
  }

  /** What the handler gets: its event, or all of them. */
  get event(): unknown {
    const { exec, step } = this
    return step.join === 'any' ? plain(exec.events[0]) : exec.events.map(plain)
  }

  /** Registers a cleanup for the end of the attempt. What is returned does it at once; then nothing is kept of it. */
  ending(end: () => void): () => void {
    const own = (): void => {
      this.#endings?.delete(own)
      end()
    }
    if (this.over) end()
    else (this.#endings ??= new Set()).add(own)
    return own
  }

  get settled(): Promise<void> {
    this.#settling ??= deferred()
    if (this.over || this.waitsFor > 0) this.#settling.resolve()
    return this.#settling.promise
  }

  start(ctx: Parameters<StepDefinition['handler']>[0]): void {
    this.#time?.work()
    try {
      const outcome: unknown = this.step.handler(ctx, ctx.event)
      if (isThenable(outcome))
        outcome.then(
          (value) => this.#end(value),
          (error: unknown) => this.#fail(error),
        )
      else this.#end(outcome)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Ends the attempt from outside. Records nothing. */
  abort(reason: Error): void {
    if (this.over) return
    this.#finish(reason)
    this.#controller?.abort(reason)
  }

  send(event: unknown): void {
    if (this.over) return
    const sent = this.#genuine(event)
    if (this.replay.sent(sent)) return
    if (this.sends === none) this.sends = []
    ;(this.sends as WorkflowEvent[]).push(sent)
  }

  get isUnclear(): boolean {
    return isUnclear(this.core, this.sends)
  }

  /** What was sent since the last commit point, for the record of the next one. */
  takeSends(): { readonly sends?: readonly Emission[] } {
    if (this.sends.length === 0) return nothing
    const sends = emissionsOf(this.core, this.sends, this.#line())
    this.sends = none
    return { sends }
  }

  /** The event, if the step may emit it. */
  #genuine(event: unknown): WorkflowEvent {
    const { step, exec } = this
    return knownEvent(event, step.emits, () => `step "${step.name}"`, 'emits', exec)
  }

  /** The clock of the step's timeout stands still while it waits for somebody, or for storage, which has a limit of its own. */
  async awaiting<T>(wait: Promise<T>, forStorage?: boolean): Promise<T> {
    this.waits(true, forStorage)
    try {
      return await wait
    } finally {
      this.waits(false, forStorage)
    }
  }

  waits(on: boolean, forStorage?: boolean): void {
    const more = on ? 1 : -1
    this.#resting += more
    if (on && this.#resting === 1) this.#time?.rest()
    else if (this.#resting === 0 && this.over === undefined) this.#time?.work()
    if (forStorage) return
    this.waitsFor += more
    if (on) this.#settling?.resolve()
  }

  /** A promise for the handler: it never settles once the page has died, and unheard only a wrong `call` is an error. */
  fence<T>(promise: Promise<T>, call = false): Promise<T> {
    const fenced = promise.then(
      (value) => (this.core.closed === 'crashed' ? never<T>() : value),
      (error: unknown) => {
        if (!call || this.over) fenced.catch(() => {})
        return this.core.closed === 'crashed' ? never<T>() : Promise.reject(error)
      },
    )
    return fenced
  }

  /** What the attempt's events inherit from it; events of a branch, from the fan-out that the attempt opens. */
  #line(of: Parameters<typeof lineOf>[0] = this.exec): Partial<Emission> | undefined {
    return lineOf(of, this.exec.rescues)
  }

  #end(outcome: unknown): void {
    if (this.over) return
    try {
      const missed = this.#begun === 0 || this.replay.live ? none : this.replay.missed()
      if (missed.length > 0) throw new ReplayMismatchError(this.step.name, missed)
      const fanOut = Array.isArray(outcome)
      const events = fanOut
        ? Array.from(outcome as unknown[], (it) => this.#genuine(it))
        : outcome === undefined
          ? none
          : [this.#genuine(outcome)]
      if (this.isUnclear || isUnclear(this.core, events)) void this.#recordWhenClear(events, fanOut)
      else this.#record(events, fanOut)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** After a reload a wait with a predicate takes events again once its step has run up to it. */
  async #recordWhenClear(events: readonly WorkflowEvent[], fanOut: boolean): Promise<void> {
    await whenClear(this.core, [...this.sends, ...events])
    if (this.over === undefined) this.#record(events, fanOut)
  }

  #record(events: readonly WorkflowEvent[], fanOut: boolean): void {
    const { core, sends } = this
    const { id: exec, events: given, scope, branch } = this.exec
    const all = sends.length > 0 ? [...sends, ...events] : events
    const { nextScope: opens } = core.model
    const emits = emissionsOf(core, all, fanOut ? this.#branches() : this.#line())
    const ofNone = given.length === 0 || (scope === undefined && branch !== undefined)
    const made = events.length > 0 ? [emits.at(-1)!] : this.step.emits.map(({ type }) => ({ type, scope }))
    if (!fanOut && ofNone && made.some((it) => isForNone(core, it))) return this.#record(none, true)
    this.#finish(over)
    core.append(
      fanOut ? { kind: 'ended', exec, emits, opens } : { kind: 'ended', exec, emits, seq: 0, at: 0 },
    )
    core.wake()
  }

  /** The branches of the sent and then of the returned events: a returned list opens a fan-out. */
  #branches(): (index: number) => Partial<Emission> | undefined {
    const { length } = this.sends
    const line = this.#line()
    const { nextScope: scope } = this.core.model
    return (index) => (index < length ? line : this.#line({ scope, branch: index - length }))
  }

  #fail(error: unknown): void {
    if (this.over) return
    const { core, exec, number } = this
    this.#finish(over)
    const recorded = recordError(error)
    const final = error instanceof ReplayMismatchError || isUnknown(error)
    const delay = final ? undefined : this.due ? this.due.delay : this.retryIn(error)
    const again = this.#recording?.effects.failedBy(error) ?? none
    core.append({
      kind: 'attemptFailed',
      exec: exec.id,
      attempt: number,
      error: recorded,
      ...(delay !== undefined && { retryAt: core.options.clock.now() + delay }),
      ...(again.length > 0 && { again }),
    })
    this.#controller?.abort(error)
    if (delay === undefined) failStep(core, exec, number, error)
    core.wake()
  }

  /** Milliseconds until the next attempt. A retry policy is the user's code: when it throws or names no time, there is no retry. */
  retryIn(error: unknown): number | undefined {
    const { clock, random } = this.core.options
    const elapsed = clock.now() - this.exec.at
    try {
      const delay = retryDelay(this.step.retry, { attempt: this.number, elapsed, error }, random)
      return Number.isFinite(delay) ? delay : undefined
    } catch {
      return undefined
    }
  }

  #finish(reason: Error): void {
    this.over = reason
    this.#time?.rest()
    const { attempts, children } = this.core
    const { id, points } = this.exec
    attempts.delete(id)
    if (children.size > 0) for (const point of points.open) children.get(point)?.leave(this, reason)
    this.#replaying?.turns.release(reason)
    this.#settling?.resolve()
    this.#endings?.forEach((end) => end())
  }

  /** Work that fails by itself when the time is up. Whoever waits for it decides what becomes of the attempt. */
  timed<T>(work: Promise<T>): Promise<T> {
    if (this.#time === undefined) return work
    return this.#time.race(work, (error) => {
      this.#controller?.abort(error)
      // What comes after it in the same attempt, such as a node's cleanup, is not late.
      this.#controller = undefined
    })
  }
}

/** Why an attempt that ended by itself is over. */
const over: Error = /* @__PURE__ */ new SessionStateError(
  'this attempt of the step is over; await its calls before the step ends',
)
const nothing = Object.freeze({})
const none: readonly never[] = Object.freeze([])

function plain(event: Emission | undefined): WorkflowEvent {
  return frozen({ type: event?.type ?? '', data: event?.data })
}
