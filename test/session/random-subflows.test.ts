import { expect, test } from 'vitest'
import { findingOf, subflows } from './random/search'

const seeds = Number(process.env['FUZZ_SEEDS'] ?? 300)
/** Milliseconds: when the machine is busy, fewer seeds must do. `npm run fuzz -- --of subflows` knows no such limit. */
const limit = process.env['FUZZ_SEEDS'] === undefined ? 6000 : Infinity
const first = Number(process.env['FUZZ_FIRST'] ?? 1)

test('random sub-flows with crashes, tabs and moves through the history / the same end as without, and one key for each effect', async () => {
  const failures: unknown[] = []
  const until = performance.now() + limit
  let seed = first
  for (; seed < first + seeds && failures.length < 2 && performance.now() < until; seed++) {
    const finding = await findingOf(subflows, seed)
    if (finding) failures.push(finding)
  }
  console.log(`${seed - first} of ${seeds} random flows in flows played`)
  if (failures.length > 0) expect.fail(failures.map((it) => JSON.stringify(it, undefined, 1)).join('\n'))
}, 3_600_000)
