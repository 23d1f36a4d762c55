/**
 * Watches what a page hands to storage, by wrapping the few methods through which everything goes. It must be
 * made before any library opens a database. While bytes are not counted, the wrappers only count calls, so
 * that the measured time is the library's.
 */
export function storageMeter() {
  let counting = false
  let puts = 0
  let handed = 0
  let open = 0
  let begun = 0
  let waiting: { readonly after: number; readonly wake: () => void } | undefined
  const seen = new WeakSet<IDBTransaction>()

  const size = (value: unknown): number => (JSON.stringify(value) ?? '').length

  /** A transaction that writes is watched until it has completed, which is what durable means. */
  function watch(transaction: IDBTransaction): void {
    if (seen.has(transaction)) return
    seen.add(transaction)
    open++
    const number = ++begun
    const ended = () => {
      open--
      if (open > 0 || !waiting || number <= waiting.after) return
      const { wake } = waiting
      waiting = undefined
      wake()
    }
    transaction.addEventListener('complete', ended)
    transaction.addEventListener('abort', ended)
  }

  const busy = () => open > 0

  for (const method of ['put', 'add'] as const) {
    const original = IDBObjectStore.prototype[method]
    IDBObjectStore.prototype[method] = function (value: unknown, key?: IDBValidKey) {
      puts++
      if (counting) handed += size(value)
      watch(this.transaction)
      return key === undefined ? original.call(this, value) : original.call(this, value, key)
    }
  }
  const setItem = Storage.prototype.setItem
  Storage.prototype.setItem = function (key, value) {
    puts++
    if (counting) handed += key.length + value.length
    return setItem.call(this, key, value)
  }

  return {
    /** Resolves when a transaction that was opened after this call has completed and none is open. */
    nextDurable: (): Promise<void> =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('nothing was stored within 20 s')), 20_000)
        const wake = () => {
          clearTimeout(late)
          resolve()
        }
        waiting = { after: begun, wake }
      }),

    /** Resolves when nothing was written for a while: what a library does after its first transaction counts too. */
    async quiet(ms = 200): Promise<void> {
      let before: number
      do {
        before = puts
        await new Promise((resolve) => setTimeout(resolve, ms))
      } while (before !== puts || busy())
    },

    start(bytes: boolean): void {
      counting = bytes
      puts = 0
      handed = 0
    },

    stop(): { puts: number; handed: number } {
      counting = false
      return { puts, handed }
    },
  }
}
