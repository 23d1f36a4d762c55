import type { DogearError } from '../../errors'
import { StaleEpochError } from '../../storage-errors'

export async function refused(call: Promise<unknown>, code: string): Promise<DogearError> {
  const error = await call.then(
    () => fail(`expected ${code}, but it worked`),
    (thrown: unknown) => thrown as DogearError | undefined,
  )
  if (error?.code !== code) fail(`expected an error with the code ${code}, got ${String(error)}`)
  return error
}

/** Refused because another epoch may write, or because nobody has the session any more (0): the engine tells them apart. */
export async function fenced(call: Promise<unknown>, newest: number): Promise<void> {
  const error = await refused(call, 'STALE_EPOCH')
  if (!(error instanceof StaleEpochError))
    fail('expected a StaleEpochError of dogear, got one that looks like it')
  if (error.newest !== newest) fail(`expected a StaleEpochError with newest ${newest}, got ${error.newest}`)
}

export function equal(actual: unknown, expected: unknown): void {
  const [got, want] = [canonical(actual), canonical(expected)]
  if (got !== want) fail(`expected ${want}, got ${got}`)
}

export function truthy(condition: boolean, what: string): void {
  if (!condition) fail(`not so: ${what}`)
}

export function fail(message: string): never {
  throw new Error(message)
}

/** JSON with sorted keys: what a storage must give back, whatever the order it keeps. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, it: unknown) => {
      if (typeof it === 'bigint') return `${it}n`
      if (typeof it !== 'object' || it === null || Array.isArray(it)) return it
      return Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1)))
    }) ?? 'undefined'
  )
}
