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

/** A page that does not let go holds up a deletion, and with it every later open. Answers with the way out. */
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

/** Overwrites the head of a session. Answers with what puts it back. */
export async function damage(name: string, id: string): Promise<() => Promise<void>> {
  const key = ['h', id, 0]
  const whole = await withSessions(name, (store) => store.get(key))
  const put = async (value: unknown): Promise<void> =>
    void (await withSessions(name, (store) => store.put(value, key)))
  await put('garbage')
  return () => put(whole)
}

async function withSessions<T>(name: string, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await answer(indexedDB.open(name))
  try {
    return await answer(work(db.transaction('sessions', 'readwrite').objectStore('sessions')))
  } finally {
    db.close()
  }
}
