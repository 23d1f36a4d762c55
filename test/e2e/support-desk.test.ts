import type { Page } from 'playwright'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startPaymentServer } from '../../stories/payment-server.mjs'
import { clock, saved, typeAndSave } from './checkout-page.ts'
import { silentAtFirst } from './silent-at-first.ts'
import { siteOf } from './site.ts'
import { interruptions, visit, type Visitor } from './visitor.ts'

const site = siteOf('desk-app')

const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
const log = async (page: Page) =>
  (await page.locator('.log li').allInnerTexts()).map((it) => it.replace(/\s+/g, ' '))
/** The node that Mermaid shows lit. */
const lit = (page: Page, name: string) => page.locator('.node.lit', { hasText: name }).waitFor()
/** The group, with the node in it. */
const litInside = async (page: Page, group: string, name: string) => {
  await lit(page, name)
  await page.locator('.cluster.lit', { hasText: group }).waitFor()
}

async function opened(thinking: number, payments = ''): Promise<Visitor> {
  const visitor = await visit(`${site.url}?thinking=${thinking}${payments && `&payments=${payments}`}`)
  await press(visitor.page, 'Open a case')
  await visitor.page.getByRole('textbox').fill('My screen is black')
  return visitor
}

describe.each(interruptions)('%s', (_, interrupt) => {
  test('in the second round, half a question typed / the same node is lit, and it ends as usual', async () => {
    const visitor = await opened(50)
    await press(visitor.page, 'Send')
    await press(visitor.page, 'No')
    await visitor.page.getByText('Tell us more.').waitFor()
    await typeAndSave(visitor.page.getByRole('textbox'), 'My money, please')

    await interrupt(visitor)

    await lit(visitor.page, 'listen')
    expect(await visitor.page.getByRole('textbox').inputValue()).toBe('My money, please')
    const since = await clock(visitor.page)
    await press(visitor.page, 'Send')
    await visitor.page.getByText('refund € 25?').waitFor()
    await saved(visitor.page, since)

    await interrupt(visitor)

    await litInside(visitor.page, 'refund', 'approve')
    await press(visitor.page, 'Grant')
    await press(visitor.page, 'Yes, close it')
    await visitor.page.getByText('This case is closed.').waitFor()
    expect(await log(visitor.page)).toEqual([
      'You My screen is black',
      'Desk Have you tried turning it off and on?',
      'You My money, please',
      'Desk € 25 are on their way.',
      'Desk Thank you. This case is closed.',
    ])
  })

  test('in a node that is a workflow, at its ask and then at its charge / it goes on there, and is charged once with one key', async () => {
    const { firstCharge, beforeAnswer } = silentAtFirst()
    const payments = await startPaymentServer({ failFirst: false, beforeAnswer })
    onTestFinished(() => payments.close())
    const visitor = await opened(50, payments.url)
    await visitor.page.getByRole('textbox').fill('I want a refund')
    await press(visitor.page, 'Send')
    await visitor.page.getByText('refund € 25?').waitFor()
    await saved(visitor.page)

    await interrupt(visitor)

    await litInside(visitor.page, 'refund', 'approve')
    await press(visitor.page, 'Grant')
    await firstCharge

    await interrupt(visitor)

    await visitor.page.getByText('€ 25 are on their way.').waitFor()
    expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2500, tries: 2, charged: 1 }])
    await press(visitor.page, 'Yes, close it')
    await visitor.page.getByText('This case is closed.').waitFor()
    expect(await log(visitor.page)).toHaveLength(3)
  })

  test('while a node executes / it executes again, and nothing before it is asked again', async () => {
    const visitor = await opened(3000)
    await press(visitor.page, 'Send')
    await lit(visitor.page, 'classify')
    await saved(visitor.page)

    await interrupt(visitor)

    // In words: on a busy machine the picture may come after the node has ended.
    await visitor.page.getByText('At work: classify').waitFor()
    await visitor.page.getByText('At work: answer').waitFor()
    await visitor.page.getByText('Did this help?').waitFor()
    expect(await log(visitor.page)).toHaveLength(2)
  })
})

test("with the system's own colours, as of high contrast / the names in the diagram can be read", async () => {
  const { page } = await opened(50)
  await page.emulateMedia({ forcedColors: 'active', colorScheme: 'dark' })
  const name = page.locator('.node', { hasText: 'classify' }).getByText('classify')
  const [ink, paper] = await name.evaluate((it) => [
    getComputedStyle(it).color,
    getComputedStyle(it.closest('.node')!.querySelector('rect, polygon, path')!).fill,
  ])
  expect(paper).toBe('rgb(255, 255, 255)')
  expect(ink).not.toBe(paper)
})
