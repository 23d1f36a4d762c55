/**
 * A declared resource: a client, logger or SDK that steps need and that is never persisted. It must be there before a
 * step runs, unless it is optional or has a factory.
 */
export interface Resource<T> {
  // Not optional: what has no such mark, as `{}`, is no resource.
  readonly '~resource': T | undefined
}

/** Resources by key, as they are given to a session or a workflow: each is there, or made by a factory. */
export type GivenResources<R> = { readonly [K in keyof R]?: R[K] | Resource<R[K]> }

/** Gives a factory the other resources that it needs. */
export interface ResourceScope {
  get<U>(other: Resource<U>): U
}

/** What the engine sees in a {@link Resource}. */
export interface ResourceDeclaration extends Resource<unknown> {
  readonly optional: boolean
  readonly make: ((scope: ResourceScope) => unknown) | undefined
  readonly dispose: ((value: unknown) => unknown) | undefined
}

/** How a factory's result is disposed of. */
export interface FactoryOptions<T> {
  /**
   * Called with the result when the session is closed. Default: the first of its methods `[Symbol.asyncDispose]`,
   * `[Symbol.dispose]`, `dispose` and `close`.
   */
  readonly dispose?: ((value: Awaited<T>) => unknown) | undefined
}

/**
 * Declares a resource of a workflow.
 *
 * ```ts
 * resources: {
 *   payments: resource<Payments>(),                      // given at open() or by the provider
 *   log: resource<Logger>({ optional: true }),           // may be missing
 *   db: resource(() => openDb()),                        // made once a session, on first use
 *   carts: resource(({ get }) => new Carts(get(db))),    // from another resource; `db` is its declaration
 * }
 * ```
 *
 * What a factory has made belongs to its session and ends with it: see {@link FactoryOptions}. A session never ends a
 * resource that it was given. A factory that has failed is called again at the next use. Factories that need each other
 * throw a MissingResourceError that names the chain.
 */
export function resource<T>(): Resource<T>
export function resource<T>(options: { optional: true }): Resource<T | undefined>
export function resource<T>(make: (scope: ResourceScope) => T, options?: FactoryOptions<T>): Resource<T>
export function resource(
  source?: { optional: true } | ((scope: ResourceScope) => unknown),
  options?: FactoryOptions<unknown>,
): ResourceDeclaration {
  const make = typeof source === 'function' ? source : undefined
  return Object.freeze({
    '~resource': undefined,
    // A client that was given by mistake has none.
    optional: (source as { optional?: boolean } | undefined)?.optional === true,
    make,
    dispose: options?.dispose,
  })
}

/**
 * Whether a value is a declaration, and so perhaps a factory, rather than a resource itself. By its mark: it may come
 * from another copy of this package, as when one module was required and another one imported.
 */
export function isDeclaration(value: unknown): value is ResourceDeclaration {
  return typeof value === 'object' && value !== null && '~resource' in value
}
