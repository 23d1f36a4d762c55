/** A deep copy of stored data. Jest's jsdom has no `structuredClone`, but stores only JSON. */
export function deepCopy<T>(value: T): T {
  return typeof structuredClone === 'function'
    ? structuredClone(value)
    : (JSON.parse(JSON.stringify(value)) as T)
}
