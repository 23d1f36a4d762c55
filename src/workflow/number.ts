/** What a number in a definition may be: in words, and whether one is. */
type Rule = readonly [words: string, fits: (it: number) => boolean]

export const whole: Rule = ['a whole number from 1', (it) => Number.isInteger(it) && it >= 1]
export const records: Rule = ['a whole number of records, or 0', (it) => Number.isInteger(it) && it >= 0]
export const positive: Rule = ['more than 0', (it) => it > 0]
export const amount: Rule = ['0 or more', (it) => it >= 0]

/** What is wrong with a number, in words; `undefined` when nothing is. */
export function mistake(name: string, value: number, rule: Rule): string | undefined {
  // A text is shown as one: a version "1" is no number.
  return rule[1](value)
    ? undefined
    : `${name} is ${typeof value === 'string' ? `"${value as string}"` : value}; it is ${rule[0]}`
}
