/** What can happen to a database, done to a real one. */

/** Resolves with what the request gives. */
function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('refused'))
  })
}

/** Somebody clears the browser's data while the page is open. */
export async function remove(name: string): Promise<void> {
  await answer(indexedDB.deleteDatabase(name))
}

/** Somebody else's database, under a name that was meant for ours. */
export async function occupy(name: string): Promise<void> {
  const request = indexedDB.open(name)
  request.onupgradeneeded = () => request.result.createObjectStore('somebody else')
  const db = await answer(request)
  db.close()
}

/** A page that keeps its connection blocks a deletion and every later open. Returns a function that ends this. */
export async function block(name: string): Promise<() => void> {
  const holder = await answer(indexedDB.open(name))
  void remove(name)
  return () => holder.close()
}

/** The browser closes the connection without a word, as Safari does: the next transaction finds out. */
export function disconnect(name: string): void {
  const prototype = IDBDatabase.prototype
  const begin = prototype.transaction
  prototype.transaction = function (...call) {
    if (this.name !== name) return begin.apply(this, call)
    prototype.transaction = begin
    this.close()
    return begin.apply(this, call)
  }
}

/** Somebody opens it with a higher version, as a later release of some page might: our connection has to give way. */
export async function upgrade(name: string): Promise<void> {
  const db = await answer(indexedDB.open(name, 9))
  db.close()
}

/** Everything in it is gone, and no connection hears of that. */
export async function empty(name: string): Promise<void> {
  await withSessions(name, (store) => store.clear())
}

/** Overwrites the head of a session. Returns a function that puts it back. */
export function damage(name: string, id: string): Promise<() => Promise<void>> {
  return replace(name, ['h', id, 0], () => 'garbage')
}

/** Changes a word in a stored value, by hand. Returns a function that puts it back. */
export async function tamper(name: string, from: string, to: string): Promise<() => Promise<void>> {
  const keys = await withSessions(name, (store) => store.getAllKeys())
  const mends = await Promise.all(
    keys.map((key) =>
      replace(
        name,
        key,
        (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(from, to)) as unknown,
      ),
    ),
  )
  return async () => void (await Promise.all(mends.map((mend) => mend())))
}

/** All stored values, by the text of their keys. */
export async function contents(name: string): Promise<Record<string, unknown>> {
  const keys = await withSessions(name, (store) => store.getAllKeys())
  const values = await withSessions(name, (store) => store.getAll())
  return Object.fromEntries(keys.map((key, at) => [JSON.stringify(key), values[at]]))
}

/** Changes one value. Returns a function that puts it back. */
export async function replace(
  name: string,
  key: IDBValidKey,
  change: (value: never) => unknown,
): Promise<() => Promise<void>> {
  const whole = await withSessions(name, (store) => store.get(key))
  const put = async (value: unknown): Promise<void> =>
    void (await withSessions(name, (store) => store.put(value, key)))
  await put(change(whole as never))
  return () => put(whole)
}

/** Every transaction of the page on this database fails until the returned function is called. */
export function failing(name: string, fail: (tx: IDBTransaction) => void): () => void {
  const begin = IDBDatabase.prototype.transaction
  IDBDatabase.prototype.transaction = function (...call) {
    const tx = begin.apply(this, call)
    if (this.name === name) fail(tx)
    return tx
  }
  return () => void (IDBDatabase.prototype.transaction = begin)
}

/** As WebKit does when its storage process has died: nothing works any more until the page is loaded anew. */
export const loseServer = (name: string) =>
  failing(name, () => {
    throw new DOMException('Connection to Indexed Database server lost. Refresh the page.', 'UnknownError')
  })

/** As a browser does whose disk is full, or which is about to end: the transaction is given up, and nobody says why. */
export const abortWrites = (name: string) => failing(name, (tx) => tx.mode === 'readwrite' && tx.abort())

async function withSessions<T>(name: string, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await answer(indexedDB.open(name))
  try {
    return await answer(work(db.transaction('sessions', 'readwrite').objectStore('sessions')))
  } finally {
    db.close()
  }
}
