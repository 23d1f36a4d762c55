import type { Page } from 'playwright'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startPaymentServer } from '../../stories/payment-server.mjs'
import {
  button,
  clock,
  fillAddress,
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
import { visit } from './visitor.ts'

const site = siteOf()

async function customerWithTwoTabs() {
  const customer = await visit(site.url)
  await fillHalf(customer.page)
  const second = await customer.secondTab()
  await note(second).waitFor()
  return { customer, first: customer.page, second }
}

/** Waits until the note is this one. */
async function shows(page: Page, text: string): Promise<void> {
  await expect.poll(() => note(page).inputValue()).toBe(text)
}

test('two tabs / each sees what the other types, and either may continue', async () => {
  const { first, second } = await customerWithTwoTabs()
  expect(await note(second).inputValue()).toBe(halfTyped)
  await type(note(second), 'll')
  await shows(first, `${halfTyped}ll`)
  await typeAndSave(note(first), '!')
  await shows(second, `${halfTyped}ll!`)
  await button(second, 'Continue to payment').click()
  await first.getByRole('heading', { name: 'Payment' }).waitFor()
  expect(await heading(second)).toBe('Payment')
})

test.each([
  ['that leads', 0],
  ['that follows', 1],
])(
  'the answers are deleted in the tab %s / no tab shows them, and what is typed next is kept',
  async (_, at) => {
    const { first, second } = await customerWithTwoTabs()
    const tabs = [first, second] as const
    await button(tabs[at as 0 | 1], 'Start over').click()
    await button(tabs[at as 0 | 1], 'Delete my answers').click()
    for (const tab of tabs) await button(tab, 'Check out').waitFor()
    await fillAddress(first)
    await note(second).waitFor()
    expect(await note(second).inputValue()).toBe('')
    await typeAndSave(note(second), 'Anew')
    for (const tab of tabs) await tab.reload()
    for (const tab of tabs) await shows(tab, 'Anew')
  },
)

test('the leader hangs, and the follower types and reloads / the text is there, and it goes on after Continue here', async () => {
  const { first, second } = await customerWithTwoTabs()
  hang(first)
  await note(second).fill('typed while nobody answered')
  await second.reload()
  await shows(second, 'typed while nobody answered')
  await button(second, 'Continue here').click()
  await typeAndSave(note(second), '.')
  await second.reload()
  await shows(second, 'typed while nobody answered.')
})

/** For ever: the page answers nothing any more. */
function hang(page: Page): void {
  page
    .evaluate(() => {
      for (;;);
    })
    .catch(() => {})
}

/** How a tab can go away, and what the user of the other one does about it. */
const ends: [string, (first: Page, second: Page) => Promise<void>][] = [
  ['is closed', (first) => first.close()],
  ['navigates away', async (first) => void (await first.goto(`${site.url}elsewhere.html`))],
  [
    'crashes',
    async (first) => {
      const devtools = await first.context().newCDPSession(first)
      const crashed = new Promise((resolve) => first.once('crash', resolve))
      devtools.send('Page.crash').catch(() => {})
      await crashed
    },
  ],
  [
    'hangs, and the other takes over',
    async (first, second) => {
      hang(first)
      await type(note(second), ' ')
      await button(second, 'Continue here').click()
    },
  ],
]

describe.each(ends)('the leader %s', (_, end) => {
  test('the other tab goes on, with every key', async () => {
    const { first, second, customer } = await customerWithTwoTabs()
    await type(note(first), 'll')
    await shows(second, `${halfTyped}ll`)
    await end(first, second)
    await note(second).fill(`${halfTyped}ll of the neighbours`)
    await typeAndSave(note(second), '.')
    await second.reload()
    await shows(second, `${halfTyped}ll of the neighbours.`)
    await button(second, 'Continue to payment').click()
    await second.getByRole('heading', { name: 'Payment' }).waitFor()
    void customer
  })
})

test.each(ends.filter(([name]) => name !== 'hangs, and the other takes over'))(
  'charged, but the answer is still on its way, and the leader %s / the other tab shows the receipt, and one charge was made',
  async (_, end) => {
    let charged = () => {}
    const firstCharge = new Promise<void>((resolve) => (charged = resolve))
    let first = true
    const payments = await startPaymentServer({
      failFirst: false,
      beforeAnswer() {
        if (!first) return undefined
        first = false
        charged()
        return new Promise<void>(() => {})
      },
    })
    onTestFinished(() => payments.close())
    const customer = await visit(`${site.url}?payments=${payments.url}`)
    await fillAddress(customer.page)
    await toPayment(customer.page)
    const second = await customer.secondTab()
    await second.getByRole('heading', { name: 'Payment' }).waitFor()
    await pay(customer.page)
    await firstCharge
    await end(customer.page, second)
    expect(await receipt(second)).toContain('€ 21.85')
    expect(payments.charges()).toEqual([{ key: expect.any(String), total: 2185, tries: 2, charged: 1 }])
  },
)

/** From now on, this page's disk has no room for anything, or has it again. */
async function fillDisk(page: Page, full: boolean): Promise<void> {
  await page.evaluate((isFull) => {
    const { prototype } = IDBObjectStore
    const own = prototype as { room?: typeof prototype.put }
    own.room ??= prototype.put
    prototype.put = isFull
      ? () => {
          throw new DOMException('the disk is full', 'QuotaExceededError')
        }
      : own.room
  }, full)
}

test.each(ends.filter(([name]) => /closed|hangs/.test(name)))(
  'the disk is full, and the leader %s / the other tab goes on, and all is saved when there is room',
  async (_, end) => {
    const { first, second, customer } = await customerWithTwoTabs()
    for (const tab of [first, second]) await fillDisk(tab, true)
    await type(note(first), 'll')
    await shows(second, `${halfTyped}ll`)
    await end(first, second)
    await note(second).fill(`${halfTyped}ll!`)
    await button(second, 'Continue to payment').click()
    await second.getByRole('heading', { name: 'Payment' }).waitFor()
    await fillDisk(second, false)
    await saved(second, await clock(second))
    await second.reload()
    await second.getByRole('heading', { name: 'Payment' }).waitFor()
    await button(second, 'Back').click()
    await shows(second, `${halfTyped}ll!`)
    void customer
  },
)

const exits: [string, (page: Page) => Promise<void>][] = [
  ['reloads', async (page) => void (await page.reload())],
  [
    'navigates and comes back',
    async (page) => {
      await page.goto(`${site.url}elsewhere.html`)
      await page.goto(site.url)
    },
  ],
]

test.each(exits)('types and at once %s / the last key is there, 12 of 12', async (_, leave) => {
  const customer = await visit(site.url)
  await fillHalf(customer.page)
  let kept = 0
  for (let n = 0; n < 12; n++) {
    await note(customer.page).fill(`try ${n}`)
    await leave(customer.page)
    await note(customer.page).waitFor()
    if ((await note(customer.page).inputValue()) === `try ${n}`) kept++
  }
  expect(kept).toBe(12)
})

test('types, at once closes the tab and opens another / the last key is there, 12 of 12', async () => {
  const customer = await visit(site.url)
  await fillHalf(customer.page)
  let kept = 0
  for (let n = 0; n < 12; n++) {
    await note(customer.page).fill(`try ${n}`)
    await customer.changeTab()
    await note(customer.page).waitFor()
    if ((await note(customer.page).inputValue()) === `try ${n}`) kept++
  }
  expect(kept).toBe(12)
})
