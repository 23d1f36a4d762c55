/** This list without one piece, in every way: first without a half, last without a single item. */
export function* fewer<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0)
    for (let n = 0; n < list.length; n += size) yield list.filter((_, at) => at < n || at >= n + size)
}
