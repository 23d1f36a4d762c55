import type { DogearError } from '../../errors'

export async function refused(call: Promise<unknown>, code: string): Promise<void> {
  const error = await call.then(
    () => fail(`expected ${code}, but it worked`),
    (thrown: unknown) => thrown as DogearError,
  )
  equal(error.code, code)
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
