import type { VirtualClock } from '../../../src/testing'
import { fair, type Luck, type Weather } from './weather'

/*
 * IndexedDB in virtual time, with the trouble that browsers have: transactions that abort, land late or say nothing, and
 * connections that are refused, taken away or closed by somebody else. It knows what `idb-connection.ts` uses of it.
 */

type Key = string | number | readonly Key[]
type View = ReadonlyMap<string, readonly [Key, unknown]>

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

export const KeyRange = { bound: (lower: Key, upper: Key): Range => ({ lower, upper }) }

class Request {
  result: unknown
  error: unknown = null
  onsuccess: ((event: object) => void) | null = null
  onerror: ((event: object) => void) | null = null
  onupgradeneeded: ((event: object) => void) | null = null
}

class Database {
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

interface Task {
  readonly request: Request
  readonly isWrite: boolean
  readonly run: () => void
}

class Transaction {
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

class Connection {
  onclose: (() => void) | null = null
  onversionchange: (() => void) | null = null
  /** No transaction begins on it any more. */
  closing = false
  closed = false
  readonly browser: FaultyIndexedDB
  readonly database: Database
  readonly tab: string

  constructor(browser: FaultyIndexedDB, database: Database, tab: string) {
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

export interface FaultyOptions {
  readonly clock: VirtualClock
  readonly luck: Luck
  readonly weather: Weather
}

/** One browser's databases. A page opens them as `tab|name`. */
export class FaultyIndexedDB {
  readonly #options: FaultyOptions
  readonly #databases = new Map<string, Database>()
  readonly #dead = new Set<string>()
  /** What frozen pages will hear when they are back. */
  readonly #frozen = new Map<string, (() => void)[]>()
  /** Pages whose last opening failed with an UnknownError. Two in a row would mean damaged files. */
  readonly #unknown = new Set<string>()
  #held: (() => void)[] = []

  constructor(options: FaultyOptions) {
    this.#options = options
  }

  database(name: string): Database {
    const found = this.#databases.get(name) ?? new Database(name)
    this.#databases.set(name, found)
    return found
  }

  isDead(tab: string): boolean {
    return this.#dead.has(tab)
  }

  /** In a task of its own. A virtual clock takes what looks at it for a sign of life. */
  task(fn: () => void): void {
    this.#options.clock.now()
    setImmediate(fn)
  }

  #tasked(): Promise<void> {
    return new Promise((resolve) => this.task(resolve))
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimeout(resolve, ms))
  }

  async #moment(): Promise<void> {
    const { luck, weather } = this.#options
    await (luck.hits(weather.slow) ? this.#wait(luck.between(1, 1500)) : this.#tasked())
    while (weather.hung) await new Promise<void>((resolve) => this.#held.push(resolve))
  }

  /** It was hung, and goes on. */
  letGo(): void {
    for (const go of this.#held.splice(0)) go()
  }

  /** An event for a page. */
  #tell(tab: string, event: () => void): void {
    if (this.#dead.has(tab)) return
    const waiting = this.#frozen.get(tab)
    if (waiting) waiting.push(event)
    else event()
  }

  freeze(tab: string): void {
    this.#frozen.set(tab, [])
  }

  thaw(tab: string): void {
    const waiting = this.#frozen.get(tab) ?? []
    this.#frozen.delete(tab)
    for (const event of waiting) this.task(event)
  }

  /** A page has ended. What it was about to store may land or not. */
  kill(tab: string): void {
    this.#dead.add(tab)
    for (const database of this.#databases.values()) {
      for (const tx of database.transactions)
        if (tx.connection.tab === tab && tx.state !== 'committing') this.#end(tx)
      for (const it of database.connections) if (it.tab === tab) this.#take(it)
    }
  }

  #take(connection: Connection): void {
    connection.closing = connection.closed = true
    connection.database.connections.delete(connection)
  }

  settle(connection: Connection): void {
    const { database } = connection
    const isBusy = database.transactions.some((it) => it.connection === connection)
    if (connection.closing && !isBusy) this.#take(connection)
  }

  #end(tx: Transaction): void {
    tx.state = 'done'
    tx.active = false
    const { database } = tx.connection
    database.transactions = database.transactions.filter((it) => it !== tx)
    this.settle(tx.connection)
    for (const it of database.transactions) if (it.state === 'waiting') this.go(it)
  }

  abort(tx: Transaction, error: unknown): void {
    if (tx.state === 'done') return
    this.#end(tx)
    tx.error = error
    const tasks = tx.tasks.splice(0)
    this.task(() =>
      this.#tell(tx.connection.tab, () => {
        for (const { request } of tasks) {
          request.error = new DOMException('aborted', 'AbortError')
          request.onerror?.({})
        }
        tx.onabort?.()
      }),
    )
  }

