import { describe, expect, onTestFinished, test } from 'vitest'
import { startPaymentServer } from '../../stories/payment-server.mjs'
import {
  address,
  button,
  fillHalf,
  halfTyped,
  heading,
  note,
  pay,
  receipt,
  saved,
  toPayment,
  type,
  typeAndSave,
} from './checkout-page.ts'
import { siteOf } from './site.ts'
import { interruptions, visit } from './visitor.ts'

const site = siteOf()

/** A customer who has filled page 1 and half of page 2. */
async function halfWay() {
  const payments = await startPaymentServer()
  onTestFinished(() => payments.close())
  const customer = await visit(`${site.url}?payments=${payments.url}`)
  await fillHalf(customer.page)
  return { customer, payments }
}

describe.each(interruptions)('page 1 filled, half a word typed on page 2, saved / %s', (_, interrupt) => {
  test('page 2, the half-typed text and the answers are there, and one charge is made', async () => {
    const { customer, payments } = await halfWay()

    await interrupt(customer)

    await note(customer.page).waitFor()
    expect(await heading(customer.page)).toBe('Delivery')
    expect(await note(customer.page).inputValue()).toBe(halfTyped)
    expect(await customer.page.getByRole('status').allInnerTexts()).toContainEqual(
      expect.stringContaining('Welcome back'),
    )

    await button(customer.page, 'Back').click()
    for (const [label, value] of Object.entries(address))
      expect(await customer.page.getByLabel(label, { exact: true }).inputValue()).toBe(value)
    await button(customer.page, 'Continue to delivery').click()
    await type(note(customer.page), 'll')
    await toPayment(customer.page)
    await pay(customer.page)

    const text = await receipt(customer.page)
    for (const part of ['Ada Lovelace', 'Damrak 1, 1012 LG Amsterdam', 'Ring the bell', '€ 21.85'])
      expect(text).toContain(part)
    // The first try of a key fails with 503: the second one has the same key, and is the only one that charges.
    expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])
  })
})

describe.each(interruptions)(
  'a step empties a field and asks, then the user fills the field / %s',
  (_, interrupt) => {
    test('the step runs again, the field keeps what the user entered, and one charge is made', async () => {
      const { customer, payments } = await halfWay()
      await button(customer.page, 'Continue to payment').click()
      // The step has unticked this box before it asked.
      const approve = () => customer.page.getByLabel(/^I approve/)
      expect(await approve().isChecked()).toBe(false)
      await approve().check()
      await typeAndSave(customer.page.getByLabel('Name on the card'), 'A Love')

      await interrupt(customer)

      await approve().waitFor()
      expect(await approve().isChecked()).toBe(true)
      expect(await customer.page.getByLabel('Name on the card').inputValue()).toBe('A Love')
      await pay(customer.page)
      await receipt(customer.page)
      expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])
    })
  },
)

test('reload, new tab and SIGKILL, twice over / the half-typed text is still there', async () => {
  const { customer } = await halfWay()
  for (const [, interrupt] of [...interruptions, ...interruptions]) await interrupt(customer)
  await note(customer.page).waitFor()
  expect(await note(customer.page).inputValue()).toBe(halfTyped)
})

test('eight reloads, each while the session is opening / nothing is lost', async () => {
  const { customer } = await halfWay()
  const { page } = customer
  await page.addInitScript(() => {
    const reloads = Number(sessionStorage.getItem('reloads') ?? 0)
    if (reloads === 8) return
    const opening = new MutationObserver(() => {
      if (document.querySelector('.checkout') === null) return
      opening.disconnect()
      sessionStorage.setItem('reloads', String(reloads + 1))
      location.reload()
    })
    opening.observe(document, { childList: true, subtree: true })
  })
  await page.goto(site.url, { waitUntil: 'commit' })
  await page.waitForFunction(() => sessionStorage.getItem('reloads') === '8')
  await note(page).waitFor()
  expect(await note(page).inputValue()).toBe(halfTyped)
})

test('typed as soon as the field is there, then SIGKILL once saved / old and new text are there', async () => {
  const { customer } = await halfWay()
  await customer.page.reload({ waitUntil: 'commit' })
  await typeAndSave(note(customer.page), 'll')
  await customer.crash()
  await note(customer.page).waitFor()
  expect(await note(customer.page).inputValue()).toBe(`${halfTyped}ll`)
})

test('a reload before the last keys are saved / what was saved is there, and no key out of order', async () => {
  const { customer } = await halfWay()
  await type(note(customer.page), 'll, twice')
  await customer.reload()
  await note(customer.page).waitFor()
  const kept = await note(customer.page).inputValue()
  expect(`${halfTyped}ll, twice`.startsWith(kept)).toBe(true)
  expect(kept.length).toBeGreaterThanOrEqual(halfTyped.length)
})

test('a finished checkout / SIGKILL / the receipt is there, and Shop again begins anew', async () => {
  const { customer, payments } = await halfWay()
  await toPayment(customer.page)
  await pay(customer.page)
  const before = await receipt(customer.page)
  await saved(customer.page)
  await customer.crash()
  expect(await receipt(customer.page)).toBe(before)
  expect(payments.charges()).toHaveLength(1)

  await button(customer.page, 'Shop again').click()
  await button(customer.page, 'Check out').click()
  await customer.page.getByLabel('Name', { exact: true }).waitFor()
  expect(await customer.page.getByLabel('Name', { exact: true }).inputValue()).toBe('')
})

test('started over, saved / SIGKILL / the old answers do not come back', async () => {
  const { customer } = await halfWay()
  await button(customer.page, 'Start over').click()
  await button(customer.page, 'Delete my answers').click()
  await button(customer.page, 'Check out').click()
  await typeAndSave(customer.page.getByLabel('Name', { exact: true }), 'B')
  await customer.crash()
  await customer.page.getByLabel('Name', { exact: true }).waitFor()
  expect(await customer.page.getByLabel('Name', { exact: true }).inputValue()).toBe('B')
  expect(await customer.page.getByLabel('City', { exact: true }).inputValue()).toBe('')
})
