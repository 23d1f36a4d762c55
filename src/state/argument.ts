import { ArgumentError } from '../errors'

const words: Readonly<Record<string, string>> = {
  object: 'an object',
  function: 'a function',
  string: 'a text',
  number: 'a number from 0',
}

/**
 * Callers without types give anything. `takes`: the `typeof` of the argument, or the name of a method that it must have.
 *
 * @throws ArgumentError for anything else, null and numbers below 0 too
 */
export function checkArgument(call: string, given: unknown, takes = 'object'): void {
  const known = words[takes]
  const fits = known
    ? typeof given === takes && given !== null && (takes !== 'number' || (given as number) >= 0)
    : typeof (given as Readonly<Record<string, unknown>> | null | undefined)?.[takes] === 'function'
  if (!fits) throw new ArgumentError(call, given, known ?? `an object with ${takes}()`)
}

/**
 * The same for options: an object, and its values by name. Null and undefined count as not given. A misspelt name would also
 * count as not given, silently: a `clear({ prefx })` would clear everything. `''`: the value is checked elsewhere.
 */
export function checkOptions(call: string, given: object, takes: Readonly<Record<string, string>>): void {
  checkArgument(call, given)
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (value == null) continue
    const as = takes[name]
    if (as === undefined)
      throw new ArgumentError(call, name, `the options ${Object.keys(takes).join(', ')}`, name)
    if (as) checkArgument(`${call}: ${name}`, value, as)
  }
}
