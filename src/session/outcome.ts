import { TimeoutError } from '../errors'
import { CancelledError, StalledError, StepLimitError } from '../run-errors'
import { sameJson } from '../state/same'
import type { Core } from './core'
import { deferred, type Deferred } from './deferred'
import { recordedFailure } from './step/failure'
import type { Finished, SessionRecord } from './model/record'

type RunEnd = Omit<Finished, 'kind'>

/** Step executions that a run may take, unless its workflow says otherwise. */
export const MOST_STEPS = 10_000

/** How the present run will end, or the last one has ended: the same promise and error for everybody. */
export class Outcome {
  readonly #core: Core
  #told = false
  #pending: Deferred<unknown> | undefined
  /** The last run whose error was looked at, with its end, and that error. */
  #ended: { readonly id: string | undefined; readonly end: RunEnd } | undefined
  #error: Error | undefined

  constructor(core: Core) {
    this.#core = core
  }

  get promise(): Promise<unknown> {
    // A stalled run that an event has revived ends once more.
    if (this.#told && this.#core.model.run?.end === undefined) this.renew()
    if (this.#pending === undefined) {
      this.#pending = deferred()
      this.settle()
    }
    return this.#pending.promise
  }

  /** Whether somebody waits for an end that has not come. */
  get awaited(): boolean {
    return this.#pending !== undefined && !this.#told
  }

  /** Why the run did not complete; `undefined` while it is going on. The same object every time. */
  get error(): Error | undefined {
    const { id, end } = this.#core.model.run ?? {}
    if (end === undefined || end.status === 'completed') return undefined
    const ended = { id, end }
    // In the model of another leader the same end is another object.
    if (this.#core.cause || !sameJson(this.#ended, ended)) this.#error = explain(this.#core, end)
    this.#ended = ended
    return this.#error
  }

  /** Tells those who wait, when the run has ended. */
  settle(): void {
    const end = this.#core.model.run?.end
    if (end === undefined) return
    this.#told = true
    if (this.error) this.#pending?.reject(this.error)
    else this.#pending?.resolve(end.result)
  }

  /** A run goes on or another one begins. Whoever waited for the end of the last one has been told. */
  renew(): void {
    if (this.#told) this.#forget()
  }

  /** After a record: a run has begun, or there is none any more. */
  follow({ kind }: SessionRecord): void {
    if (kind === 'started' || kind === 'retried') this.renew()
    if (kind === 'reset' || (kind === 'rewound' && !this.#core.model.run))
      this.reject(new CancelledError(`the session was ${kind}`))
  }

  /** Whoever waits gets the error. Whoever comes later waits for another run. */
  reject(error: Error): void {
    this.#pending?.reject(error)
    this.#forget()
  }

  #forget(): void {
    this.#pending = undefined
    this.#told = false
  }
}

type Ended = Pick<Core, 'definition'> & Partial<Pick<Core, 'cause'>>

/** Why a run did not complete. Without the `cause` of a page that saw it, as after a reload. */
export function explain(core: Ended, end: RunEnd): Error {
  if (end.status === 'cancelled') return new CancelledError(end.reason)
  if (end.status === 'stalled') return new StalledError(end.unconsumed ?? [])
  // The error that this page has seen itself is richer than what the journal could keep.
  return core.cause ?? limitOf(core, end) ?? recordedFailure(end)
}

/** The limit of the run itself that it went past: the class is the same in every tab and after a reload, as the message is. */
function limitOf({ definition }: Ended, { error }: RunEnd): Error | undefined {
  const { timeout = 0, maxSteps = MOST_STEPS } = definition.options
  const { code, message } = error ?? {}
  if (error?.step !== undefined || (code !== 'STEP_LIMIT' && code !== 'TIMEOUT')) return undefined
  const passed = code === 'TIMEOUT' ? new TimeoutError('run', '', timeout) : new StepLimitError(maxSteps)
  return Object.assign(passed, { message })
}
