/**
 * `npm run demo`: the checkout wizard in Storybook, and the small payment server that it talks to. Installs what
 * is missing, listens on this machine only, prints the address, ends with Ctrl-C.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { install, root } from './install.mjs'
import { optionsOf, refuse } from './options.mjs'

const usage = `npm run demo                     on port 6006, or on a free one when that is taken
npm run demo -- --port 7000      on another port`
const host = '127.0.0.1'
const story = 'checkout-wizard--wizard'

/** The wanted port, or any when that one is taken. */
function freePort(wanted) {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => (wanted === 0 ? reject(error) : resolve(freePort(0))))
    probe.listen(wanted, host, () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

async function startPayments() {
  const file = path.join(root, 'stories/payment-server.mjs')
  if (!existsSync(file)) return undefined
  const { startPaymentServer } = await import(pathToFileURL(file).href)
  return startPaymentServer()
}

function startStorybook(port, payments) {
  const manifest = createRequire(import.meta.url).resolve('storybook/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
  const entry = path.resolve(path.dirname(manifest), typeof bin === 'string' ? bin : bin.storybook)
  const args = ['dev', '--host', host, '--port', String(port), '--exact-port', '--ci', '--no-open']
  const child = spawn(process.execPath, [entry, ...args, '--no-version-updates', '--quiet'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that it can be ended with all that it starts.
    detached: process.platform !== 'win32',
    env: {
      ...process.env,
      STORYBOOK_DISABLE_TELEMETRY: '1',
      ...(payments && { STORYBOOK_PAYMENTS_URL: payments.url }),
    },
  })
  let output = ''
  const keep = (chunk) => (output = (output + chunk).slice(-20_000))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, output: String(error) }))
    child.once('close', (code) => resolve({ code, output }))
  })
  const kill = (signal) => {
    try {
      if (process.platform === 'win32' || child.pid === undefined) child.kill(signal)
      else process.kill(-child.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
  return { ended, kill }
}

/** Resolves with the ids of all stories once Storybook answers. */
async function ready(address) {
  for (let tries = 0; tries < 600; tries++) {
    try {
      const answer = await fetch(`${address}/index.json`)
      if (answer.ok) return Object.keys((await answer.json()).entries)
    } catch {
      // Not up yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('Storybook did not answer within two minutes')
}

async function main() {
  const { values } = optionsOf(usage, { options: { port: { type: 'string', default: '6006' } } })
  const wanted = Number(values.port)
  if (!(Number.isInteger(wanted) && wanted >= 0 && wanted < 65_536))
    refuse(`--port is a number below 65536`, usage)
  install()
  const port = await freePort(wanted)
  const address = `http://${host}:${port}`
  const payments = await startPayments()
  const storybook = startStorybook(port, payments)

  let leaving = false
  const leave = async () => {
    if (leaving) return
    leaving = true
    storybook.kill('SIGTERM')
    const patience = setTimeout(() => storybook.kill('SIGKILL'), 3000)
    const giveUp = setTimeout(() => process.exit(1), 6000)
    await Promise.all([storybook.ended, payments?.close()])
    clearTimeout(patience)
    clearTimeout(giveUp)
    process.exit(process.exitCode ?? 0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, leave)
  void storybook.ended.then(({ code, output }) => {
    if (leaving) return
    console.error(`${output}\nStorybook ended by itself (${code})`)
    process.exitCode = 1
    return leave()
  })

  console.log('starting Storybook ...')
  try {
    const ids = await ready(address)
    console.log(`\n  the checkout wizard   ${address}/${ids.includes(story) ? `?path=/story/${story}` : ''}`)
    if (payments) console.log(`  the payment server    ${payments.url}`)
    console.log('\n  Ctrl-C ends both.')
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
    await leave()
  }
}

await main()
