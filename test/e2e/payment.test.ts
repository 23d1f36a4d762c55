import { describe, expect, onTestFinished, test } from 'vitest'
import { startPaymentServer, type PaymentServerOptions } from '../../stories/payment-server.mjs'
import { button, fillAddress, heading, note, pay, receipt, saved, toPayment } from './checkout-page.ts'
import { silentAtFirst } from './silent-at-first.ts'
import { siteOf } from './site.ts'
import { interruptions, visit } from './visitor.ts'

const site = siteOf()

/** A customer who has approved the payment and not sent it yet. */
async function atPayment(options: PaymentServerOptions = {}) {
  const payments = await startPaymentServer(options)
  onTestFinished(() => payments.close())
  const customer = await visit(`${site.url}?payments=${payments.url}`)
  await fillAddress(customer.page)
  await toPayment(customer.page)
  return { customer, payments }
}

describe.each(interruptions)('charged, but the answer is still on its way / %s', (_, interrupt) => {
  test('goes on by itself with the same key, and is charged once', async () => {
    const { firstCharge, beforeAnswer } = silentAtFirst()
    const { customer, payments } = await atPayment({ beforeAnswer })
    await pay(customer.page)
    await firstCharge

    await interrupt(customer)

    expect(await receipt(customer.page)).toContain('€ 21.85')
    // 503 first, then the charge whose answer never arrived, then the same answer again.
    expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 3, charged: 1 }])
  })
})

test('the first attempt failed and the second is due / SIGKILL / it is retried with the same key', async () => {
  const { customer, payments } = await atPayment()
  await pay(customer.page)
  await customer.page.getByText('the payment server is busy').waitFor()
  await customer.crash()
  expect(await receipt(customer.page)).toContain('€ 21.85')
  expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])
})

test('the server cannot be reached three times / the page says so, and Try again uses the same key', async () => {
  const { firstCharge, beforeAnswer } = silentAtFirst()
  const { customer, payments } = await atPayment({ beforeAnswer, failFirst: false })
  const context = customer.page.context()
  await pay(customer.page)
  await firstCharge
  // The network goes down with the answer on its way.
  await context.setOffline(true)
  await context.route('**/charge', (route) => route.abort())
  await expect(customer.reload()).rejects.toThrow('DISCONNECTED')
  await context.setOffline(false)
  await customer.reload()
  await customer.page.getByRole('heading', { name: 'The payment did not go through' }).waitFor()
  expect(await customer.page.getByRole('alert').innerText()).toContain('the payment server does not answer')

  await context.unroute('**/charge')
  await button(customer.page, 'Try again').click()
  await receipt(customer.page)
  expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])
})

test('a double click on every button / each page is answered once, nothing is skipped, and one charge is made', async () => {
  const payments = await startPaymentServer()
  onTestFinished(() => payments.close())
  const customer = await visit(`${site.url}?payments=${payments.url}`)
  const { page } = customer
  await fillAddress(page)
  await button(page, 'Back').dblclick()
  await page.getByRole('heading', { name: 'Address' }).waitFor()
  await button(page, 'Continue to delivery').dblclick()
  await note(page).waitFor()
  await button(page, 'Continue to payment').dblclick()
  await page.getByLabel('Name on the card').fill('A Lovelace')
  await page.getByLabel(/^I approve/).check()
  await button(page, /^Pay/).dblclick()
  await receipt(page)
  expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])
})

test('paid in another tab / the first tab charges nothing more, and shows the receipt by itself', async () => {
  const { customer, payments } = await atPayment()
  await saved(customer.page)
  const other = await customer.secondTab()
  await button(other, 'Back').click()
  await toPayment(other)
  const asked: string[] = []
  for (const page of [customer.page, other]) page.on('request', (request) => asked.push(request.url()))
  await pay(other)
  const paid = await receipt(other)
  const charges = payments.charges()

  expect(await receipt(customer.page)).toBe(paid)
  expect(payments.charges()).toEqual(charges)
  // The leader has paid, and no other tab.
  expect(new Set(charges).size).toBe(1)
})

test('a form submitted three times in one go / one reply is taken', async () => {
  const { customer, payments } = await atPayment()
  await customer.page.evaluate(() => {
    const form = document.querySelector('form')
    for (let i = 0; i < 3; i++) form?.requestSubmit()
  })
  await receipt(customer.page)
  expect(await heading(customer.page)).toBe('Receipt')
  expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])
})