  /** Writers wait for those before them. Readers have a copy and keep nobody waiting. */
  #mayBegin(tx: Transaction): boolean {
    for (const other of tx.connection.database.transactions) {
      if (other === tx) return true
      if (other.mode === 'readwrite') return false
    }
    return true
  }

  go(tx: Transaction): void {
    if (tx.busy || tx.state === 'done' || tx.state === 'committing') return
    if (tx.state === 'waiting' && !this.#mayBegin(tx)) return
    tx.state = 'running'
    tx.busy = true
    void this.#work(tx).finally(() => (tx.busy = false))
  }

  async #work(tx: Transaction): Promise<void> {
    await this.#moment()
    tx.view ??= new Map(tx.connection.database.data)
    while (!isOver(tx)) {
      const [next] = tx.tasks
      if (next) await this.#do(tx, next)
      else if (tx.active) await this.#tasked()
      else return this.#commit(tx)
    }
  }

  async #do(tx: Transaction, next: Task): Promise<void> {
    const { luck, weather } = this.#options
    await this.#moment()
    if (isOver(tx)) return
    tx.tasks.shift()
    const { request, isWrite, run } = next
    const { tab } = tx.connection
    const isFull = isWrite && weather.full
    if (luck.hits(weather.fail) || (isFull && luck.hits(0.4))) {
      const kind = isFull ? 'QuotaExceededError' : luck.pick(['UnknownError', 'DataError', 'AbortError'])
      request.error = new DOMException('the request failed', kind)
      this.#tell(tab, () => request.onerror?.({}))
      return this.abort(tx, request.error)
    }
    run()
    tx.written ||= isWrite
    tx.active = !tx.committed
    this.#tell(tab, () => request.onsuccess?.({ target: request }))
    await this.#tasked()
    tx.active = false
  }

  async #commit(tx: Transaction): Promise<void> {
    const { luck, weather } = this.#options
    const { database, tab } = tx.connection
    tx.state = 'committing'
    tx.committed = true
    await this.#moment()
    if (tx.written && luck.hits(weather.lateLanding)) await this.#wait(luck.between(100, 9000))
    if (isOver(tx)) return
    if (tx.written && (weather.full || luck.hits(weather.abort))) {
      const kind = luck.pick([undefined, undefined, 'QuotaExceededError', 'UnknownError'])
      return this.abort(tx, kind === undefined ? null : new DOMException('full', kind))
    }
    if (this.isDead(tab) && luck.hits(0.5)) return this.#end(tx)
    if (tx.written) database.data = tx.view ?? database.data
    this.#end(tx)
    if (tx.written && luck.hits(weather.mute)) return
    if (tx.written && luck.hits(weather.lateEvent)) await this.#wait(luck.between(100, 9000))
    await this.#tasked()
    this.#tell(tab, () => tx.oncomplete?.())
  }

  /** The browser takes connections away: with an event or without, and with an end of what is under way or without. */
  disconnect(which: (connection: Connection) => boolean, hasEvent: boolean, aborts: boolean): void {
    for (const { connections, transactions } of this.#databases.values())
      for (const it of [...connections].filter(which)) {
        it.closing = true
        for (const tx of transactions.filter(({ connection }) => connection === it)) {
          const error = this.#options.luck.hits(0.5) ? new DOMException('closed', 'AbortError') : null
          if (aborts) this.abort(tx, error)
          else this.#end(tx)
        }
        this.#take(it)
        if (hasEvent) this.task(() => this.#tell(it.tab, () => it.onclose?.()))
      }
  }

  /** Waits until nobody has it open. A frozen page loses its connection, because it cannot be asked. */
  async #allClosed({ connections }: Database): Promise<void> {
    this.disconnect((it) => connections.has(it) && this.#frozen.has(it.tab), true, true)
    for (const it of connections)
      this.task(() => it.closing || this.#tell(it.tab, () => it.onversionchange?.()))
    while (connections.size > 0) await this.#wait(20)
  }

  #alone(database: Database, work: () => Promise<void>): void {
    database.turn = database.turn.then(work)
  }

  /** A page deletes a database. */
  deleteDatabase(name: string): Request {
    const request = new Request()
    const database = this.database(name.split('|').at(-1) ?? '')
    this.#alone(database, async () => {
      await this.#moment()
      await this.#allClosed(database)
      database.wipe()
      this.task(() => request.onsuccess?.({}))
    })
    return request
  }

  /** The user clears the site's data: everything is closed at once. */
  clearSite(): void {
    this.disconnect(() => true, true, true)
    for (const it of this.#databases.values()) it.wipe()
  }

  /** Somebody opens a database with a newer version, and closes it again. */
  upgrade(name: string): void {
    const database = this.database(name)
    this.#alone(database, () => this.#allClosed(database))
  }

  /** Somebody puts a copy of its files in their place. */
  restore(name: string, data: View): void {
    const database = this.database(name)
    this.disconnect((it) => it.database === database, true, true)
    database.data = data
  }

  open(name: string): Request {
    const [tab = '', base = ''] = name.split('|')
    const request = new Request()
    const database = this.database(base)
    this.#alone(database, () => this.#opened(tab, database, request))
    return request
  }

  async #opened(tab: string, database: Database, request: Request): Promise<void> {
    const { luck, weather } = this.#options
    await this.#moment()
    if (luck.hits(weather.openSlow)) await this.#wait(luck.between(100, 9000))
    if (this.isDead(tab)) return
    const error = database.damaged ? 'UnknownError' : this.#refusal(tab)
    if (error !== undefined) {
      request.error = new DOMException('it does not open', error)
      return this.task(() => this.#tell(tab, () => request.onerror?.({})))
    }
    this.#unknown.delete(tab)
    const connection = new Connection(this, database, tab)
    database.connections.add(connection)
    request.result = connection
    if (!database.exists) {
      database.exists = true
      request.onupgradeneeded?.({ dataLoss: 'none' })
      await this.#tasked()
    }
    this.task(() => this.#tell(tab, () => request.onsuccess?.({})))
  }

  #refusal(tab: string): string | undefined {
    const { luck, weather } = this.#options
    if (!luck.hits(weather.openFails)) return undefined
    const kind = luck.pick(['UnknownError', 'AbortError', 'QuotaExceededError', 'VersionError'])
    if (kind !== 'UnknownError') return kind
    if (this.#unknown.delete(tab)) return 'AbortError'
    this.#unknown.add(tab)
    return kind
  }

  /** From here on nothing goes wrong. */
  calm(): void {
    Object.assign(this.#options.weather, fair)
    this.letGo()
  }
}

/** Asked again after each await, because much happens meanwhile. */
function isOver(tx: Transaction): boolean {
  return tx.state === 'done'
}
