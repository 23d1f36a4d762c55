import { expect, test } from 'vitest'
import { findingOf, joins, subflows, versions } from './random/search'

const wanted = process.env['FUZZ_SEEDS']
const first = Number(process.env['FUZZ_FIRST'] ?? 1)

test.each([
  ['with crashes, tabs and moves through the history', subflows, 300, 6000],
  ['with what is gathered, collected and waited for together, by few workers', joins, 300, 6000],
  ['while newer code with migrations and new names of steps is deployed', versions, 200, 4000],
])(
  'random sub-flows %s / the same end as without, and one key for each effect',
  async (_, kind, usual, most) => {
    const seeds = Number(wanted ?? usual)
    // Milliseconds: when the machine is busy, fewer seeds must do. `npm run fuzz -- --of subflows` knows no such limit.
    const until = performance.now() + (wanted === undefined ? most : Infinity)
    const failures: unknown[] = []
    let seed = first
    for (; seed < first + seeds && failures.length < 2 && performance.now() < until; seed++) {
      const finding = await findingOf(kind, seed)
      if (finding) failures.push(finding)
    }
    console.log(`${seed - first} of ${seeds} random flows in flows played`)
    if (failures.length > 0) expect.fail(failures.map((it) => JSON.stringify(it, undefined, 1)).join('\n'))
  },
  3_600_000,
)
