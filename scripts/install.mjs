/** Brings node_modules in line with package-lock.json, when it is not. Plain Node: it runs before any install. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '..')

const packages = (file) => {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages
  } catch {
    return undefined
  }
}

/** What npm wrote down when it last installed, against what the lock file asks for. Times of files tell nothing after a checkout. */
function upToDate() {
  const wanted = packages('package-lock.json')
  const installed = packages('node_modules/.package-lock.json')
  if (!wanted || !installed) return false
  return Object.entries(wanted).every(([place, { version, integrity, link, optional, devOptional }]) => {
    if (!place.includes('node_modules/') || link) return true
    const there = installed[place]
    if (!there) return Boolean(optional || devOptional)
    return there.version === version && there.integrity === integrity
  })
}

/** Throws when npm fails. */
export function install() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Dogear's tools need Node 20.19 or newer; this is ${process.versions.node}`)
  }
  if (upToDate()) return false
  console.log('installing the dependencies (npm ci) ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  // The lock file names each version and its hash: what npm has need not be asked for again, which halves its work.
  const { status, error } = spawnSync(npm, ['ci', '--prefer-offline', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (error) throw error
  if (status !== 0) throw new Error(`npm ci ended with ${status}`)
  return true
}
