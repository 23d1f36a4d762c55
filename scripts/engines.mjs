/**
 * `npm run test:engines`: the checkout in every engine that people have. On Debian, as root, it installs what is
 * missing (chromium, firefox-esr, webkit2gtk-driver, xvfb); elsewhere it says what is.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build, preview } from 'vite'
import { startPaymentServer } from '../stories/payment-server.mjs'
import { install, onPath } from '../test/engines/machine.mjs'
import { puppeteerBrowser } from '../test/engines/puppeteer.mjs'
import { cases } from '../test/engines/suite.mjs'
import { webkitBrowser } from '../test/engines/webkit.mjs'
import { optionsOf, refuse } from './options.mjs'

const usage = `npm run test:engines                      the checkout in all engines
npm run test:engines -- firefox webkit    in these: chromium, chromium-sqlite, firefox, webkit
npm run test:engines -- --only exit       the cases with this in their names`

const root = path.resolve(import.meta.dirname, '..')
const minute = 60_000

/** The site and the browsers' profiles: gone when this process ends, also by Ctrl-C. */
const scratch = mkdtempSync(path.join(tmpdir(), 'dogear-engines-'))
process.env.TMPDIR = scratch
process.on('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))

/** That of the case at work. */
let browser
const closeBrowser = () => within(20_000, Promise.resolve(browser?.close())).catch(() => {})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => void closeBrowser().then(() => process.exit(130)))

const engines = {
  chromium: { programs: ['chromium'], open: () => puppeteerBrowser('chrome', []) },
  'chromium-sqlite': {
    programs: ['chromium'],
    open: () => puppeteerBrowser('chrome', ['--enable-features=IdbSqliteBackingStore']),
  },
  firefox: { programs: ['firefox-esr'], open: () => puppeteerBrowser('firefox', []) },
  webkit: { programs: ['WebKitWebDriver', 'Xvfb'], open: webkitBrowser },
}

/** The page of test/e2e, built as it is there. */
async function serveSite() {
  const outDir = path.join(scratch, 'site')
  const source = (file) => path.join(root, 'src', file)
  const shared = { configFile: false, root: path.join(root, 'test/e2e/app'), logLevel: 'error' }
  await build({
    ...shared,
    resolve: {
      alias: [
        { find: 'dogear/react', replacement: source('react/index.ts') },
        { find: 'dogear/unstorage', replacement: source('storage/adapters/unstorage.ts') },
        { find: 'dogear', replacement: source('index.ts') },
      ],
    },
    build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: 5000 },
  })
  const server = await preview({ ...shared, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } })
  return { url: server.resolvedUrls.local[0], close: () => server.close() }
}

function within(ms, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms / 1000} s`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** One case in a browser of its own: `undefined` when it passed, `'cannot'` when this driver has no way to do it. */
async function attempt(open, { needs, run }, site) {
  const payments = await startPaymentServer()
  browser = undefined
  try {
    browser = await within(minute, open())
    if (needs && !browser[needs]) return 'cannot'
    await within(3 * minute, run({ browser, payments, site, url: `${site}?payments=${payments.url}` }))
    return undefined
  } catch (error) {
    return error
  } finally {
    await closeBrowser()
    await payments.close()
  }
}

const { values, positionals } = optionsOf(usage, {
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } },
})
const wanted = positionals.length > 0 ? positionals : Object.keys(engines)
const unknown = wanted.filter((it) => !(it in engines))
if (unknown.length > 0) refuse(`there is no engine ${unknown.join(', ')}`, usage)
const missing = install()
const site = await serveSite()
const total = { passed: 0, failed: 0 }
try {
  for (const name of wanted) {
    const { programs, open } = engines[name]
    const lacking = programs.filter((it) => missing.includes(it) && !onPath(it))
    if (lacking.length > 0) {
      console.log(`FAIL ${name}: ${lacking.join(', ')} could not be installed`)
      total.failed++
      continue
    }
    console.log(name)
    const own = { passed: 0, failed: 0, cannot: 0 }
    for (const it of cases) {
      const title = `${it.suite}: ${it.name}`
      if (!title.includes(values.only)) continue
      const begun = Date.now()
      const outcome = await attempt(open, it, site.url)
      const time = `(${((Date.now() - begun) / 1000).toFixed(1)} s)`
      if (outcome === 'cannot') console.log(`  -    ${title}: this driver cannot ${it.needs}`)
      else if (outcome) console.log(`  FAIL ${title} ${time}\n       ${outcome.message}`)
      else console.log(`  ok   ${title} ${time}`)
      own[outcome === 'cannot' ? 'cannot' : outcome ? 'failed' : 'passed']++
    }
    console.log(`${name}: ${own.passed} passed, ${own.failed} failed, ${own.cannot} cannot be done there`)
    total.passed += own.passed
    total.failed += own.failed
  }
} finally {
  await site.close()
}
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed > 0 ? 1 : 0)
