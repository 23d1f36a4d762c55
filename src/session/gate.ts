import { SessionClosedError } from '../errors'
import { LoadError } from '../storage-errors'
import type { Persistence } from '../storage/persistence'
import { deferred, type Deferred } from './deferred'

/** Whether callers may use a session: it is being read, could not be read, was taken over, or is closed. */
export class Gate {
  readonly #id: string
  #phase: 'loading' | 'error' | 'open' | 'closed' = 'loading'
  #loaded: Deferred<void> = deferred()
  #loadError: Error | undefined
  #fenced: Error | undefined
  #persistence: Persistence = Object.freeze({ status: 'saved' })

  constructor(id: string) {
    this.#id = id
  }

  get phase(): 'loading' | 'error' | 'open' | 'closed' {
    return this.#phase
  }

  get ready(): Promise<void> {
    return this.#loaded.promise
  }

  /** Why nothing can be done with the session; `undefined` when something can. */
  get error(): Error | undefined {
    return this.#loadError ?? this.#fenced
  }

  /** Whether it could not be read, also when it was closed since. */
  get refused(): boolean {
    return this.#loadError !== undefined
  }

  /** Whether something can be done with the session now. */
  get free(): boolean {
    return this.#phase === 'open' && this.error === undefined
  }

  /** What `persistence` says before the session was read. */
  get persistence(): Persistence {
    return this.#persistence
  }

  open(): void {
    this.#phase = 'open'
    this.#loadError = undefined
  }

  /** Everything is in place: whoever waits may come in. */
  admit(): void {
    this.#loaded.resolve()
  }

  /** The session is read once more, after it could not be. Returns whether there was anything to do. */
  reload(): boolean {
    if (this.#phase !== 'error') return false
    this.#phase = 'loading'
    this.#loadError = undefined
    this.#loaded = deferred()
    return true
  }

  /** The session cannot be read: at its opening, or when this tab is to lead and it was damaged meanwhile. */
  refuse(error: Error): void {
    if (this.#phase === 'open' && error instanceof LoadError) this.#loaded = deferred()
    else if (this.#phase !== 'loading') return
    this.#phase = 'error'
    this.#loadError = error
    this.#persistence = notLoaded(error)
    this.#loaded.reject(error)
  }

  /** Another writer has taken the session over. Returns whether that is news. */
  fence(error: Error): boolean {
    if (this.#fenced) return false
    this.#fenced = error
    this.#persistence = Object.freeze({ status: 'outdated', error })
    return true
  }

  /** This page writes it again. */
  unfence(): void {
    this.#fenced = undefined
    this.#persistence = Object.freeze({ status: 'saved' })
  }

  close(error: Error): void {
    this.#phase = 'closed'
    this.#loaded.reject(error)
  }

  mustBeOpen(): void {
    if (this.#phase === 'closed') throw new SessionClosedError(this.#id)
    if (this.#phase !== 'loading' && this.error) throw this.error
  }

  /** Now, or once the session is loaded; when that fails, `ready` has said so. */
  whenOpen<T>(action: () => T | Promise<T>): Promise<T> {
    return quiet(this.#nowOpen(action))
  }

  async #nowOpen<T>(action: () => T | Promise<T>): Promise<T> {
    if (this.#phase === 'loading') await this.ready
    this.mustBeOpen()
    return action()
  }
}

/** A promise that may go unheard: an answer to a click in a page that is just being closed. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** What `persistence` says of a session that could not be loaded. */
export function notLoaded(error: Error): Persistence {
  const isNewer = error instanceof LoadError && error.code.startsWith('NEWER')
  return Object.freeze({ status: isNewer ? 'outdated' : 'error', error })
}
