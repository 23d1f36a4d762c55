import { expect, onTestFinished, test } from 'vitest'
import { unstorageStorage } from 'dogear/unstorage'
import { startPaymentServer } from '../../stories/payment-server.mjs'
import { fillHalf, halfTyped, heading, note, pay, receipt, saved, toPayment, type } from './checkout-page.ts'
import { startSessionServer } from './session-server.ts'
import { siteOf } from './site.ts'
import { visit } from './visitor.ts'

const site = siteOf()

test('half a checkout on one device / another device goes on with it, and back again; charged once', async () => {
  const [payments, sessions] = [await startPaymentServer(), await startSessionServer()]
  onTestFinished(async () => void (await Promise.all([payments.close(), sessions.close()])))
  const address = `${site.url}?payments=${payments.url}&sessions=${sessions.url}`
  const phone = await visit(address)
  await fillHalf(phone.page)

  // A profile of its own: the two devices share nothing but the server.
  const laptop = await visit(address)
  await note(laptop.page).waitFor()
  expect(await heading(laptop.page)).toBe('Delivery')
  expect(await note(laptop.page).inputValue()).toBe(halfTyped)

  const server = unstorageStorage(sessions.storage)
  const kept = async () => JSON.stringify(await server.read('checkout'))
  await type(note(laptop.page), 'll')
  await expect.poll(kept).toContain('Ring the bell')

  await phone.reload()
  await note(phone.page).waitFor()
  expect(await note(phone.page).inputValue()).toBe('Ring the bell')
  await type(note(phone.page), ' once')
  await expect.poll(kept).toContain('Ring the bell once')

  await laptop.reload()
  await note(laptop.page).waitFor()
  expect(await note(laptop.page).inputValue()).toBe('Ring the bell once')
  await toPayment(laptop.page)
  await pay(laptop.page)
  const paid = await receipt(laptop.page)
  await saved(laptop.page)
  const charges = payments.charges()
  expect(charges).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])

  await phone.reload()
  expect(await receipt(phone.page)).toBe(paid)
  expect(payments.charges()).toEqual(charges)
})
