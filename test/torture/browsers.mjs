/** Browsers as processes of their own: no protocol, no driver, so that nothing can be said before a SIGKILL. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file))

const miniBrowser = () =>
  ['4.1', '6.0', '4.0']
    .map(
      (version) =>
        `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/webkit2gtk-${version}/MiniBrowser`,
    )
    .find((file) => existsSync(file))

const chromiumArgs = (profile) => [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
  `--user-data-dir=${profile}`,
]

/**
 * For a picture on its new tab Firefox loads a page once more, hidden, in a container whose storage is empty: seen
 * from here that page had lost everything, and had effects of its own.
 */
const firefoxPrefs = 'user_pref("browser.pagethumbnails.capturing_disabled", true);\n'

/** How each engine is started on a profile: `undefined` where it is not installed. */
export const engines = {
  chromium: (profile, chromium) => {
    const binary = chromium?.executablePath ?? onPath('chromium') ?? onPath('google-chrome')
    return binary && { binary, args: [...chromiumArgs(profile)], env: chromium?.env }
  },
  'chromium-sqlite': (profile, chromium) => {
    const found = engines.chromium(profile, chromium)
    return found && { ...found, args: [...found.args, '--enable-features=IdbSqliteBackingStore'] }
  },
  firefox: (profile) => {
    const binary = onPath('firefox-esr') ?? onPath('firefox')
    if (binary && existsSync(profile)) writeFileSync(path.join(profile, 'user.js'), firefoxPrefs)
    return binary && { binary, args: ['--headless', '--no-remote', '--new-instance', '--profile', profile] }
  },
  webkit: (profile) => {
    const binary = miniBrowser()
    if (!binary || !onPath('Xvfb')) return undefined
    const env = {
      XDG_DATA_HOME: path.join(profile, 'data'),
      XDG_CACHE_HOME: path.join(profile, 'cache'),
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
    }
    return { binary, args: [], env, screen: true }
  },
}

/** A screen that no kill takes down: one of their own, killed with it, would leave its lock behind each time. */
export async function openScreen() {
  const display = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // Out of reach of Ctrl-C, which ends the loop after the kill that is under way.
    detached: true,
  })
  const ended = new Promise((resolve) => display.once('close', resolve))
  const number = await new Promise((resolve, reject) => {
    display.stdout.once('data', (it) => resolve(String(it).trim()))
    display.once('error', reject)
    void ended.then(() => reject(new Error('Xvfb has ended')))
  })
  return {
    env: { DISPLAY: `:${number}` },
    async close() {
      display.kill()
      await ended
    },
  }
}

/** The processes that name this profile, or were started for it: children of a browser may leave its group. */
function leftOver(profile) {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false
    try {
      return ['cmdline', 'environ'].some((file) =>
        readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(profile),
      )
    } catch {
      return false
    }
  })
}

/** Starts a browser on the profile, at that address. `kill` ends all of it at once. */
export function start({ binary, args, env }, profile, url) {
  // What a killed browser leaves among the temporary files goes with its profile.
  const TMPDIR = path.join(profile, 'tmp')
  mkdirSync(TMPDIR, { recursive: true })
  const child = spawn(binary, [...args, url], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, HOME: profile, TMPDIR, ...env },
  })
  const ended = new Promise((resolve) => {
    child.once('close', resolve)
    child.once('error', resolve)
  })
  return {
    ended,
    async kill() {
      const pids = [-(child.pid ?? 0), ...leftOver(profile).map(Number)]
      for (const pid of pids.filter(Boolean)) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It went down with the one before it.
        }
      }
      await ended
      for (let tries = 0; tries < 100 && leftOver(profile).length > 0; tries++)
        await new Promise((resolve) => setTimeout(resolve, 20))
    },
  }
}
