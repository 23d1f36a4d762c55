/*
 * A database as a page sees it: what `idb-connection.ts` uses of IndexedDB. When something happens, and whether it does, is
 * decided in `faulty-indexeddb.ts`.
 */

type Key = string | number | readonly Key[]
export type View = ReadonlyMap<string, readonly [Key, unknown]>

/** As the browser sorts them: numbers, texts, lists. */
function compared(a: Key, b: Key): number {
  const rank = (it: Key): number => (typeof it === 'number' ? 0 : typeof it === 'string' ? 1 : 2)
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (!Array.isArray(a)) return a < b ? -1 : a > b ? 1 : 0
  const other = b as readonly Key[]
  for (let at = 0; at < Math.min(a.length, other.length); at++) {
    const it = compared(a[at] as Key, other[at] as Key)
    if (it !== 0) return it
  }
  return a.length - other.length
}

interface Range {
  readonly lower: Key
  readonly upper: Key
}

const weights = new WeakMap<readonly [Key, unknown], number>()

/** About how many characters these values are, without those that `others` has as well. */
export function weightOf(view: View, others: View = new Map()): number {
  let sum = 0
  for (const [name, it] of view) {
    if (others.get(name) === it) continue
    if (!weights.has(it)) weights.set(it, sizeOf(it))
    sum += weights.get(it) ?? 0
  }
  return sum
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array) return value.length
  const own = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return own.reduce((sum, [key, it]) => sum + key.length + sizeOf(it), 8)
}

export const KeyRange = { bound: (lower: Key, upper: Key): Range => ({ lower, upper }) }

export class Request {
  result: unknown
  error: unknown = null
  onsuccess: ((event: object) => void) | null = null
  onerror: ((event: object) => void) | null = null
  onupgradeneeded: ((event: object) => void) | null = null
}

export class Database {
  data: View = new Map()
  exists = false
  readonly stores = new Set<string>()
  readonly connections = new Set<Connection>()
  transactions: Transaction[] = []
  /** Openings and deletions, one after another. */
  turn: Promise<void> = Promise.resolve()
  /** Its files cannot be read: it opens for nobody. */
  damaged = false
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  wipe(): void {
    this.data = new Map()
    this.stores.clear()
    this.exists = false
  }
}

export interface Task {
  readonly request: Request
  readonly isWrite: boolean
  readonly run: () => void
}

export class Transaction {
  error: unknown = null
  oncomplete: (() => void) | null = null
  onabort: (() => void) | null = null
  state: 'waiting' | 'running' | 'committing' | 'done' = 'waiting'
  /** Requests may be made. */
  active = true
  committed = false
  busy = false
  written = false
  view: Map<string, readonly [Key, unknown]> | undefined
  readonly tasks: Task[] = []
  readonly connection: Connection
  readonly mode: string

  constructor(connection: Connection, mode: string) {
    this.connection = connection
    this.mode = mode
  }

  objectStore(): Store {
    return new Store(this)
  }

  commit(): void {
    if (this.state === 'done' || this.committed || !this.active)
      throw new DOMException('it is over', 'InvalidStateError')
    this.committed = true
    this.active = false
    this.connection.browser.go(this)
  }

  abort(): void {
    if (this.state === 'done' || this.committed) throw new DOMException('it is over', 'InvalidStateError')
    this.connection.browser.abort(this, null)
  }
}

class Store {
  readonly #tx: Transaction

  constructor(tx: Transaction) {
    this.#tx = tx
  }

  #ask(isWrite: boolean, work: (view: NonNullable<Transaction['view']>) => unknown): Request {
    const tx = this.#tx
    if (tx.state === 'done' || !tx.active) throw new DOMException('inactive', 'TransactionInactiveError')
    if (isWrite && tx.mode === 'readonly') throw new DOMException('read only', 'ReadOnlyError')
    const request = new Request()
    const run = (): void => {
      request.result = work(tx.view ?? new Map())
    }
    tx.tasks.push({ request, isWrite, run })
    tx.connection.browser.go(tx)
    return request
  }

  #within(view: View, { lower, upper }: Range): (readonly [Key, unknown])[] {
    return [...view.values()]
      .filter(([key]) => compared(key, lower) >= 0 && compared(key, upper) <= 0)
      .sort(([a], [b]) => compared(a, b))
  }

  get(key: Key): Request {
    return this.#ask(false, (view) => structuredClone(view.get(JSON.stringify(key))?.[1]))
  }

  getAll(range: Range): Request {
    return this.#ask(false, (view) => this.#within(view, range).map(([, value]) => structuredClone(value)))
  }

  getAllKeys(range: Range): Request {
    return this.#ask(false, (view) => this.#within(view, range).map(([key]) => structuredClone(key)))
  }

  put(value: unknown, key: Key): Request {
    const copy: unknown = structuredClone(value)
    return this.#ask(true, (view) => void view.set(JSON.stringify(key), [key, copy]))
  }

  delete(range: Range): Request {
    return this.#ask(true, (view) => {
      for (const [key] of this.#within(view, range)) view.delete(JSON.stringify(key))
    })
  }
}

/** Whose databases they are: it decides when a transaction goes on, and how it ends. */
interface Keeper {
  go(tx: Transaction): void
  abort(tx: Transaction, error: unknown): void
  settle(connection: Connection): void
  task(fn: () => void): void
}

export class Connection {
  onclose: (() => void) | null = null
  onversionchange: (() => void) | null = null
  /** No transaction begins on it any more. */
  closing = false
  closed = false
  readonly browser: Keeper
  readonly database: Database
  readonly tab: string

  constructor(browser: Keeper, database: Database, tab: string) {
    this.browser = browser
    this.database = database
    this.tab = tab
  }

  get name(): string {
    return `${this.tab}|${this.database.name}`
  }

  get objectStoreNames() {
    const { stores } = this.database
    return { length: stores.size, contains: (name: string) => stores.has(name) }
  }

  createObjectStore(name: string): void {
    this.database.stores.add(name)
  }

  transaction(store: string, mode: string): Transaction {
    if (this.closing) throw new DOMException('closing', 'InvalidStateError')
    if (!this.database.stores.has(store)) throw new DOMException('no such store', 'NotFoundError')
    const tx = new Transaction(this, mode)
    this.database.transactions.push(tx)
    this.browser.task(() => {
      tx.active = false
      this.browser.go(tx)
    })
    return tx
  }

  close(): void {
    this.closing = true
    this.browser.settle(this)
  }
}

/** About how many characters there are while a transaction lands: what it removes still counts. */
export function weightAfter({ view = new Map(), connection: { database } }: Transaction): number {
  return weightOf(database.data) + weightOf(view, database.data)
}

/** Asked again after each await, because much happens meanwhile. */
export function isOver(tx: Transaction): boolean {
  return tx.state === 'done'
}

/** Writers wait for those before them. Readers have a copy and keep nobody waiting. */
export function mayBegin(tx: Transaction): boolean {
  for (const other of tx.connection.database.transactions) {
    if (other === tx) return true
    if (other.mode === 'readwrite') return false
  }
  return true
}
