import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProfile, kill, type Profile } from '../support/profile.ts'

/** What the browser tests stand on: a profile that keeps what was durable, through a reload and through SIGKILL. */
let profile: Profile
let server: Server
let url: string

beforeAll(async () => {
  profile = await createProfile()
  server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Profile</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  server?.close()
  await profile?.remove()
})

const write = (page: Page, value: string) =>
  page.evaluate(
    (text) =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.open('profile')
        request.onupgradeneeded = () => request.result.createObjectStore('store')
        request.onsuccess = () => {
          const transaction = request.result.transaction('store', 'readwrite', { durability: 'strict' })
          transaction.objectStore('store').put(text, 'key')
          transaction.oncomplete = () => resolve()
          transaction.onabort = () => reject(new Error('aborted'))
        }
      }),
    value,
  )

const read = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<unknown>((resolve, reject) => {
        const request = indexedDB.open('profile')
        request.onupgradeneeded = () => reject(new Error('the database is gone'))
        request.onsuccess = () => {
          const get = request.result.transaction('store').objectStore('store').get('key')
          get.onsuccess = () => resolve(get.result)
        }
      }),
  )

test('what a transaction completed is there after a reload, in a new tab and after SIGKILL', async () => {
  const first = await profile.open()
  const page = await first.newPage()
  await page.goto(url)
  await write(page, 'kept')
  await page.reload()
  expect(await read(page)).toBe('kept')

  await page.close()
  const tab = await first.newPage()
  await tab.goto(url)
  expect(await read(tab)).toBe('kept')

  await write(tab, 'kept again')
  await kill(first)
  const second = await profile.open()
  const restored = await second.newPage()
  await restored.goto(url)
  expect(await read(restored)).toBe('kept again')
  await second.close()
})
