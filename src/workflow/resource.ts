/**
 * A declared resource: a client, logger or SDK that steps need and that is never persisted. What is declared
 * must be there before a step runs, unless it is optional or has a factory.
 */
export interface Resource<T> {
  readonly '~resource'?: T
}

/** Gives a factory the other resources that it needs. */
export interface ResourceScope {
  get<U>(other: Resource<U>): U
}

/** What the engine sees in a {@link Resource}. */
export interface ResourceDeclaration extends Resource<unknown> {
  readonly optional: boolean
  readonly make: ((scope: ResourceScope) => unknown) | undefined
}

/**
 * Declares a resource of a workflow.
 *
 * ```ts
 * resources: {
 *   payments: resource<Payments>(),                      // given at open() or by the provider
 *   log: resource<Logger>({ optional: true }),           // may be missing
 *   db: resource(() => openDb()),                        // made once a session, on first use
 *   carts: resource(({ get }) => new Carts(get(db))),    // from another one's token
 * }
 * ```
 */
export function resource<T>(): Resource<T>
export function resource<T>(options: { optional: true }): Resource<T | undefined>
export function resource<T>(make: (scope: ResourceScope) => T): Resource<T>
export function resource(
  source?: { optional: true } | ((scope: ResourceScope) => unknown),
): ResourceDeclaration {
  const make = typeof source === 'function' ? source : undefined
  const declaration = Object.freeze({ optional: source !== undefined && make === undefined, make })
  declarations.add(declaration)
  return declaration
}

const declarations = new WeakSet()

/** Whether a value is a declaration, and so perhaps a factory, rather than a resource itself. */
export function isDeclaration(value: unknown): value is ResourceDeclaration {
  return typeof value === 'object' && value !== null && declarations.has(value)
}
