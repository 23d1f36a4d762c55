import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright'
import { launchOptions } from '../support/browser.ts'
import { kill } from '../support/profile.ts'

/** Somebody with a browser, who fills half a form and goes away in one way or another. */
export interface Visitor {
  /** The tab that the visitor looks at. Another one after `changeTab` and `crash`. */
  readonly page: Page
  reload(): Promise<void>
  /** Closes the tab and opens another one at the same address. */
  changeTab(): Promise<void>
  /** Kills the browser and starts it again on the same profile, at the same address. */
  crash(): Promise<void>
  /** Opens one more tab, and looks at the old one still. */
  secondTab(): Promise<Page>
  /** Closes the browser and forgets everything. */
  leave(): Promise<void>
}

export async function visit(address: string): Promise<Visitor> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dogear-visitor-'))
  const open = async () =>
    chromium.launchPersistentContext(folder, {
      headless: true,
      // As for people: pages that were left may be kept, where the browser can do that.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      ...(await launchOptions()),
    })
  let context = await open()
  let page = await tab(context, address)
  return {
    get page() {
      return page
    },
    reload: async () => void (await page.reload()),
    async changeTab() {
      const next = await context.newPage()
      await page.close()
      page = next
      await page.goto(address)
    },
    async crash() {
      await kill(context)
      context = await open()
      page = await tab(context, address)
    },
    secondTab: () => tab(context, address),
    async leave() {
      await context.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

async function tab(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  await page.goto(address)
  return page
}

/** The ways to go away that a checkout must survive. */
export const interruptions = [
  ['a reload', (visitor: Visitor) => visitor.reload()],
  ['closing the tab and opening another', (visitor: Visitor) => visitor.changeTab()],
  ['SIGKILL of the browser', (visitor: Visitor) => visitor.crash()],
] as const
