import type { Locator, Page } from 'playwright'

/** The wizard, as its users handle it: by what is written on it. */

export const address = {
  Name: 'Ada Lovelace',
  Email: 'ada@example.org',
  'Street and number': 'Damrak 1',
  Postcode: '1012 LG',
  City: 'Amsterdam',
}

/** Half a word: nobody has submitted it, and it must not be lost. */
export const halfTyped = 'Ring the be'

export const note = (page: Page) => page.getByLabel('Note for the courier')
export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
export const heading = (page: Page) => page.getByRole('heading', { level: 2 }).textContent()

export const clock = (page: Page) => page.evaluate(() => Date.now())

/** Waits until the page says that all is saved, and has looked since then. */
export async function saved(page: Page, since = 0): Promise<void> {
  await page.waitForFunction((then) => {
    const time = document.querySelector<HTMLTimeElement>('[data-status=saved] time')
    return time !== null && Date.parse(time.dateTime) >= then
  }, since)
}

/** Types key by key, after the text that is there. */
export async function type(field: Locator, text: string): Promise<void> {
  await field.press('End')
  await field.pressSequentially(text)
}

/** Types, and waits until the page says that the last key is saved. */
export async function typeAndSave(field: Locator, text: string): Promise<void> {
  await type(field, text.slice(0, -1))
  const since = await clock(field.page())
  await type(field, text.slice(-1))
  await saved(field.page(), since)
}

export async function fillAddress(page: Page): Promise<void> {
  await button(page, 'Check out').click()
  for (const [label, value] of Object.entries(address))
    await page.getByLabel(label, { exact: true }).fill(value)
  await button(page, 'Continue to delivery').click()
  await note(page).waitFor()
}

/** Page 1 is answered, half of page 2 is typed, and the page says that it is saved. */
export async function fillHalf(page: Page): Promise<void> {
  await fillAddress(page)
  await typeAndSave(note(page), halfTyped)
}

export async function toPayment(page: Page): Promise<void> {
  await button(page, 'Continue to payment').click()
  await page.getByLabel('Name on the card').fill('A Lovelace')
  await page.getByLabel(/^I approve/).check()
}

export const pay = (page: Page) => button(page, /^Pay/).click()

/** The receipt, as text. */
export async function receipt(page: Page): Promise<string> {
  await page.getByRole('heading', { name: 'Receipt' }).waitFor()
  return page.locator('.page').innerText()
}
