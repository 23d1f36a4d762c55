import { test } from 'vitest'
import { expectNoFinding, joins, subflows, versions } from './random/search'

test.each([
  ['with crashes, tabs and moves through the history', subflows, 300, 6000],
  ['with what is gathered, collected and waited for together, by few workers', joins, 300, 6000],
  ['while newer code with migrations and new names of steps is deployed', versions, 200, 4000],
])(
  'random sub-flows %s / the end that their programs have, and one key for each effect',
  async (_, kind, seeds, milliseconds) => {
    await expectNoFinding(kind, 'flows in flows', { seeds, milliseconds })
  },
  3_600_000,
)
