import { expect, onTestFinished, test } from 'vitest'
import { startPaymentServer } from '../../stories/payment-server.mjs'
import { button, fillHalf, halfTyped, note, typeAndSave } from './checkout-page.ts'
import { damage, logsOf, tearRecord } from './leveldb.ts'
import { siteOf } from './site.ts'
import { visit } from './visitor.ts'

const site = siteOf()

/** A customer who has filled half a form, and whose browser is killed; `hurt` changes its logs before it starts again. */
async function killed(hurt: (log: string) => Promise<void>) {
  const payments = await startPaymentServer()
  onTestFinished(() => payments.close())
  const customer = await visit(`${site.url}?payments=${payments.url}`)
  await fillHalf(customer.page)
  let logs: string[] = []
  await customer.crash(async () => {
    logs = await logsOf(customer.profile)
    for (const log of logs) await hurt(log)
  })
  expect(logs).toHaveLength(1)
  return { customer, log: logs[0] }
}

test('SIGKILL in the middle of a record, a visit, and SIGKILL again / all that was saved is there', async () => {
  const { customer, log } = await killed(tearRecord)
  await note(customer.page).waitFor()
  await expect.poll(() => logsOf(customer.profile)).not.toContain(log)
  await typeAndSave(note(customer.page), 'll')

  await customer.crash()

  await note(customer.page).waitFor()
  expect(await note(customer.page).inputValue()).toBe(`${halfTyped}ll`)
  expect(customer.heard()).toEqual([])
})

test('a database that the browser can no longer read / the page begins anew, and says what is lost', async () => {
  const { customer } = await killed(damage)
  await button(customer.page, 'Check out').waitFor()
  let heard = ''
  await expect
    .poll(() => (heard += customer.heard().join()))
    .toContain('could not read its database "dogear" (IndexedDB (database was corrupt): checksum mismatch)')
})
