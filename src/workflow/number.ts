/** What a number in a definition may be: in words, and whether one is. */
export type Rule = readonly [words: string, fits: (it?: number) => boolean]

export const whole: Rule = ['a whole number from 1', (it = 0) => Number.isInteger(it) && it >= 1]
// These need not be given.
export const records: Rule = ['a whole number of records, or 0', (it = 0) => Number.isInteger(it) && it >= 0]
export const positive: Rule = ['more than 0', (it = 1) => it > 0]
export const amount: Rule = ['0 or more', (it = 0) => it >= 0]

/** What is wrong with the numbers of something, in words; `path` comes before their names. */
export function mistakes(of: object, rules: Readonly<Record<string, Rule>>, path = ''): string[] {
  const found: string[] = []
  // Without lists of entries: a document has a thousand nodes.
  for (const name in rules) {
    const [words, fits] = rules[name]!
    const value = (of as Readonly<Record<string, number | undefined>>)[name]
    // A text is shown as one: a version "1" is no number.
    const shown = typeof value === 'string' ? `"${value as string}"` : value
    if (!fits(value)) found.push(`${path}${name} is ${shown}; it is ${words}`)
  }
  return found
}
