import type { Page } from 'playwright'
import { describe, expect, onTestFinished, test } from 'vitest'
import { assistantAt } from '../../stories/chat-agent/assistant.ts'
import { startPaymentServer } from '../../stories/payment-server.mjs'
import { saved, typeAndSave } from './checkout-page.ts'
import { silentAtFirst } from './silent-at-first.ts'
import { siteOf } from './site.ts'
import { interruptions, visit } from './visitor.ts'

const site = siteOf('chat-app')

const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
const field = (page: Page) => page.getByLabel('Message')
const messages = async (page: Page) =>
  (await page.locator('.log li').allInnerTexts()).map((it) =>
    it
      .replace(/\s+/g, ' ')
      .replace(/ ?Edit$/, '')
      .trim(),
  )

async function send(page: Page, text: string): Promise<void> {
  await field(page).fill(text)
  await press(page, 'Send')
}

/** The whole reply, as nobody interrupts it. */
async function replyTo(prompt: string): Promise<string> {
  const assistant = assistantAt(0, undefined)
  let text = ''
  for (let from = 0, end = false; !end;) {
    const part = await assistant.read(prompt, from, () => undefined, AbortSignal.any([]))
    text += part.text
    from = part.next
    end = part.end
  }
  return `Assistant ${text}`
}

describe.each(interruptions)('%s', (_, interrupt) => {
  test('twice while the assistant writes / it goes on with the next word, none is lost or there twice', async () => {
    const visitor = await visit(`${site.url}?pace=30`)
    await send(visitor.page, 'Tell me')
    await visitor.page.getByText('somebody left off').waitFor()

    await interrupt(visitor)

    await expect.poll(() => messages(visitor.page)).toHaveLength(2)
    await visitor.page.getByText('as it is written').waitFor()

    await interrupt(visitor)

    await field(visitor.page).waitFor()
    expect(await messages(visitor.page)).toEqual(['You Tell me', await replyTo('Tell me')])
  })

  test('at the approval and then at the charge / it still asks, and pays once, with one key', async () => {
    const { firstCharge, beforeAnswer } = silentAtFirst()
    const payments = await startPaymentServer({ failFirst: false, beforeAnswer })
    onTestFinished(() => payments.close())
    const visitor = await visit(`${site.url}?pace=1&payments=${payments.url}`)
    await send(visitor.page, 'I want a refund')
    await visitor.page.getByRole('group', { name: 'Approval' }).waitFor()
    await saved(visitor.page)

    await interrupt(visitor)

    await press(visitor.page, 'Allow')
    await firstCharge

    await interrupt(visitor)

    await field(visitor.page).waitFor()
    expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2500, tries: 2, charged: 1 }])
    expect(await messages(visitor.page)).toEqual([
      'You I want a refund',
      await replyTo('I want a refund'),
      'Tool Refunded € 25',
      await replyTo('The refund was paid.'),
    ])
  })

  test('after it was stopped / it stays stopped, with what was typed for the next message', async () => {
    const visitor = await visit(`${site.url}?pace=100`)
    await send(visitor.page, 'Tell me')
    // There are six seconds left to press it.
    await visitor.page.getByText('somebody left off').waitFor()
    await press(visitor.page, 'Stop')
    await typeAndSave(field(visitor.page), 'A refund then')
    const before = await messages(visitor.page)
    expect(before[1]).toMatch(/\(stopped\)$/)

    await interrupt(visitor)

    await expect.poll(() => messages(visitor.page)).toEqual(before)
    expect(await field(visitor.page).inputValue()).toBe('A refund then')
    await press(visitor.page, 'Send')
    await visitor.page.getByRole('group', { name: 'Approval' }).waitFor()
    expect(await messages(visitor.page)).toEqual([
      ...before,
      'You A refund then',
      await replyTo('A refund then'),
    ])
  })
})

test('an approval in another tab / is given once, and both tabs show the answer', async () => {
  const { page, secondTab } = await visit(`${site.url}?pace=1`)
  await send(page, 'My money, please')
  await page.getByRole('group', { name: 'Approval' }).waitFor()
  const other = await secondTab()
  await press(other, 'Allow')
  for (const tab of [page, other]) {
    await field(tab).waitFor()
    await expect.poll(async () => (await messages(tab)).at(-1)).toBe(await replyTo('The refund was paid.'))
    expect(await messages(tab)).toHaveLength(4)
  }
})
