import { MissingResourceError } from '../errors'
import { isDeclaration, type Resource, type ResourceDeclaration } from '../workflow/resource'

/** Injected values by key. They keep their identity: never cloned, merged or proxied. */
export class ResourceLayer {
  readonly #values = new Map<string, unknown>()
  readonly #listeners = new Set<() => void>()

  has(key: string): boolean {
    return this.#values.has(key)
  }

  get(key: string): unknown {
    return this.#values.get(key)
  }

  keys(): string[] {
    return [...this.#values.keys()]
  }

  /** Merges by key; equal values do nothing. */
  set(values: Readonly<Record<string, unknown>>): void {
    const changed = Object.entries(values).filter(
      ([key, it]) => it !== undefined && !Object.is(this.#values.get(key), it),
    )
    for (const [key, value] of changed) this.#values.set(key, value)
    if (changed.length > 0) this.#tell()
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#tell()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/**
 * The resources of one session: its own layer before the workflow's, then what the declaration itself can make.
 */
export class Resources {
  readonly session: ResourceLayer = new ResourceLayer()
  readonly #workflow: ResourceLayer
  readonly #declared: Readonly<Record<string, ResourceDeclaration>>
  readonly #made = new Map<ResourceDeclaration, unknown>()
  readonly #making: string[] = []

  constructor(declared: Readonly<Record<string, ResourceDeclaration>>, workflow: ResourceLayer) {
    this.#declared = declared
    this.#workflow = workflow
  }

  /** Declared resources that nobody gave and nothing can make, sorted. */
  missing(): string[] {
    const needed = Object.keys(this.#declared).filter((key) => !this.#declared[key]?.optional)
    return needed.filter((key) => !this.has(key)).sort()
  }

  /** The keys that are there, sorted. */
  keys(): string[] {
    const all = new Set([...this.session.keys(), ...this.#workflow.keys(), ...Object.keys(this.#declared)])
    return [...all].filter((key) => this.has(key)).sort()
  }

  has(key: string): boolean {
    if (this.session.has(key) || this.#workflow.has(key)) return true
    return Object.hasOwn(this.#declared, key) && this.#declared[key]?.make !== undefined
  }

  get(key: string, fallback?: unknown): unknown {
    return this.has(key) ? this.#resolve(key) : fallback
  }

  require(key: string): unknown {
    if (!this.has(key)) throw new MissingResourceError(key, this.keys())
    return this.#resolve(key)
  }

  set(values: Readonly<Record<string, unknown>>): void {
    this.session.set(values)
  }

  delete(key: string): void {
    this.session.delete(key)
  }

  /** What is there by key, made on first use. */
  get view(): Readonly<Record<string, unknown>> {
    const view = {}
    for (const key of this.keys())
      Object.defineProperty(view, key, { enumerable: true, get: () => this.#resolve(key) })
    return Object.freeze(view)
  }

  subscribe(listener: () => void): () => void {
    const ends = [this.session.subscribe(listener), this.#workflow.subscribe(listener)]
    return () => ends.forEach((end) => end())
  }

  #resolve(key: string): unknown {
    const layer = this.session.has(key) ? this.session : this.#workflow
    const value = layer.has(key) ? layer.get(key) : this.#declared[key]
    return isDeclaration(value) ? this.#make(key, value) : value
  }

  #make(key: string, declaration: ResourceDeclaration): unknown {
    if (this.#made.has(declaration)) return this.#made.get(declaration)
    if (this.#making.includes(key)) {
      const chain = [...this.#making, key].join(' -> ')
      throw new MissingResourceError(key, this.keys(), `the resources ${chain} need each other`)
    }
    this.#making.push(key)
    try {
      const value = declaration.make?.({ get: <U>(other: Resource<U>) => this.#byToken(other) as U })
      this.#made.set(declaration, value)
      // One that failed is made again for the next who asks.
      if (value instanceof Promise) value.catch(() => this.#made.delete(declaration))
      return value
    } finally {
      this.#making.pop()
    }
  }

  #byToken(token: Resource<unknown>): unknown {
    const key = Object.keys(this.#declared).find((it) => this.#declared[it] === token)
    if (key === undefined)
      throw new MissingResourceError(
        '(unknown)',
        this.keys(),
        'a factory needs a resource that is not declared',
      )
    return this.require(key)
  }
}
