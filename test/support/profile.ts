import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium, type BrowserContext } from 'playwright'
import { launchOptions } from './browser.ts'

/** A browser profile on disk, which outlives the browsers that are started on it. */
export interface Profile {
  /** Starts a browser on it. Only one at a time. */
  open(): Promise<BrowserContext>
  /** Deletes it. Close or kill the browser first. */
  remove(): Promise<void>
}

export async function createProfile(): Promise<Profile> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dogear-profile-'))
  return {
    open: async () =>
      chromium.launchPersistentContext(folder, { headless: true, ...(await launchOptions()) }),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

/** Kills every process of the browser at once, so that nothing in it gets to say goodbye: a crash, a power button. */
export async function kill(context: BrowserContext): Promise<void> {
  const browser = context.browser()
  if (browser === null) throw new Error('this context has no browser of its own')
  const devtools = await browser.newBrowserCDPSession()
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
  const closed = new Promise((resolve) => context.once('close', resolve))
  for (const { id } of processInfo) {
    try {
      process.kill(id, 'SIGKILL')
    } catch {
      // It went down with the one before it.
    }
  }
  await closed
}
