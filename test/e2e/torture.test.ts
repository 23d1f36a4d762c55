import { expect, test } from 'vitest'
import { launchOptions } from '../support/browser.ts'
import { engines } from '../torture/browsers.mjs'
import { torture } from '../torture/loop.mjs'

test('a dozen SIGKILLs at random moments / nothing saved is lost or torn, every effect keeps its key', async () => {
  const chromium = (await launchOptions()) as Parameters<typeof engines.chromium>[1]
  const tally = await torture(
    (profile) => {
      const engine = engines.chromium(profile, chromium)
      if (engine === undefined) throw new Error('there is no Chromium')
      return engine
    },
    { kills: 12, minutes: 2 },
  )
  expect(tally).toMatchObject({ lost: [], torn: [], otherKeys: 0, repeated: 0, silent: 0 })
  expect(tally.kills).toBeGreaterThan(3)
  expect(tally.acknowledged).toBeGreaterThan(0)
}, 180_000)
