/** The middle of a sample: not moved by the few rounds that another process disturbed. */
export function median(sample: readonly number[]): number {
  const sorted = sample.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const minimum = (sample: readonly number[]): number => Math.min(...sample)

/**
 * How many times `a` is of `b`, round by round: the rounds were interleaved, so what slowed the machine down
 * in one round slowed both.
 */
export function ratio(a: readonly number[], b: readonly number[]): number {
  const rounds = Math.min(a.length, b.length)
  return median(Array.from({ length: rounds }, (_, round) => a[round]! / b[round]!))
}
