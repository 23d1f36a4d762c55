import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A server of this machine, started for the tests. */
export interface Server {
  readonly url: string
  stop(): Promise<void>
}

const host = '127.0.0.1'

/** Why a server is not here: its tests are skipped, and say so. */
export class Absent extends Error {}

/** Installs what is missing where that can be done without asking anybody: as root, on Debian. */
export function installed(binary: () => string | undefined, packages: readonly string[]): string {
  const found = binary()
  if (found) return found
  const wanted = `${packages.join(', ')} not installed`
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0)
    throw new Absent(`${wanted}, and this is not root on Debian`)
  // At run level 1 the packages start no service of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', args, { env, stdio: 'ignore', timeout: 240_000 }).status === 0
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...packages)
  const now = binary()
  if (!now) throw new Absent(`${wanted}, and apt-get could not do it`)
  return now
}

export function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  const folder = folders.find((it) => it !== '' && existsSync(path.join(it, name)))
  return folder && path.join(folder, name)
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, host, resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function answers(port: number, child: ChildProcess, output: () => string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output()}`)
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, host)
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`it did not answer within 30 s: ${output()}`)
}

async function start(
  command: string,
  args: readonly string[],
  options: { port: number; folder: string; user?: { uid: number; gid: number } | undefined },
): Promise<() => Promise<void>> {
  const { port, folder, user } = options
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...user })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000)))
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGINT')
    const patience = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(patience)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await answers(port, child, () => output)
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}

const temporary = (name: string): string => mkdtempSync(path.join(tmpdir(), `dogear-${name}-`))

export async function startRedis(): Promise<Server> {
  const binary = installed(() => onPath('redis-server'), ['redis-server'])
  const [port, folder] = [await freePort(), temporary('redis')]
  const args = ['--port', `${port}`, '--bind', host, '--dir', folder, '--save', '', '--appendonly', 'no']
  const stop = await start(binary, args, { port, folder })
  return { url: `redis://${host}:${port}`, stop }
}

/** Debian keeps the programs of a server out of the path, one folder for each version. */
function postgresFolder(): string | undefined {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : []
  const folders = versions.map((it) => path.join(base, it, 'bin'))
  const found = folders.find((it) => existsSync(path.join(it, 'postgres')))
  const inPath = onPath('postgres')
  return found ?? (inPath && path.dirname(inPath))
}

/** PostgreSQL refuses to run as root: its own user does it then. */
function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'postgres']).stdout.toString()))
  if (!uid || !gid) throw new Absent('there is no user postgres, and root may not run it')
  return { uid, gid }
}

export async function startPostgres(): Promise<Server> {
  const programs = installed(postgresFolder, ['postgresql'])
  const user = postgresUser()
  const [port, folder] = [await freePort(), temporary('postgres')]
  if (user) chownSync(folder, user.uid, user.gid)
  const data = path.join(folder, 'data')
  const init = ['-D', data, '-U', 'dogear', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  const made = spawnSync(path.join(programs, 'initdb'), init, { cwd: folder, ...user })
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr.toString()}`)
  const args = ['-D', data, '-h', host, '-p', `${port}`, '-k', folder]
  const stop = await start(path.join(programs, 'postgres'), args, { port, folder, user })
  return { url: `postgresql://dogear@${host}:${port}/postgres`, stop }
}
