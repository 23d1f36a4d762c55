/** Installs browsers where that can be done without asking anybody: as root, on Debian. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

export const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file))

const packages = {
  chromium: 'chromium',
  'firefox-esr': 'firefox-esr',
  WebKitWebDriver: 'webkit2gtk-driver',
  Xvfb: 'xvfb',
}

/** The programs that are still missing afterwards. */
export function install() {
  const missing = () => Object.keys(packages).filter((it) => !onPath(it))
  if (missing().length === 0 || !existsSync('/etc/debian_version') || process.getuid?.() !== 0)
    return missing()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  console.log(`installing ${missing().join(', ')} ...`)
  spawnSync('apt-get', ['update'], { env, stdio: 'ignore' })
  const wanted = missing().map((it) => packages[it])
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...wanted], { env, stdio: 'ignore' })
  return missing()
}
