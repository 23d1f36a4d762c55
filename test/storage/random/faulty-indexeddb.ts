import {
  Connection,
  Database,
  isOver,
  mayBegin,
  Request,
  type Task,
  type Transaction,
  type View,
  weightAfter,
} from './faulty-database'
import type { Outside } from './weather'

/*
 * IndexedDB in virtual time, with the trouble that browsers have: transactions that abort, land late or say nothing, and
 * connections that are refused, taken away or closed by somebody else.
 */

/** One browser's databases. A page opens them as `tab|name`. */
export class FaultyIndexedDB {
  readonly #options: Outside
  readonly #databases = new Map<string, Database>()
  readonly #dead = new Set<string>()
  /** What frozen pages will hear when they are back. */
  readonly #frozen = new Map<string, (() => void)[]>()
  /** Pages whose last opening failed with an UnknownError. Two in a row would mean damaged files. */
  readonly #unknown = new Set<string>()
  #held: (() => void)[] = []

  constructor(options: Outside) {
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

  go(tx: Transaction): void {
    if (tx.busy || tx.state === 'done' || tx.state === 'committing') return
    if (tx.state === 'waiting' && !mayBegin(tx)) return
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
    // As in Chromium, what a transaction removes makes no room for what it writes.
    const hasRoom = weather.room === Infinity || weightAfter(tx) <= weather.room
    if (tx.written && (weather.full || !hasRoom || luck.hits(weather.abort))) {
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
}
