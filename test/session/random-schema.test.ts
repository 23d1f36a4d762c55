import { test } from 'vitest'
import { expectNoFinding, schemas } from './random/search'

test('random writes, failures, tabs and copies under a strict schema / every state is what its schema makes of it, and loads', async () => {
  // From here on a few dozen find each of the mistakes that these scripts were made for.
  await expectNoFinding(schemas, 'writers', { seeds: 100, milliseconds: 4000, first: 290 })
}, 3_600_000)
