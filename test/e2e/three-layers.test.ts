import { describe, expect, test } from 'vitest'
import { button, type, typeAndSave } from './checkout-page.ts'
import { siteOf } from './site.ts'
import { readStored } from './stored.ts'
import { interruptions, visit } from './visitor.ts'

const site = siteOf('layers-app')

describe.each(interruptions)('%s', (_, interrupt) => {
  test('state and flow state are back, the resource is not: paused until it is given', async () => {
    const visitor = await visit(site.url)
    await type(visitor.page.getByLabel('Sender'), 'Grace')
    // Flow state is no part of what the session says of its own saving.
    await expect.poll(async () => JSON.stringify(await readStored(visitor.page))).toContain('Grace')
    await button(visitor.page, 'Give this letter an inkjet').click()
    await button(visitor.page, 'Begin').click()
    await button(visitor.page, 'Post it').waitFor()
    await typeAndSave(visitor.page.getByLabel('Text'), 'Dear Ada')

    await interrupt(visitor)

    const { page } = visitor
    await page.getByText('Letter to Ada is paused: there is no printer').waitFor()
    expect(await page.getByLabel('Text').inputValue()).toBe('Dear Ada')
    expect(await page.getByLabel('Sender').inputValue()).toBe('Grace')
    expect(await page.getByText('missing').isVisible()).toBe(true)
    await button(page, 'Letter to Grace').click()
    await page.getByText('Letter to Grace is not begun.').waitFor()
    expect(await page.getByLabel('Text').inputValue()).toBe('')
    expect(await page.getByLabel('Sender').inputValue()).toBe('Grace')
    await button(page, 'Letter to Ada').click()
    await button(page, 'Give this letter an inkjet').click()
    await button(page, 'Post it').click()
    await page.getByText('Letter to Ada is posted: 8 letters, on the inkjet.').waitFor()
    expect(await page.getByText('Letters posted: 1').isVisible()).toBe(true)
  })
})

test('typing into flow state until a reload has removed the page / the last key is there, 6 of 6', async () => {
  const { page } = await visit(site.url)
  await page.getByLabel('Sender').waitFor()
  let kept = 0
  for (let n = 0; n < 6; n++) {
    const loaded = page.waitForEvent('load')
    await page.evaluate((round) => {
      const field = document.querySelector('input') as HTMLInputElement
      const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
      let key = 0
      const press = () => {
        const text = `key ${++key} of ${round}`
        value?.set?.call(field, text)
        field.dispatchEvent(new Event('input', { bubbles: true }))
        sessionStorage.setItem('pressed', text)
        setTimeout(press)
      }
      location.reload()
      press()
    }, n)
    await loaded
    await page.getByLabel('Sender').waitFor()
    const pressed = await page.evaluate(() => sessionStorage.getItem('pressed'))
    expect(pressed).toContain(` of ${n}`)
    if ((await page.getByLabel('Sender').inputValue()) === pressed) kept++
  }
  expect(kept).toBe(6)
})
