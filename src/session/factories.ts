import { isPromise } from '../state/thenable'
import { MissingResourceError } from '../errors'
import type { Resource, ResourceDeclaration } from '../workflow/resource'

/** What a factory is told about: the resource behind a token, and the keys that are there. */
export interface Shelf {
  keyOf(token: Resource<unknown>): string | undefined
  require(key: string, by?: ResourceDeclaration): unknown
  keys(): string[]
}

/**
 * What one session has made with its factories: each once, on first use, for everybody. While a factory is at work it is
 * known which others it needs, so that two that wait for each other are found, however long they take.
 */
export class Factories {
  readonly #shelf: Shelf
  readonly #made = new Map<ResourceDeclaration, unknown>()
  /** The factories at work, with their names and the factories that they need. */
  readonly #working = new Map<
    ResourceDeclaration,
    { readonly key: string; readonly needs: Set<ResourceDeclaration> }
  >()

  /** Reports errors, once the session is closed: what a step or a factory at work still makes ends at once. */
  #over: ((error: unknown) => void) | undefined

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  make(key: string, declaration: ResourceDeclaration, by?: ResourceDeclaration): unknown {
    this.#note(key, declaration, by)
    if (this.#made.has(declaration)) return this.#made.get(declaration)
    this.#working.set(declaration, { key, needs: new Set() })
    const done = (): unknown => this.#working.delete(declaration)
    try {
      const value = declaration.make?.({
        get: <U>(token: Resource<U>) => this.#get(token, declaration, key) as U,
      })
      this.#made.set(declaration, value)
      if (this.#over) void finish(declaration, value, this.#over)
      if (!isPromise(value)) done()
      // A factory that has failed is called again at the next use.
      else value.then(done, () => (done(), this.#made.delete(declaration)))
      return value
    } catch (error) {
      done()
      throw error
    }
  }

  /** Ends what was made: the newest first, because it may need those before it until it has ended. Errors go to `report`. */
  dispose(report: (error: unknown) => void): void {
    this.#over = report
    let ending: Promise<unknown> | undefined
    for (const [declaration, value] of [...this.#made].reverse()) {
      const next = (): Promise<unknown> | undefined => finish(declaration, value, report)
      ending = ending ? ending.then(next) : next()
    }
  }

  #get(token: Resource<unknown>, by: ResourceDeclaration, name: string): unknown {
    const key = this.#shelf.keyOf(token)
    if (key !== undefined) return this.#shelf.require(key, by)
    const reason = `the factory of resource "${name}" needs one that is not declared`
    throw new MissingResourceError('(unknown)', this.#shelf.keys(), reason)
  }

  /** Notes that a factory at work needs another one. A finished factory may get anything without a cycle. */
  #note(key: string, declaration: ResourceDeclaration, by: ResourceDeclaration | undefined): void {
    const needing = by && this.#working.get(by)
    if (by === undefined || needing === undefined) return
    const chain = this.#way(declaration, by)
    if (chain) {
      const names = [...chain, key].join(' -> ')
      throw new MissingResourceError(key, this.#shelf.keys(), `the resources ${names} need each other`)
    }
    needing.needs.add(declaration)
  }

  /** The names on the way from one factory at work to another that it waits for. */
  #way(from: ResourceDeclaration, to: ResourceDeclaration): string[] | undefined {
    const at = this.#working.get(from)
    if (at === undefined) return undefined
    if (from === to) return [at.key]
    for (const next of at.needs) {
      const rest = this.#way(next, to)
      if (rest) return [at.key, ...rest]
    }
    return undefined
  }
}

// Older platforms do not have these symbols; a property of no name is never there.
const names: readonly PropertyKey[] = [
  (Symbol as { asyncDispose?: symbol }).asyncDispose ?? '',
  (Symbol as { dispose?: symbol }).dispose ?? '',
  'dispose',
  'close',
]

/** Returns a promise, which does not reject, when it takes its time. */
function finish(
  declaration: ResourceDeclaration,
  value: unknown,
  report: (error: unknown) => void,
): Promise<unknown> | undefined {
  if (isPromise(value)) return value.then((it) => end(declaration, it)).catch(report)
  try {
    const ending = end(declaration, value)
    return isPromise(ending) ? ending.catch(report) : undefined
  } catch (error) {
    report(error)
    return undefined
  }
}

function end(declaration: ResourceDeclaration, value: unknown): unknown {
  if (declaration.dispose) return declaration.dispose(value)
  for (const name of names) {
    const method: unknown = (value as Record<PropertyKey, unknown> | null | undefined)?.[name]
    if (typeof method === 'function') return method.call(value)
  }
  return undefined
}
