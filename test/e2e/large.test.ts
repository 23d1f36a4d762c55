import { describe, expect, test } from 'vitest'
import { siteOf } from './site.ts'
import { readStored } from './stored.ts'
import { visit } from './visitor.ts'

const site = siteOf('large-app')

describe.each([1000, 10_000])('a session of %i kB, 21 quick changes and a reload at once', (kilobytes) => {
  test('the last change is there each time, and storage holds exactly the parts of the snapshot', async () => {
    const { page } = await visit(`${site.url}?kilobytes=${kilobytes}`)
    const output = page.locator('output')
    await output.getByText('new').waitFor()
    for (const last of ['change 21', 'change 42', 'change 63']) {
      await page.getByRole('button').click()
      await output.getByText(last, { exact: true }).waitFor()
    }
    await expect
      .poll(
        async () => {
          const stored = await readStored(page)
          const parts = Object.keys(stored).filter((key) => /^\["s","large",[1-9]/.test(key))
          const { parts: named = [] } = stored['["s","large",0]'] as { parts?: unknown[] }
          return parts.length >= kilobytes / 400 && parts.length === named.length
        },
        { timeout: 50_000, interval: 500 },
      )
      .toBe(true)
  })
})
