interface Failure {
  readonly seed: number
  readonly wrong: readonly string[]
}

/** Plays as many seeds, unless FUZZ_SEEDS and FUZZ_FIRST say otherwise. Returns the first few with which something is wrong or thrown. */
export async function failuresOf(
  count: number,
  play: (seed: number) => Promise<readonly string[]>,
): Promise<Failure[]> {
  const first = Number(process.env['FUZZ_FIRST'] ?? 1)
  const end = first + Number(process.env['FUZZ_SEEDS'] ?? count)
  const failures: Failure[] = []
  for (let seed = first; seed < end && failures.length < 5; seed++) {
    const wrong = await play(seed).catch((error: Error) => [`threw ${error.stack}`])
    if (wrong.length > 0) failures.push({ seed, wrong })
  }
  return failures
}
