import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright'
import { onTestFinished } from 'vitest'
import { launchOptions } from '../support/browser.ts'
import { kill } from '../support/profile.ts'

/** Somebody with a browser, who fills half a form and goes away in one way or another. */
export interface Visitor {
  /** The tab that the visitor looks at. Another one after `changeTab` and `crash`. */
  readonly page: Page
  reload(): Promise<void>
  /** Closes the tab and opens another one at the same address. */
  changeTab(): Promise<void>
  /** The browser's profile: what it has on disk. */
  readonly profile: string
  /** Kills the browser and starts it again on the same profile, at the same address; `meanwhile` runs in between. */
  crash(meanwhile?: () => Promise<void>): Promise<void>
  /** Opens one more tab, and looks at the old one still. */
  secondTab(): Promise<Page>
  /** The uncaught errors of all pages so far; once read, they count as expected. */
  heard(): string[]
}

/**
 * Somebody who comes to this address, and leaves when the test ends: it fails when a page had an error that nobody
 * caught.
 */
export async function visit(address: string): Promise<Visitor> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dogear-visitor-'))
  const open = async () =>
    chromium.launchPersistentContext(folder, {
      headless: true,
      // As for people: pages that were left may be kept, where the browser can do that.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      ...(await launchOptions()),
    })
  const troubles: unknown[] = []
  let context = await open()
  let page = await tab(context, address, troubles)
  onTestFinished(async () => {
    await context.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    if (troubles.length > 0) throw new AggregateError(troubles, `on the pages: ${troubles.join('; ')}`)
  })
  return {
    get page() {
      return page
    },
    reload: async () => void (await page.reload()),
    async changeTab() {
      await page.close()
      page = await tab(context, address, troubles)
    },
    profile: folder,
    async crash(meanwhile) {
      await kill(context)
      await meanwhile?.()
      context = await open()
      page = await tab(context, address, troubles)
    },
    secondTab: () => tab(context, address, troubles),
    heard: () => troubles.splice(0).map(String),
  }
}

/** What went wrong on a page and was caught by nobody. Answers of the payment server are part of the story. */
function listen(page: Page, troubles: unknown[]): void {
  page.on('pageerror', (error) => troubles.push(error))
  page.on('console', (message) => {
    const worth = message.type() === 'error' || message.type() === 'warning'
    if (worth && !message.text().startsWith('Failed to load resource')) troubles.push(message.text())
  })
}

async function tab(context: BrowserContext, address: string, troubles: unknown[]): Promise<Page> {
  const page = await context.newPage()
  listen(page, troubles)
  // On a machine that others use, a development server takes more than ten seconds to its first page.
  page.setDefaultTimeout(30_000)
  await page.goto(address)
  return page
}

/** The ways to go away that a checkout must survive. */
export const interruptions = [
  ['a reload', (visitor: Visitor) => visitor.reload()],
  ['closing the tab and opening another', (visitor: Visitor) => visitor.changeTab()],
  ['SIGKILL of the browser', (visitor: Visitor) => visitor.crash()],
] as const
