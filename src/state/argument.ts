import { ArgumentError } from '../errors'

const words: Readonly<Record<string, string>> = {
  object: 'an object',
  function: 'a function',
  string: 'a text',
  number: 'a number from 0',
}

/**
 * Callers without types give anything. `takes`: what `typeof` says of what is taken, or the name of a method that it has.
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
 * The same for options: an object, and what it gives by name. Null and undefined are no option at all. A name that is misspelt
 * would be none either, in silence: a `clear({ prefx })` would clear everything. `''`: others look at what is given.
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
