/**
 * Turns the notes in .changeset/ into the next version and its CHANGELOG entry (`npm run next-version`), or with
 * `--check` only shows what would happen.
 *
 * Changesets looks for packages in the workspaces of the root, never at the root itself, and here the root is
 * the package. So it runs in a copy that has no workspaces, and what it wrote is taken over.
 *
 * A note is a Markdown file in .changeset/ that begins with
 *
 *     ---
 *     'dogear': patch | minor | major
 *     ---
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const check = process.argv.includes('--check')
const staging = mkdtempSync(path.join(tmpdir(), 'dogear-version-'))
const read = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))

try {
  const { workspaces: _, devDependencies: __, ...manifest } = read(root)
  writeFileSync(path.join(staging, 'package.json'), JSON.stringify(manifest, null, 2))
  for (const name of ['.changeset', 'CHANGELOG.md', '.prettierrc.json']) {
    cpSync(path.join(root, name), path.join(staging, name), { recursive: true })
  }
  const cli = createRequire(import.meta.url).resolve('@changesets/cli/bin.js')
  execFileSync(process.execPath, [cli, 'version'], { cwd: staging, stdio: ['ignore', 'inherit', 'inherit'] })

  const { version } = read(staging)
  if (check) {
    console.log(`next version: ${version}\n`)
    console.log(readFileSync(path.join(staging, 'CHANGELOG.md'), 'utf8'))
  } else if (version === manifest.version) {
    console.log('nothing to do: .changeset/ holds no notes')
  } else {
    cpSync(path.join(staging, 'CHANGELOG.md'), path.join(root, 'CHANGELOG.md'))
    const kept = new Set(readdirSync(path.join(staging, '.changeset')))
    for (const name of readdirSync(path.join(root, '.changeset'))) {
      if (!kept.has(name)) rmSync(path.join(root, '.changeset', name))
    }
    execFileSync('npm', ['version', version, '--no-git-tag-version', '--ignore-scripts'], {
      cwd: root,
      stdio: 'inherit',
    })
  }
} finally {
  rmSync(staging, { recursive: true, force: true })
}
