import { expect, test } from 'vitest'
import { expectNoFinding, faults } from '../session/random/search'
import { play } from './random/faults-play'
import { scriptOf } from './random/faults-script'

test('random browsers with up to three tabs, and storage that fails, hangs, answers late, is emptied or taken away / nothing acknowledged is lost, nothing is done twice, all tabs are equal', async () => {
  await expectNoFinding(faults, 'browsers with faulty storage', { seeds: 320, milliseconds: 10_000 })
}, 3_600_000)

test.each([
  ['the storage is emptied before any session was claimed, and the flow state is written', 'webEmptied', 29],
  ['the first read of the flow state fails, and nobody writes it', 'opening', 91],
  ['the opening of the database is aborted, and then fails', 'opening', 108],
  ['the storage is emptied before the session could be claimed', 'wipedInTrouble', 56],
  ['the storage is emptied, and claimed anew while a write waits', 'wipedInTrouble', 131],
  ['the storage is emptied while a tab still reads what another one wrote', 'wipedInTrouble', 3_100_890],
  ['the storage is emptied when a tab comes back that has missed a write', 'wiped', 3_101_985],
  ['a backup is restored in the executing tab, of which another one has asked a flush', 'backup', 3_000_008],
  [
    'a tab that had found nothing leads beside silent storage, and an exit journal is found',
    'hung',
    3_401_001,
  ],
  ['a page that leads beside silent storage has the lock once more, and storage answers', 'all', 3_601_298],
  ['the storage has room for some parts of a snapshot, and then for the others', 'large', 6],
] as const)('a story in which %s / as in all others', async (_, kind, seed) => {
  expect(await play(scriptOf(kind, seed))).toEqual([])
})
