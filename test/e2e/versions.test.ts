import { expect, test } from 'vitest'
import { siteOf } from './site.ts'
import { visit } from './visitor.ts'

const site = siteOf('versions-app')

test('types and at once loads the page with a new version of the code / the last key is there, migrated once, 6 of 6', async () => {
  const { page } = await visit(site.url)
  const note = page.getByLabel('Note')
  const made: number[] = []
  for (let version = 2; version < 8; version++) {
    await note.fill(`before ${version}`)
    await page.goto(`${site.url}?version=${version}`)
    await note.waitFor()
    made.push(version)
    expect(await note.inputValue()).toBe(`before ${version}`)
    await page.getByText(`Made by ${made.join()}.`).waitFor()
  }
})

test('another tab loads a new version of the code / it has what was saved; the older tab asks for a reload, and then has it too', async () => {
  const visitor = await visit(site.url)
  const { page } = visitor
  await page.getByLabel('Note').fill('of version 1')
  await page.getByRole('status').getByText('saved', { exact: true }).waitFor()
  const newer = await visitor.secondTab()
  await newer.goto(`${site.url}?version=2`)
  await newer.getByText('Made by 2.').waitFor()
  expect(await newer.getByLabel('Note').inputValue()).toBe('of version 1')
  await page.getByRole('status').getByText('outdated: ').waitFor()
  expect(await page.getByRole('status').textContent()).toContain('reload')
  await newer.getByLabel('Note').fill('of version 2')
  await page.goto(`${site.url}?version=2`)
  await page.getByText('Made by 2.').waitFor()
  await expect.poll(() => page.getByLabel('Note').inputValue()).toBe('of version 2')
})
