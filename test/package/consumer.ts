import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export const run: (
  command: string,
  args: readonly string[],
  options?: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
) => Promise<{ stdout: string; stderr: string }> = promisify(execFile)

export const root: string = path.resolve(import.meta.dirname, '../..')

interface Manifest {
  readonly dependencies?: Record<string, string>
}

/** The folder that Node finds `name` in when a module in `from` asks for it. */
function locate(name: string, from: string): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const found = path.join(folder, 'node_modules', name)
    if (existsSync(path.join(found, 'package.json'))) return found
    if (folder === path.dirname(folder)) throw new Error(`${name} is not installed for ${from}`)
  }
}

/** Copies a package and its dependencies. A link would resolve its own imports in this repository. */
async function place(name: string, from: string, modules: string): Promise<void> {
  const target = path.join(modules, name)
  if (existsSync(target)) return
  const source = locate(name, from)
  await cp(source, target, {
    recursive: true,
    filter: (file) => !path.relative(source, file).includes('node_modules'),
  })
  await placeAll(source, modules)
}

async function placeAll(source: string, modules: string): Promise<void> {
  const { dependencies = {} } = JSON.parse(
    await readFile(path.join(source, 'package.json'), 'utf8'),
  ) as Manifest
  for (const dependency of Object.keys(dependencies)) await place(dependency, source, modules)
}

/** What `npm publish` would send, unpacked. */
export async function pack(): Promise<{ folder: string; files: readonly string[] }> {
  const temporary = await mkdtemp(path.join(tmpdir(), 'dogear-pack-'))
  const { stdout } = await run(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', temporary],
    { cwd: root },
  )
  const [report] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  await run('tar', ['-xzf', path.join(temporary, report.filename), '-C', temporary])
  return { folder: path.join(temporary, 'package'), files: report.files.map((it) => it.path) }
}

/** A project outside this repository that has the packed Dogear and one React with zod, or none, and nothing else. */
export async function consumer(packed: string, react: 17 | 18 | 19 | 'none'): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), `dogear-react-${react}-`))
  const modules = path.join(folder, 'node_modules')
  await mkdir(modules)
  if (react !== 'none') {
    const from = react === 19 ? root : path.join(root, `test/compat/react-${react}`)
    for (const name of ['react', 'react-dom', 'zod']) await place(name, from, modules)
  }
  await cp(packed, path.join(modules, 'dogear'), { recursive: true })
  // From the repository's root, since that is where the dependencies of Dogear itself are.
  const { dependencies = {} } = JSON.parse(
    await readFile(path.join(packed, 'package.json'), 'utf8'),
  ) as Manifest
  for (const dependency of Object.keys(dependencies)) await place(dependency, root, modules)
  await cp(path.join(import.meta.dirname, 'fixtures'), folder, { recursive: true })
  if (react === 17) await rename(path.join(folder, 'app/mount-17.js'), path.join(folder, 'app/mount.js'))
  return folder
}

export async function remove(...folders: readonly (string | undefined)[]): Promise<void> {
  for (const folder of folders) if (folder) await rm(folder, { recursive: true, force: true })
}
