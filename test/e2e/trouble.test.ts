import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import {
  address,
  button,
  fillAddress,
  fillHalf,
  halfTyped,
  heading,
  note,
  saved,
  type,
  typeAndSave,
} from './checkout-page.ts'
import { siteOf } from './site.ts'
import { readStored, writeStored } from './stored.ts'
import { visit } from './visitor.ts'

const site = siteOf()

async function halfWay() {
  const customer = await visit(site.url)
  await fillHalf(customer.page)
  return customer
}

type Stored = Record<string, unknown>
const keyOf = (stored: Stored, kind: string): string => {
  const key = Object.keys(stored).find((it) => it.startsWith(`["${kind}"`))
  if (key === undefined) throw new Error(`nothing of kind ${kind} is stored`)
  return key
}

describe.each<[string, string, (value: never) => unknown]>([
  ['a record that is no JSON', 'j', (batch: unknown[]) => batch.with(4, '[{"seq":')],
  [
    'a record with changed text',
    'j',
    (batch: string[]) => batch.with(4, batch[4]!.replace('begin', 'bogus')),
  ],
  ['a record that is a number', 'j', () => 42],
  ['a head that is a text', 'h', () => 'garbage'],
  ['a head of another workflow', 'h', (head: object) => ({ ...head, workflow: 'newsletter' })],
])('%s, written into the database by hand', (_, kind, spoil) => {
  test('the page says so, sets the bytes aside, and starts over on request', async () => {
    const customer = await halfWay()
    const whole = await readStored(customer.page)
    const key = keyOf(whole, kind)
    const spoilt = spoil(whole[key] as never)
    expect(spoilt).not.toEqual(whole[key])
    await writeStored(customer.page, { [key]: spoilt })

    await customer.reload()
    const alert = customer.page.getByRole('alert')
    await alert.waitFor()
    expect(await alert.innerText()).toContain('Your saved checkout could not be opened')
    const refused = await readStored(customer.page)
    expect(refused[key]).toEqual(spoilt)
    const copy = keyOf(refused, 'q')
    // Of a batch, the text, which is its fifth item.
    const bytes: unknown = Array.isArray(spoilt) ? spoilt[4] : spoilt
    expect(JSON.stringify(refused[copy])).toContain(JSON.stringify(bytes))

    await button(customer.page, 'Try again').click()
    await customer.reload()
    await alert.waitFor()
    expect(Object.keys(await readStored(customer.page)).filter((it) => it.startsWith('["q"'))).toEqual([copy])

    await button(customer.page, 'Start over').click()
    await fillAddress(customer.page)
    await saved(customer.page)
    await customer.crash()
    await note(customer.page).waitFor()
    expect((await readStored(customer.page))[copy]).toEqual(refused[copy])
  })
})

test('the record is repaired by hand / Try again opens it', async () => {
  const customer = await halfWay()
  const whole = await readStored(customer.page)
  const key = keyOf(whole, 'h')
  await writeStored(customer.page, { [key]: 'garbage' })
  await customer.reload()
  await customer.page.getByRole('alert').waitFor()
  await writeStored(customer.page, { [key]: whole[key] })
  await button(customer.page, 'Try again').click()
  await note(customer.page).waitFor()
  expect(await note(customer.page).inputValue()).toBe(halfTyped)
})

test('a page without Web Locks / the second tab says that it only reads, until the user continues there', async () => {
  const customer = await halfWay()
  const first = customer.page
  await first.context().addInitScript('Object.defineProperty(Navigator.prototype, "locks", { get() {} })')
  await first.reload()
  await note(first).waitFor()
  const second = await customer.secondTab()
  const elsewhere = (page: Page) => page.getByRole('heading', { name: 'goes on in another tab' })
  await elsewhere(second).waitFor()
  await typeAndSave(note(first), 'll')

  await button(second, 'Continue here').click()
  await note(second).waitFor()
  expect(await note(second).inputValue()).toBe(`${halfTyped}ll`)
  await elsewhere(first).waitFor()
  await typeAndSave(note(second), ' of the neighbours')
  await second.reload()
  await note(second).waitFor()
  expect(await note(second).inputValue()).toBe(`${halfTyped}ll of the neighbours`)
})

test('half a word typed and saved, another page, then back / it is there, and the flow goes on', async () => {
  const customer = await halfWay()
  const { page } = customer
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Page.enable')
  const reasons: { readonly type: string; readonly reason: string }[] = []
  devtools.on('Page.backForwardCacheNotUsed', (it) => reasons.push(...it.notRestoredExplanations))

  await page.goto(`${site.url}elsewhere.html`)
  // A page from the back/forward cache does not load again, so nothing here waits for that.
  await page.evaluate(() => void setTimeout(() => history.back()))
  await note(page).waitFor()

  expect(await heading(page)).toBe('Delivery')
  expect(await note(page).inputValue()).toBe(halfTyped)
  await typeAndSave(note(page), 'll')
  await customer.reload()
  await note(page).waitFor()
  expect(await note(page).inputValue()).toBe(`${halfTyped}ll`)
  await button(page, 'Back').click()
  expect(await page.getByLabel('City').inputValue()).toBe(address.City)
  // This browser may have no such cache; the wizard must be none of the reasons.
  expect(reasons.filter((it) => it.type !== 'Circumstantial')).toEqual([])
})

test('another address in the middle of a word / what was saved is there', async () => {
  const customer = await halfWay()
  await type(note(customer.page), 'll')
  await customer.page.goto(`${site.url}elsewhere.html`)
  await customer.page.goto(site.url)
  await note(customer.page).waitFor()
  expect(await note(customer.page).inputValue()).toMatch(/^Ring the be(l|ll)?$/)
})
