/** WebKitGTK, through its own driver; each session of it has a profile that ends with it. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { Builder, Capabilities } from 'selenium-webdriver'
import { openScreen } from '../torture/browsers.mjs'

const miniBrowser = () =>
  ['4.1', '6.0', '4.0']
    .flatMap((version) =>
      ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/webkit2gtk-${version}/MiniBrowser`),
    )
    .find((file) => existsSync(file))

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })

async function listening(url) {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await fetch(`${url}/status`)
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  throw new Error('WebKitWebDriver does not answer')
}

export async function webkitBrowser() {
  const port = await freePort()
  const screen = await openScreen()
  const env = { ...process.env, ...screen.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' }
  const server = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], { stdio: 'ignore', env })
  const url = `http://127.0.0.1:${port}`
  await listening(url)
  const capabilities = new Capabilities({
    browserName: 'MiniBrowser',
    'webkitgtk:browserOptions': { binary: miniBrowser(), args: ['--automation'] },
  })
  const driver = await new Builder().usingServer(url).withCapabilities(capabilities).build()
  // A script answers at once, unless its page goes away meanwhile: then it never does, and is run again.
  await driver.manage().setTimeouts({ script: 5_000, pageLoad: 30_000 })
  let fresh = await driver.getWindowHandle()
  const tabOf = (handle) => {
    const at = async (work) => {
      await driver.switchTo().window(handle)
      return work()
    }
    return {
      goto: (address) => at(() => driver.get(address)),
      reload: () => at(() => driver.navigate().refresh()),
      back: () => at(() => driver.executeScript('setTimeout(() => history.back())')),
      evaluate: (script) =>
        at(async () => {
          const done = 'const done = arguments[arguments.length - 1];'
          const body = `${done} Promise.resolve().then(() => (${script})).then((value) => done({ value }), (error) => done({ error: String(error) }))`
          const { value, error } = await driver.executeAsyncScript(body)
          if (error !== undefined) throw new Error(error)
          return value
        }),
      close: () => at(() => driver.close()),
    }
  }
  return {
    restores: true,
    async tab() {
      if (fresh === undefined) await driver.switchTo().newWindow('tab')
      const handle = fresh ?? (await driver.getWindowHandle())
      fresh = undefined
      return tabOf(handle)
    },
    async close() {
      await driver.quit().catch(() => {})
      server.kill()
      await screen.close()
    },
  }
}
