import { test } from 'vitest'
import { expectNoFinding, faults } from '../session/random/search'

test('random browsers with up to three tabs, and storage that fails, hangs, answers late, is emptied or taken away / nothing acknowledged is lost, nothing is done twice, all tabs are equal', async () => {
  await expectNoFinding(faults, 'browsers with faulty storage', { seeds: 320, milliseconds: 10_000 })
}, 3_600_000)
