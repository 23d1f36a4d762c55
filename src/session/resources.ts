import { MissingResourceError } from '../errors'
import { checkArgument } from '../state/argument'
import { isDeclaration, type Resource, type ResourceDeclaration } from '../workflow/resource'
import { Factories } from './factories'

/** Injected values by key. They keep their identity: never cloned, merged or proxied. */
export class ResourceLayer {
  readonly #values = new Map<string, unknown>()
  readonly #listeners = new Set<() => void>()
  readonly #report: (error: unknown) => void
  #untold = false
  /** How often it has changed. */
  changes = 0

  /** @param report called with what listeners throw */
  constructor(report: (error: unknown) => void) {
    this.#report = report
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  get(key: string): unknown {
    return this.#values.get(key)
  }

  keys(): string[] {
    return [...this.#values.keys()]
  }

  get view(): Readonly<Record<string, unknown>> {
    return Object.freeze(Object.fromEntries(this.#values))
  }

  /** Merges by key; equal values do nothing. */
  set(values: Readonly<Record<string, unknown>>): void {
    this.put(values)
    if (this.#untold) this.#tell()
  }

  /** The same, but listeners hear of it only at the next `set`. */
  put(values: Readonly<Record<string, unknown>>): void {
    checkArgument('setResources()', values)
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined || Object.is(this.#values.get(key), value)) continue
      this.#values.set(key, value)
      this.#untold = true
      this.changes++
    }
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return
    this.changes++
    this.#tell()
  }

  subscribe(listener: () => void): () => void {
    checkArgument('subscribeResources()', listener, 'function')
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    this.#untold = false
    for (const listener of this.#listeners)
      try {
        listener()
      } catch (error) {
        // Other sessions still hear of the resource that they wait for.
        this.#report(error)
      }
  }
}

/**
 * The resources of one session: its own layer before the workflow's, then what the declaration itself can make.
 */
export class Resources {
  readonly session: ResourceLayer
  readonly #workflow: ResourceLayer
  readonly #declared: Readonly<Record<string, ResourceDeclaration>>
  readonly #required: readonly string[]
  readonly #factories: Factories
  #view: Readonly<Record<string, unknown>> = {}
  #seen = -1

  constructor(
    declared: Readonly<Record<string, ResourceDeclaration>>,
    workflow: ResourceLayer,
    report: (error: unknown) => void,
  ) {
    this.session = new ResourceLayer(report)
    this.#declared = declared
    this.#required = Object.keys(declared)
      .filter((key) => !declared[key]?.optional)
      .sort()
    this.#workflow = workflow
    this.#factories = new Factories(this)
  }

  /** Declared resources that are not injected and have no factory, sorted. */
  missing(): string[] {
    return this.#required.filter((key) => !this.has(key))
  }

  /** The keys that are there, sorted. */
  keys(): string[] {
    const all = new Set([...this.session.keys(), ...this.#workflow.keys(), ...Object.keys(this.#declared)])
    return [...all].filter((key) => this.has(key)).sort()
  }

  has(key: string): boolean {
    if (this.#given(key) !== undefined) return true
    return Object.hasOwn(this.#declared, key) && this.#declared[key]?.make !== undefined
  }

  get(key: string, fallback?: unknown): unknown {
    return this.has(key) ? this.#resolve(key) : fallback
  }

  /** `by`: the factory that needs it. */
  require(key: string, by?: ResourceDeclaration): unknown {
    if (!this.has(key)) throw new MissingResourceError(key, this.keys())
    return this.#resolve(key, by)
  }

  set(values: Readonly<Record<string, unknown>>): void {
    this.session.set(values)
  }

  delete(key: string): void {
    this.session.delete(key)
  }

  /** The resources by key, made on first use. The same object until a layer changes, as thousands of components look at it. */
  get view(): Readonly<Record<string, unknown>> {
    const changes = this.session.changes + this.#workflow.changes
    if (this.#seen === changes) return this.#view
    this.#seen = changes
    const view = (this.#view = {})
    for (const key of this.keys())
      Object.defineProperty(view, key, { enumerable: true, get: () => this.#resolve(key) })
    return Object.freeze(view)
  }

  subscribe(listener: () => void): () => void {
    const ends = [this.session.subscribe(listener), this.#workflow.subscribe(listener)]
    return () => ends.forEach((end) => end())
  }

  /** The session is closed: ends what it has made itself. What it was given belongs to somebody else. */
  dispose(report: (error: unknown) => void): void {
    this.#factories.dispose(report)
  }

  #resolve(key: string, by?: ResourceDeclaration): unknown {
    const given = this.#given(key)
    const value = given === undefined ? this.#declared[key] : given
    return isDeclaration(value) ? this.#factories.make(key, value, by) : value
  }

  /** What the session's layer holds, else the workflow's. */
  #given(key: string): unknown {
    return (this.session.has(key) ? this.session : this.#workflow).get(key)
  }

  /** The key of a token, which is in the declaration or was itself injected. */
  keyOf(token: Resource<unknown>): string | undefined {
    const declared = Object.keys(this.#declared).find((it) => this.#declared[it] === token)
    return declared ?? this.keys().find((it) => this.#given(it) === token)
  }
}
