import { expect, test } from 'vitest'
import { findingOf, schemas } from './random/search'

const wanted = process.env['FUZZ_SEEDS']
/** From here on a few dozen find each of the mistakes that these scripts were made for. */
const first = Number(process.env['FUZZ_FIRST'] ?? 290)

test('random writes, failures, tabs and copies under a strict schema / every state is what its schema makes of it, and loads', async () => {
  const seeds = Number(wanted ?? 100)
  // Milliseconds: when the machine is busy, fewer seeds must do. `npm run fuzz -- --of schema` knows no such limit.
  const until = performance.now() + (wanted === undefined ? 4000 : Infinity)
  const failures: unknown[] = []
  let seed = first
  for (; seed < first + seeds && failures.length < 2 && performance.now() < until; seed++) {
    const finding = await findingOf(schemas, seed)
    if (finding) failures.push(finding)
  }
  console.log(`${seed - first} of ${seeds} random writers played`)
  if (failures.length > 0) expect.fail(failures.map((it) => JSON.stringify(it, undefined, 1)).join('\n'))
}, 3_600_000)
