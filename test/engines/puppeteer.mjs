/** Chromium and Firefox, through puppeteer-core. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { launch } from 'puppeteer-core'
import { onPath } from './machine.mjs'

const tabOf = (page) => ({
  goto: (url) => page.goto(url),
  reload: () => page.reload(),
  back: () => page.evaluate('setTimeout(() => history.back())'),
  evaluate: (script) => page.evaluate(script),
  close: () => page.close({ runBeforeUnload: false }),
})

export async function puppeteerBrowser(kind, args) {
  const profile = await mkdtemp(path.join(tmpdir(), 'dogear-engine-'))
  // What a killed browser leaves among the temporary files goes with its profile.
  const TMPDIR = path.join(profile, 'tmp')
  await mkdir(TMPDIR)
  const begin = () =>
    launch({
      browser: kind,
      executablePath: onPath(kind === 'firefox' ? 'firefox-esr' : 'chromium'),
      headless: true,
      userDataDir: profile,
      env: { ...process.env, TMPDIR },
      args: kind === 'firefox' ? args : ['--no-sandbox', '--disable-gpu', ...args],
      // As people have it: puppeteer turns the back/forward cache off.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      // Who launched it ends it, and its profile with it.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      extraPrefsFirefox: { 'fission.bfcacheInParent': true },
    })
  let browser = await begin()
  return {
    // Firefox keeps no page in its cache that had a Web Lock when it was left, and not before `pagehide` is told.
    restores: kind === 'chrome',
    async tab() {
      return tabOf(await browser.newPage())
    },
    async kill() {
      const child = browser.process()
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
      browser = await begin()
    },
    async close() {
      await browser.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}
