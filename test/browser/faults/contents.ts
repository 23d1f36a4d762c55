/** Looks into a database past the storage, and changes what is there. */

type Key = readonly [kind: string, id: string, n: number]

function opened(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('refused'))
  })
}

/** All values of a database by their keys. */
export async function contents(name: string): Promise<Record<string, unknown>> {
  const db = await opened(name)
  const store = db.transaction('sessions').objectStore('sessions')
  const [keys, values] = await Promise.all(
    [store.getAllKeys(), store.getAll()].map(
      (request) =>
        new Promise<unknown[]>((resolve) => {
          request.onsuccess = () => resolve(request.result as unknown[])
        }),
    ),
  )
  db.close()
  return Object.fromEntries((keys ?? []).map((key, at) => [JSON.stringify(key), values?.[at]]))
}

/** Changes the newest value of a kind. Answers with what puts it back. */
export async function spoil(
  name: string,
  kind: string,
  change: (value: never) => unknown,
): Promise<() => Promise<void>> {
  const key = Object.keys(await contents(name)).findLast((it) => it.startsWith(`["${kind}"`))
  if (key === undefined) throw new Error(`nothing of kind ${kind} is stored`)
  const before = (await contents(name))[key]
  const put = async (value: unknown): Promise<void> => {
    const db = await opened(name)
    const tx = db.transaction('sessions', 'readwrite')
    tx.objectStore('sessions').put(value, JSON.parse(key) as Key as unknown as IDBValidKey)
    await new Promise((resolve) => (tx.oncomplete = resolve))
    db.close()
  }
  await put(change(before as never))
  return () => put(before)
}
