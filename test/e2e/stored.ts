import type { Page } from 'playwright'

/** What is in the page's database, by hand: keys as JSON, values as they are. */
export async function readStored(page: Page): Promise<Record<string, unknown>> {
  return page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const db = await done(indexedDB.open('dogear'))
    try {
      const store = db.transaction('sessions').objectStore('sessions')
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())])
      return Object.fromEntries(keys.map((key, index) => [JSON.stringify(key), values[index] as unknown]))
    } finally {
      db.close()
    }
  })
}

/** Puts values under keys, past everything that Dogear does. */
export async function writeStored(page: Page, values: Record<string, unknown>): Promise<void> {
  await page.evaluate(async (entries) => {
    const request = indexedDB.open('dogear')
    await new Promise((resolve) => (request.onsuccess = resolve))
    const db = request.result
    const transaction = db.transaction('sessions', 'readwrite')
    for (const [key, value] of Object.entries(entries))
      transaction.objectStore('sessions').put(value, JSON.parse(key) as IDBValidKey)
    await new Promise((resolve) => (transaction.oncomplete = resolve))
    db.close()
  }, values)
}
